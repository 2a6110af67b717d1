"""The SQL of jobs, which emitters tell beside: it is kept without the values in it, and says how values flow where the
emitter says only that they do.

dbt's emitter is one of those: it names the columns and leaves out what is done to them, so that a hash would look
like a copy, and carry the labels of what it hashes.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from actors.catalog.lineage import DIALECTS
from actors.catalog.openlineage import Event

LONGEST: Final = 100_000
SECONDS: Final = 5.0
SQL_NAMES: Final = frozenset({"sql", "query"})
Done = Mapping[tuple[str, str, str], tuple[str, bool]]


def told_by_sql(event: Event) -> Done:
    """Subtype and masking of flows by table, column and target's column in lower case; empty without readable SQL.

    SQL is read for an event that needs it alone: that may take seconds, in which the group does nothing else.
    """
    query = event.sql
    if query is None or len(query) > LONGEST or not _leaves_out(event):
        return {}
    return _read(query, _dialect(event) or "")


def without_values(event: Event, body: dict[str, Any]) -> dict[str, Any]:
    """The body of the event with all SQL in its facets (`sql`, `query`) without constants and comments."""
    dialect = _dialect(event)

    def kept(part: Any, name: str = "") -> Any:
        if isinstance(part, dict):
            return {key: kept(value, key) for key, value in part.items()}
        if isinstance(part, list):
            return [kept(value) for value in part]
        return _without_literals(part, dialect) if name in SQL_NAMES and isinstance(part, str) else part

    return {key: kept(value) for key, value in body.items()}


def _dialect(event: Event) -> str | None:
    """The dialect of the job's SQL: as the emitter tells it, else by where its datasets lie."""
    facets: Any = event.job.facets if event.job else None
    told = facets.get("sql") if isinstance(facets, dict) else None
    if isinstance(told, dict) and isinstance(told.get("dialect"), str):
        return str(told["dialect"])
    kind = facets.get("jobType") if isinstance(facets, dict) else None
    if isinstance(kind, dict) and str(kind.get("integration")).upper() == "SPARK":
        return "spark"
    schemes = (one.namespace.partition(":")[0] for one in (*event.outputs, *event.inputs))
    return next((DIALECTS[scheme] for scheme in schemes if scheme in DIALECTS), None)


@lru_cache(maxsize=64)
def _without_literals(query: str, dialect: str | None) -> str:
    from cluster.lineage.literals import without_literals  # the parser is loaded by those who need it

    return without_literals(query, dialect)


def _leaves_out(event: Event) -> bool:
    """Whether it names a column without saying what is done to it."""
    told = (output.facets.lineage for output in event.outputs)
    fields = (inputs for lineage in told if lineage is not None for inputs in lineage.fields.values())
    return any(
        not origin.transformations and inputs.transformation_type is None
        for inputs in fields
        for origin in inputs.input_fields
    )


@lru_cache(maxsize=64)
def _read(query: str, dialect: str) -> Done:
    """Events of a run repeat its SQL, and each is read with all before it."""
    from cluster.lineage.extract import extract  # the parser is loaded by those who need it
    from cluster.lineage.naming import Schema, known_dialect

    try:
        dialect = known_dialect(dialect)
    except ValueError:
        dialect = ""
    found: dict[tuple[str, str, str], tuple[str, bool]] = {}
    for edge in extract(query, dialect, Schema({}), None, (), SECONDS).edges:
        if edge.transformation == "DIRECT" and edge.from_column and edge.to_column:
            key = (edge.from_table[-1].lower(), edge.from_column.lower(), edge.to_column.lower())
            known = found.get(key)
            if known is None or (known[1] and not edge.masking):  # what shows the value goes before what hides it
                found[key] = (edge.subtype, edge.masking)
    return found
