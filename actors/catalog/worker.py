"""What runs in a worker process: vectors of phrases, quality tests that read a source, and its query history."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict

from actors.catalog.contract import CheckOutcome, TestOrder
from cluster.connectors.interface import AssetInfo, Connector, SourceAccess
from cluster.errors import Internal, InvalidInput, ModelUnusable, SextantError, SourceObjectGone
from cluster.telemetry import place_of

if TYPE_CHECKING:
    import polars as pl

BATCH_ROWS = 65_536
QUERY_SECONDS = 300  # of custom SQL
DIMENSIONS = 384
BATCH_BYTES = 64 << 20
PARTITION_BYTES = 256 << 20


class QualityTask(BaseModel):
    """The tests of one asset that have to be decided by reading it; `others` are the second tables of differences."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    access: SourceAccess
    asset: AssetInfo
    tests: tuple[TestOrder, ...]
    others: dict[str, tuple[SourceAccess, AssetInfo]] = {}


def evaluate(task: QualityTask) -> list[CheckOutcome]:
    """The outcomes of all tests. Raises SourceError, and Internal for anything unexpected, which holds no value."""
    try:
        return _evaluate(task)
    except SextantError:
        raise
    except Exception as error:
        place = os.path.basename(place_of(error))
        defect = Internal(f"A worker failed ({type(error).__name__} in {place}).", "Report this as a defect.")
    raise defect


class QueryLog(BaseModel):
    """What a source keeps of the statements that it ran, or what kept it from telling."""

    model_config = ConfigDict(frozen=True)

    queries: tuple[str, ...] = ()
    unreadable: int = 0
    problem: str | None = None


def read_history(access: SourceAccess) -> QueryLog:
    """The query history of a source. Raises SourceError, and InvalidInput for a source that keeps none."""
    from cluster.connectors.opening import opened
    from cluster.connectors.postgres.connector import PostgresConnector

    with opened(access.model_copy(update={"endpoints": ()})) as connector:  # a replica has run other statements
        if not isinstance(connector, PostgresConnector):
            raise InvalidInput("This kind of source keeps no query history.", "Send its query log over HTTP.")
        found = connector.history()
    return QueryLog(queries=found.queries, unreadable=found.unreadable)


def _evaluate(task: QualityTask) -> list[CheckOutcome]:
    from actors.catalog.quality_queries import difference, queried
    from actors.catalog.quality_reading import columns_of, evaluated

    found: list[CheckOutcome] = []
    apart = {"tableCustomSQLQuery", "tableDiff"}
    with closing(_opened(task.access)) as connector:
        for test in task.tests:
            if test.definition == "tableCustomSQLQuery":
                found.append(_guarded(test, lambda test=test: queried(test, _asker(task.access), connector.kind)))  # type: ignore[misc]
            elif test.definition == "tableDiff":
                other = task.others.get(str(test.parameters["table2"]))
                if other is None:
                    found.append(_aborted(test, "The second table is not in the catalog."))
                    continue
                with closing(_opened(other[0])) as second:
                    columns = [str(each) for each in test.parameters["keyColumns"]]
                    wanted = [str(each) for each in test.parameters.get("useColumns") or ()]
                    chosen = [*columns, *wanted] if wanted else None
                    sides = (_batches(connector, task.asset, chosen), _batches(second, other[1], chosen))
                    found.append(_guarded(test, lambda test=test, sides=sides: difference(test, *sides)))  # type: ignore[misc]
        rest = [test for test in task.tests if test.definition not in apart]
        if rest:
            found += evaluated(rest, _batches(connector, task.asset, columns_of(rest) or None))
    return found


def _guarded(test: TestOrder, work: Callable[[], CheckOutcome]) -> CheckOutcome:
    """A test that the source refuses is aborted; the others of the run go on."""
    try:
        return work()
    except SourceObjectGone:
        return _aborted(test, "The query names a table, a column or a function that the source has not.")
    except (InvalidInput, SextantError) as error:
        return _aborted(test, error.detail)


def _aborted(test: TestOrder, reason: str) -> CheckOutcome:
    return CheckOutcome(test_id=test.id, status="Aborted", reason=reason[:300])


def _opened(access: SourceAccess) -> Connector:
    from cluster.connectors import open_connector
    from cluster.connectors.opening import credential_of

    return open_connector(access, credential_of(access))


def _batches(connector: Connector, asset: AssetInfo, columns: Sequence[str] | None) -> "Iterator[pl.DataFrame]":
    """The rows of an asset, of these columns alone where they are given."""
    import polars as pl

    for partition in connector.plan(asset, PARTITION_BYTES):
        kept = tuple(name for name in partition.columns if columns is None or name in columns)
        chosen = partition.model_copy(update={"columns": kept or partition.columns[:1]})
        for batch in connector.read(chosen, BATCH_ROWS, BATCH_BYTES):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame


def _asker(access: SourceAccess) -> Callable[[str], Any]:
    """How a database is asked for one number, in a read-only session and within five minutes.

    Raises InvalidInput for sources that take no SQL.
    """
    from cluster.connectors import source_kind
    from cluster.connectors.opening import credential_of
    from cluster.connectors.options import seconds

    kind = source_kind(access.url)
    limit = min(seconds(access.options, "statement_timeout", QUERY_SECONDS), QUERY_SECONDS)
    if kind == "postgresql":
        from cluster.connectors.postgres.session import Session

        brief = access.model_copy(update={"options": {**access.options, "statement_timeout": str(limit)}})

        def ask(text: str) -> Any:
            with closing(Session(brief, credential_of(brief))) as session:
                return _number([tuple(row.values()) for row in session.rows(text, (), "what the query asks for")[:1]])

        return ask
    if kind == "sqlite":
        from cluster.connectors.sql.sqlite import SqliteDatabase

        def ask_file(text: str) -> Any:
            database = SqliteDatabase(Path(unquote(urlsplit(access.url).path)), 10)
            ends = time.monotonic() + limit
            with database.transaction("what the query asks for") as connection:
                driver: Any = connection.connection.driver_connection
                driver.set_progress_handler(lambda: time.monotonic() > ends, 100_000)
                return _number([tuple(row) for row in connection.exec_driver_sql(text).fetchmany(1)])

        return ask_file
    raise InvalidInput("The source takes no SQL.", "Use another definition for files.")


def _number(rows: list[tuple[Any, ...]]) -> float | None:
    """The one number of an answer; None for anything else, so that no value of the data gets out."""
    if len(rows) != 1 or len(rows[0]) != 1:
        return None
    value = rows[0][0]
    return float(value) if value is not None and not isinstance(value, str | bytes | bool) else None


def embed(texts: Sequence[str]) -> tuple[str, list[tuple[float, ...]]] | None:
    """The model's digest and a vector of unit length for each text; None where there is no model to ask."""
    try:
        embedder = _embedder()
    except (ImportError, ModelUnusable):
        return None
    if embedder.dimensions != DIMENSIONS:
        return None  # a model of a setting whose vectors the index cannot hold
    return embedder.digest, [tuple(float(number) for number in row) for row in embedder.embed(texts)]


@cache
def _embedder() -> Any:
    from cluster.ml.embedding import Embedder

    return Embedder.load()


def identity() -> str | None:
    """The digest of the model that would be asked; None where there is none."""
    from cluster.ml.embedding import Embedder

    try:
        return Embedder.identity()
    except ModelUnusable:
        return None
