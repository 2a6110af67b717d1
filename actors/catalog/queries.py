"""The read side of the catalog group: assets and search, lineage, sums over a source."""

from actors.catalog.assets import (
    AssetFilter,
    curation,
    get_asset,
    list_assets,
    schema_versions,
    search,
)
from actors.catalog.graph import edges_of_source, lineage
from actors.catalog.sums import digest, stats

__all__ = [
    "AssetFilter",
    "curation",
    "digest",
    "edges_of_source",
    "get_asset",
    "lineage",
    "list_assets",
    "schema_versions",
    "search",
    "stats",
]
