"""The read side of the catalog group: assets and search, curation and history, lineage, sums over a source."""

from actors.catalog.assets import (
    AssetFilter,
    curation,
    get_asset,
    list_assets,
    schema_versions,
    search,
)
from actors.catalog.domains import domains, get_domain
from actors.catalog.facets import facets
from actors.catalog.finding import Asked
from actors.catalog.graph import edges_of_source, lineage
from actors.catalog.history import changes, state, version_at
from actors.catalog.properties import definitions
from actors.catalog.relations import flows, profiles
from actors.catalog.sums import digest, stats

__all__ = [
    "Asked",
    "AssetFilter",
    "changes",
    "curation",
    "definitions",
    "digest",
    "domains",
    "edges_of_source",
    "facets",
    "flows",
    "get_asset",
    "get_domain",
    "lineage",
    "list_assets",
    "profiles",
    "schema_versions",
    "search",
    "state",
    "stats",
    "version_at",
]
