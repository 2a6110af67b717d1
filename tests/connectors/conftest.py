"""The fixtures of the connectors' tests; they are in modules of their own so that tests can name their types."""

from typing import Any

from mariadb_server import mariadb, my_database
from object_stores import azurite, container, gcs_bucket
from source_targets import bucket, database, opened, s3_endpoint
from suite_table import SuiteTable

__all__ = [
    "azurite", "bucket", "container", "database", "gcs_bucket", "mariadb", "my_database", "opened", "s3_endpoint",
]  # fmt: skip


def pytest_configure(config: Any) -> None:
    if not hasattr(config, "workerinput") and not config.getoption("numprocesses", None):
        config.pluginmanager.register(SuiteTable(), "suite-table")
