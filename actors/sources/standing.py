"""What every change of a source goes through: it must be in service, gets the next version, and is told of."""

from typing import Any

from sqlalchemy import select

from actors.sources import queries
from actors.sources.contract import SourceView
from actors.sources.tables import Source
from cluster.errors import Conflict
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork


def changed(work: UnitOfWork, row: Source, before: SourceView, kind: str) -> SourceView:
    """Gives the source its next version and tells what it was and is."""
    row.version, row.updated_at = row.version + 1, work.now
    after = queries.view(row)
    work.emit(kind, source_entity(row.id), before=before, after=after)
    return after


def in_service(work: UnitOfWork, source_id: str) -> Source:
    """The source. Raises NotFound, and Conflict if it is retired."""
    row = queries.row_of(work.session, source_id)
    if row.state == "retired":
        raise Conflict(f"The source '{row.name}' is retired.", "Register it again to use it.")
    return row


def refuse_known(work: UnitOfWork, url: str | None, name: str) -> None:
    """Raises Conflict, naming the source, if one in service has this URL or this name."""
    statement = select(Source).where((Source.url == url) | (Source.name == name), Source.state != "retired")
    known = work.session.scalars(statement.order_by(Source.url != url)).first()
    if known is not None:
        what = "URL" if known.url == url else f"name '{name}'"
        context: dict[str, Any] = {"source_id": known.id}
        raise Conflict(f"A source with this {what} is registered already.", "Use it, or choose another name.", context)
