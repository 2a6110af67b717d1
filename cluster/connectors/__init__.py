"""Connectors: where data lives. The drivers are imported when a source is opened, not before.

A connector is made here by the scheme of its source's URL; to add one, add its scheme to `urls.KINDS`, its options to
`options.OPTIONS`, and its class to `open_connector`. All of them pass tests/connectors/test_contract.py.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cluster.connectors.options import WAREHOUSES, check_options
from cluster.connectors.urls import SourceUrl, dataset_name, namespace, source_kind, split_url, suggested_name
from cluster.security.network import check_places

if TYPE_CHECKING:
    from cluster.connectors.interface import Connector, SourceAccess
    from cluster.connectors.pace import Pacer

__all__ = [
    "SourceUrl",
    "check_options",
    "dataset_name",
    "namespace",
    "open_connector",
    "source_kind",
    "split_url",
    "suggested_name",
]


def open_connector(access: "SourceAccess", credential: Mapping[str, str], pacer: "Pacer | None" = None) -> "Connector":
    """The connector for a source. It connects on first use; close it after use. `pacer` holds it to a pace.

    Raises InvalidInput for a scheme or an option that no connector has, and AddressRefused for a host that the settings
    do not allow.
    """
    kind = source_kind(access.url)
    check_options(kind, access.options)
    check_places(access.url, access.options, ask_dns=True)
    if kind == "postgresql":
        from cluster.connectors.postgres.connector import PostgresConnector

        return PostgresConnector(access, credential, pacer)
    if kind == "mysql":
        from cluster.connectors.mysql.connector import MysqlConnector

        return MysqlConnector(access, credential, pacer)
    if kind in WAREHOUSES:
        from cluster.connectors.warehouse.connector import WarehouseConnector

        return WarehouseConnector(access, credential, pacer)
    if kind == "duckdb":
        from cluster.connectors.duckdb.connector import DuckDbConnector

        return DuckDbConnector(access, credential, pacer)
    if kind == "sqlite":
        from cluster.connectors.sql.connector import SqliteConnector

        return SqliteConnector(access, credential, pacer)
    from cluster.connectors.lakehouse.connector import LakehouseConnector

    return LakehouseConnector(access, credential, pacer)
