"""Phase 5, where a source allows it: a worker reads what the source keeps of the statements that it ran."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from actors.catalog.contract import CatalogReceipt, RecordQueries
from actors.catalog.worker import QueryLog, read_history
from actors.orchestrator.steps import Inquiry, Settled, Step, Tasks, Way, only
from actors.scans import queries as scans
from actors.sources import queries as sources
from cluster.connectors.interface import SourceAccess
from cluster.connectors.options import flag
from cluster.errors import SextantError
from cluster.runtime.commands import Command

CLOSED = "The query history was not read: the budget of the source lets it be read at other hours."
REMEDY = "Grant pg_read_all_stats to the account that Sextant reads with."


def _asked(session: Session, way: Way) -> Iterable[Command[Any]]:
    """Nothing outside of the hours in which the source may be read: the next workflow asks again."""
    if _wanted(session, way) and scans.may_read(session, way.source_id, datetime.now(UTC)):
        yield RecordQueries(source_id=way.source_id)


def _wanted(session: Session, way: Way) -> bool:
    return bool(flag(sources.access(session, way.source_id).options, "query_history"))


def _given(session: Session, command: Command[Any]) -> SourceAccess:
    assert isinstance(command, RecordQueries)
    return sources.access(session, command.source_id)


async def _read(access: SourceAccess, run: Tasks) -> QueryLog:
    """A history that cannot be read leaves lineage as it was, and the phase says why."""
    try:
        found: QueryLog = await run(read_history, access, labels=access.node_labels, name="read_query_history")
        return found
    except SextantError as error:
        return QueryLog(problem=f"{error.detail} {error.remedy}")


def _applied(command: Command[Any], log: QueryLog) -> tuple[Command[Any], QueryLog]:
    return command.model_copy(update={"queries": log.queries}), log.model_copy(update={"queries": ()})


def _settled(session: Session, way: Way, results: list[BaseModel]) -> Settled:
    if not results:
        return Settled("partial", problem=CLOSED) if _wanted(session, way) else Settled()
    log, receipt = only(results, QueryLog), only(results, CatalogReceipt)
    problem = log.problem
    if log.unreadable:
        problem = f"{log.unreadable} statements of the query history are those of other roles. {REMEDY}"
    counters = {"queries_read": receipt.entries, "query_edges": receipt.changed}
    return Settled("partial" if problem else "succeeded", counters, problem)


HISTORY = Step("read the query history", _asked, _settled, Inquiry(_given, _read, _applied))
