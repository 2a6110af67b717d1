"""Routes that show rows of an asset, and sources as a document."""

from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from actors.classification import queries as classification
from actors.compliance import queries as compliance
from actors.compliance.contract import Decision
from actors.sources import applying, queries
from actors.sources.contract import ApplyReport, ApplySources, AskPreview, InventoryItem, SourceSpec
from actors.sources.preview import REVEAL, Treatment, preview_rows, treatment
from cluster.connectors.interface import SourceAccess
from cluster.context import Caller
from cluster.errors import Conflict, NotFound
from cluster.security.visibility import hidden, roles_of
from serve.http.doors import Access, Doors
from serve.http.identity import Writer, permitted
from serve.http.pages import Id

router = APIRouter(tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]


class PreviewRequest(BaseModel):
    """Which asset, how many rows, and whether protected columns are to be shown as they are."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=2000, examples=["public.customers"])
    rows: int = Field(20, ge=1, le=100)
    reveal: bool = False
    purpose: str | None = Field(None, min_length=1, max_length=200, description="What for, as policies name it.")


class PreviewColumn(BaseModel):
    """A column and how it is shown: as it is, by the shape of its values, or not at all."""

    model_config = ConfigDict(frozen=True)

    name: str
    treatment: Treatment
    classes: tuple[str, ...]
    policy: str = Field("", description="Why a policy does not let the column be seen.")


class Preview(BaseModel):
    """Rows of an asset, as texts, in the order of the columns. Nothing of it is kept."""

    model_config = ConfigDict(frozen=True)

    asset_id: str
    path: str
    columns: tuple[PreviewColumn, ...]
    rows: tuple[tuple[str | None, ...], ...]


class SourceDocument(BaseModel):
    """Sources as a document, without secrets."""

    model_config = ConfigDict(extra="forbid")

    sources: tuple[SourceSpec, ...] = Field(max_length=1000)


class Application(SourceDocument):
    """A document, and how to apply it."""

    prune: bool = Field(False, description="Retire the sources that it does not name.")
    dry_run: bool = Field(False, description="Only say what would change.")


@router.post("/sources/{source_id}/preview", operation_id="preview_asset", summary="Show rows of an asset")
async def preview(source_id: Id, body: PreviewRequest, doors: Access, caller: Writer) -> Preview:
    """The first rows, masked by what is known of each column; needs `sources:preview`, and is noted in the audit.

    Columns that were not scanned are hidden. `reveal` needs `sources:reveal`, and shows nothing that a policy in force
    denies the caller or masks; rows that a policy keeps from the caller are left out of the first ones.
    """
    caller.require(AskPreview.permission)
    if body.reveal:
        caller.require(REVEAL)
    item, access, columns, only = await run_in_threadpool(_known, doors, source_id, body, caller)
    unseen = tuple(column.name for column in columns if column.treatment != "shown")
    command = AskPreview(source_id=source_id, asset_id=item.asset_id, rows=body.rows, masked=unseen, reveal=body.reveal)
    await doors.send(command, caller)
    names, rows = await doors.work(
        preview_rows, access, item.info, body.rows, {column.name: column.treatment for column in columns}, only
    )
    known = {column.name: column for column in columns}
    shown = tuple(known.get(name) or PreviewColumn(name=name, treatment="hidden", classes=()) for name in names)
    return Preview(asset_id=item.asset_id, path=body.path, columns=shown, rows=tuple(tuple(row) for row in rows))


@router.get("/source-document", operation_id="export_sources", summary="Export the sources")
def export(doors: Access, caller: MayRead) -> SourceDocument:
    """All sources in service as a document that can be applied elsewhere; credentials are not in it."""
    with doors.reading() as session:
        return SourceDocument(sources=tuple(applying.export(session)))


@router.post("/source-document", operation_id="apply_sources", summary="Make the sources what a document says")
async def apply(body: Application, doors: Access, caller: Writer) -> ApplyReport:
    """All changes or none; applied again it changes nothing. With `dry_run` it only says what it would do."""
    command = ApplySources(sources=body.sources, prune=body.prune, dry_run=body.dry_run)
    return await doors.send(command, caller)


Only = tuple[dict[str, tuple[str, ...]], ...]


def _known(
    doors: Doors, source_id: str, body: PreviewRequest, caller: Caller
) -> tuple[InventoryItem, SourceAccess, list[PreviewColumn], Only]:  # fmt: skip
    with doors.reading() as session:
        item = queries.item_at(session, source_id, body.path)
        if item is None or hidden(session, caller, [item.asset_id]):
            raise NotFound("The source has no such asset.", "List its inventory.")
        if item.status == "gone":
            raise Conflict("The asset is gone.", "Discover the source again.")
        found: dict[str, set[str]] = defaultdict(set)
        classes: dict[str, set[str]] = defaultdict(set)
        for label in classification.labels_of_asset(session, item.asset_id):
            if label.state != "rejected":
                found[label.column].add(label.sensitivity)
                classes[label.column].add(label.data_class)
        scanned = classification.scanned_columns(session, item.asset_id)
        asking = compliance.Asking((caller.principal, *roles_of(session, caller.principal)), body.purpose)
        names = [column.name for column in item.info.columns]
        decided = compliance.decide_columns(session, source_id, item.asset_id, names, asking)
        access = queries.access(session, source_id)
    columns = [
        _column(
            name, tuple(sorted(classes[name])), decided.get(name),
            treatment(found[name], scanned=name in scanned, reveal=body.reveal),
        )
        for name in names
    ]  # fmt: skip
    rows = dict.fromkeys(filter_ for one in decided.values() for filter_ in one.rows)
    return item, access, columns, tuple({one.column: one.values} for one in rows)


def _column(name: str, classes: tuple[str, ...], decision: Decision | None, how: Treatment) -> PreviewColumn:
    """How a column is shown: what a policy masks or denies is hidden, whoever may reveal."""
    kept = decision is not None and decision.outcome != "permit"
    reason = decision.reason if decision is not None and kept else ""
    return PreviewColumn(name=name, classes=classes, treatment="hidden" if kept else how, policy=reason)
