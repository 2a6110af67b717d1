"""Cutting a table into partitions by ranges of its key."""

from collections import Counter

import sqlalchemy as sa

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import Partition
from cluster.connectors.key_range import KeyRange, ranges
from cluster.connectors.sql.catalog import columns_of
from cluster.connectors.sql.database import Database, Relation
from cluster.connectors.sql.names import name_of
from cluster.errors import SourceObjectGone


def relation_of(database: Database, connection: sa.Connection, path: str) -> Relation:
    """The table or view at a path. Raises SourceObjectGone if there is none."""
    name = name_of(path)
    for relation in database.relations(connection):
        if relation.name == name:
            return relation
    raise SourceObjectGone(f"{path} is no longer there.", "Discover the source again.")


def plan_table(database: Database, path: str, target_bytes: int) -> list[Partition]:
    """The partitions of a table, planned in one transaction; none for a view or for no rows."""
    with database.transaction(path) as connection:
        relation = relation_of(database, connection, path)
        if relation.kind == "view":
            return []
        columns = {column.name: column.type for column in columns_of(connection, relation.name)}
        per_row = database.row_bytes(connection, relation, list(columns))
        spans = _spans(connection, relation, max(1, target_bytes // per_row))
        found = []
        for number, span in enumerate(spans):
            content = database.content(connection, relation, span)
            spec = {"first": span.first, "end": span.end, "types": columns, "shape": relation.shape,
                    "mark": content.mark if content.exact else None}  # fmt: skip
            found.append(
                Partition(
                    asset=path,
                    number=number,
                    kind=f"{database.kind}.{'range' if relation.key else 'whole'}",
                    spec=spec,
                    columns=tuple(columns),
                    rows_estimate=span.rows if span.rows is not None else content.rows,
                    bytes=content.bytes,
                    fingerprint=digest(relation.shape, span.first, span.node, content.mark),
                )
            )
        return found


def _spans(connection: sa.Connection, relation: Relation, rows: int) -> list[KeyRange]:
    table = sa.table(relation.name)
    if relation.key is None:
        filled = connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        return [KeyRange()] if filled else []
    key: sa.ColumnElement[int] = sa.column(relation.key, sa.BigInteger)
    low, high = connection.execute(sa.select(sa.func.min(key), sa.func.max(key)).select_from(table)).one()
    if low is None:
        return []
    if not isinstance(low, int) or not isinstance(high, int):
        return [KeyRange()]  # where columns may hold what they were not declared to

    def count(first: int, last: int, width: int) -> dict[int, int]:
        bucket = (key - first) // width
        wanted = sa.select(bucket, sa.func.count()).select_from(table).where(key >= first, key <= last)
        counted: Counter[int] = Counter()
        for place, rows_there in connection.execute(wanted.group_by(bucket)):
            if isinstance(place, int | float):  # what is no number is in an end of the ranges, or the file is damaged
                counted[int(place)] += rows_there
        return counted

    # A power of two, so that a table whose rows become a little longer keeps the ranges it had.
    return ranges(low, high, 1 << (rows.bit_length() - 1), count)
