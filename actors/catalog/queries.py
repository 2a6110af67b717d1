"""The read side of the catalog group: assets and search, curation and history, lineage, sums over a source."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog import asset_csv, glossary_csv, glossary_skos
from actors.catalog.alerts import alerts, channels
from actors.catalog.assets import (
    AssetFilter,
    asset_row,
    conditions,
    curation,
    get_asset,
    list_assets,
    schema_versions,
    search,
    views,
)
from actors.catalog.carrying import carried_labels
from actors.catalog.contract import Bounds, FigureView, TermView
from actors.catalog.contracts import contracts, get_contract
from actors.catalog.contracts import drafted as contract_draft
from actors.catalog.contracts import exported as contract_document
from actors.catalog.dcat import exported as dcat
from actors.catalog.domains import domains, get_domain
from actors.catalog.facets import facets
from actors.catalog.finding import Asked
from actors.catalog.glossary import term_view, terms
from actors.catalog.graph import edges_of_source, lineage
from actors.catalog.history import changes, state, version_at
from actors.catalog.incidents import get_incident, incidents
from actors.catalog.jobs import get_job, get_run, jobs, runs
from actors.catalog.lineage_documents import as_graph, as_openlineage
from actors.catalog.linking import links
from actors.catalog.metrics import figures, learned
from actors.catalog.monitors import monitors
from actors.catalog.properties import definitions
from actors.catalog.quality_results import list_tests, pending_runs, results, run_view, scores
from actors.catalog.relations import flows, profiles
from actors.catalog.search import english
from actors.catalog.sums import digest, stats
from actors.catalog.tables import Asset
from actors.catalog.tracing import impact, path
from cluster.context import Caller

__all__ = [
    "Asked",
    "AssetFilter",
    "alerts",
    "as_graph",
    "as_openlineage",
    "assets_csv",
    "carried_labels",
    "changes",
    "channels",
    "contract_document",
    "contract_draft",
    "contracts",
    "curation",
    "dcat",
    "definitions",
    "digest",
    "domains",
    "edges_of_source",
    "english",
    "facets",
    "figures_of",
    "flows",
    "get_asset",
    "get_contract",
    "get_domain",
    "get_incident",
    "get_job",
    "get_run",
    "glossary_written",
    "impact",
    "incidents",
    "jobs",
    "learned_bounds",
    "lineage",
    "links",
    "list_assets",
    "list_tests",
    "monitors",
    "path",
    "pending_runs",
    "profiles",
    "results",
    "run_view",
    "runs",
    "schema_versions",
    "scores",
    "search",
    "state",
    "stats",
    "term_view",
    "terms",
    "version_at",
]


def glossary_written(found: list[TermView], form: str) -> str:
    """The terms as "csv", "turtle", "rdfxml" or "jsonld"."""
    return glossary_csv.written(found) if form == "csv" else glossary_skos.written(found, form)


def assets_csv(
    session: Session, caller: Caller, wanted: AssetFilter, after: str | None = None, limit: int = 100
) -> tuple[str, str | None]:
    """At most `limit` assets by id as CSV, and the id to go on behind, None at the end."""
    limits = conditions(session, wanted, caller)
    if after is not None:
        limits.append(Asset.id > after)
    rows = list(session.scalars(select(Asset).where(*limits).order_by(Asset.id).limit(limit + 1)))
    told = rows[:limit]
    return asset_csv.written(views(session, told, caller)), told[-1].id if len(rows) > limit else None


def figures_of(  # noqa: PLR0917
    session: Session, caller: Caller, asset_id: str, column: str | None, metric: str | None, limit: int = 100
) -> list[FigureView]:
    """The history of the figures of an asset, the newest first. Raises NotFound."""
    asset_row(session, asset_id, caller)
    return figures(session, asset_id, column, metric, limit)


def learned_bounds(session: Session, caller: Caller, asset_id: str) -> list[Bounds]:
    """Where the next figures of an asset are expected, as of its last version. Raises NotFound."""
    asset_row(session, asset_id, caller)
    return learned(session, asset_id, datetime.now(UTC))
