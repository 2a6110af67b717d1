"""How values flow where an emitter says only that they do: read from the SQL of the job, which it tells beside.

dbt's emitter is one of those: it names the columns and leaves out what is done to them, so that a hash would look
like a copy, and carry the labels of what it hashes.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from actors.catalog.lineage import DIALECTS
from actors.catalog.openlineage import Event

LONGEST: Final = 100_000
SECONDS: Final = 5.0
Done = Mapping[tuple[str, str, str], tuple[str, bool]]


def told_by_sql(event: Event) -> Done:
    """Subtype and masking of flows by table, column and target's column in lower case; empty without readable SQL.

    SQL is read for an event that needs it alone: that may take seconds, in which the group does nothing else.
    """
    query = event.sql
    if query is None or len(query) > LONGEST or not _leaves_out(event):
        return {}
    scheme = event.outputs[0].namespace.partition(":")[0]
    return _read(query, DIALECTS.get(scheme, ""))


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
    from cluster.lineage.naming import Schema

    found: dict[tuple[str, str, str], tuple[str, bool]] = {}
    for edge in extract(query, dialect, Schema({}), None, (), SECONDS).edges:
        if edge.transformation == "DIRECT" and edge.from_column and edge.to_column:
            key = (edge.from_table[-1].lower(), edge.from_column.lower(), edge.to_column.lower())
            known = found.get(key)
            if known is None or (known[1] and not edge.masking):  # what shows the value goes before what hides it
                found[key] = (edge.subtype, edge.masking)
    return found
