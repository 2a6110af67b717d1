"""Connectors: where data lives. One module each; the drivers are imported when a source is opened, not before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cluster.connectors.urls import SourceUrl, namespace, source_kind, split_url, suggested_name

if TYPE_CHECKING:
    from cluster.connectors.interface import Connector, SourceAccess

__all__ = ["SourceUrl", "namespace", "open_connector", "source_kind", "split_url", "suggested_name"]


def open_connector(access: "SourceAccess", credential: Mapping[str, str]) -> "Connector":
    """The connector for a source. It connects on first use; close it. Raises InvalidInput for an unknown scheme."""
    if source_kind(access.url) == "postgresql":
        from cluster.connectors.postgres import PostgresConnector

        return PostgresConnector(access, credential)
    from cluster.connectors.files import FilesConnector

    return FilesConnector(access, credential)
