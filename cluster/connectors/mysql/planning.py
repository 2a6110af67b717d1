"""Cutting a table into ranges of an integer key, each with a fingerprint that the server computes without a value.

A row is known by the MD5 of its columns, each as bytes with its length before it; a range by the number of its rows
and the sum of the first 60 bits of each (MD5 tells contents apart here and keeps nothing secret). The ranges are those
of `cluster.connectors.key_range`: rows that come or go change the ranges around them only.
"""

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import Partition
from cluster.connectors.key_range import KeyRange, ranges
from cluster.connectors.mysql.relations import Key, Relation, key_of, relation_at
from cluster.connectors.mysql.session import Session
from cluster.connectors.mysql.types import hashed, quoted, selected

_SAMPLED_ROWS = 1000


def mark_of(session: Session, relation: Relation, key: str | None = None, span: KeyRange | None = None) -> list[str]:
    """Number of rows of a range (None: of all) and the sum of their hashes."""
    values = [hashed(column.name, column.reading.form) for column in relation.readable]
    row = ", ".join(f"IFNULL(CONCAT(LENGTH({value}), ':', {value}), '-')" for value in values) or "''"
    number = f"CAST(CONV(LEFT(MD5(CONCAT({row})), 15), 16, 10) AS UNSIGNED)"
    statement = f"SELECT COUNT(*) AS held, IFNULL(SUM({number}), 0) AS mark FROM {relation.source}"  # noqa: S608 - names quoted
    (found,) = session.rows(statement + within(key, span), [], relation.path)
    return [str(found["held"]), str(found["mark"])]


def within(key: str | None, span: KeyRange | None) -> str:
    """The WHERE clause of a range."""
    if key is None or span is None:
        return ""
    column = quoted(key)
    if span.first is None:
        return "" if span.end is None else f" WHERE ({column} < {int(span.end)} OR {column} IS NULL)"
    return f" WHERE {column} >= {int(span.first)}" + ("" if span.end is None else f" AND {column} < {int(span.end)}")


def plan_table(session: Session, path: str, target_bytes: int) -> list[Partition]:
    """The partitions of a table, planned in one snapshot; none for a view or for no rows."""
    with session.snapshot(path):
        relation = relation_at(session, path)
        if relation.view:
            return []
        key = key_of(session, relation)
        spans = _spans(session, relation, key, target_bytes)
        found: list[Partition] = []
        for span in spans:
            mark = mark_of(session, relation, key and key.name, span)
            if mark[0] != "0":
                found.append(_partition(relation, len(found), key, span, mark))
        return found


def _partition(relation: Relation, number: int, key: Key | None, span: KeyRange, mark: list[str]) -> Partition:
    columns = relation.readable
    return Partition(
        asset=relation.path,
        number=number,
        kind="mysql.range" if key else "mysql.whole",
        spec={
            "select": [[column.name, *column.reading] for column in columns],
            "key": key and key.name,
            "unique": key is not None and key.unique,
            "first": span.first,
            "end": span.end,
            "shape": relation.shape,
        },
        columns=tuple(column.name for column in columns),
        rows_estimate=int(mark[0]),
        fingerprint=digest(relation.shape, key and key.name, span.first, span.node, *mark),
    )


def _spans(session: Session, relation: Relation, key: Key | None, target_bytes: int) -> list[KeyRange]:
    path, source = relation.path, relation.source
    if key is None:
        return [KeyRange()]
    column = quoted(key.name)
    (ends,) = session.rows(f"SELECT MIN({column}) AS low, MAX({column}) AS high FROM {source}", [], path)  # noqa: S608

    def count(first: int, last: int, width: int) -> dict[int, int]:
        statement = (
            f"SELECT ({column} - ({int(first)})) DIV {int(width)} AS place, COUNT(*) AS held FROM {source}"  # noqa: S608
            f" WHERE {column} BETWEEN {int(first)} AND {int(last)} GROUP BY place"
        )
        return {int(row["place"]): int(row["held"]) for row in session.rows(statement, [], path)}

    rows = max(1, target_bytes // _row_bytes(session, relation))
    # A power of two, so that a table whose rows become a little longer keeps the ranges it had.
    return ranges(ends["low"], ends["high"], 1 << (rows.bit_length() - 1), count)


def _row_bytes(session: Session, relation: Relation) -> int:
    """About how many bytes a row has, by the first ones."""
    names = [quoted(column.name) for column in relation.readable]
    size = " + ".join(f"IFNULL(LENGTH({name}), 0) + 8" for name in names) or "0"
    some = ", ".join(selected(column.name, column.reading.form) for column in relation.readable) or "1"
    first = f"SELECT {some} FROM {relation.source} LIMIT {_SAMPLED_ROWS}"  # noqa: S608 - names quoted
    (found,) = session.rows(f"SELECT AVG({size}) AS size FROM ({first}) AS some", [], relation.path)  # noqa: S608
    return 8 + int(found["size"] or 0)
