"""Cutting a table into ranges of its blocks, each with a fingerprint that the server computes without giving a value.

A row version of a heap is known by its place (ctid) and the transaction that wrote it (xmin): every insert, update and
delete changes the set of these pairs, and nothing else does (freezing keeps xmin since PostgreSQL 9.4). The sum of
hashes over that set is the fingerprint of a range, together with the file (relfilenode) and the columns. Ranges are
powers of two of blocks and begin at multiples of that, so that a table that grows keeps the ranges it had. The last
one has no end: rows that updates move there during a scan are still read.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from psycopg import sql

from cluster.connectors.interface import Partition
from cluster.connectors.postgres.relations import Leaf, columns_of, leaves_of, relation_of
from cluster.connectors.postgres.session import Session
from cluster.connectors.postgres.types import cast
from cluster.connectors.relation_paths import parts_of, path_of
from cluster.errors import SourceDenied

MOST_RANGES = 10_000
_PACED_BLOCKS = 512  # 4 MB, which a server reads in some milliseconds
RANGE_SCAN_VERSION = 140_000  # scans of a range of ctid and hashtidextended came with PostgreSQL 14
Span = tuple[int, int | None]

# tableoid tells the partitions of one table apart when they are read through their parent.
_HASH = "sum(hashtidextended(ctid, (xmin::text)::bigint # (tableoid::bigint << 32)))"
_HASH_BEFORE_14 = "sum(hashtextextended(concat_ws(':', ctid::text, xmin::text, tableoid::text), 0))"


def mark_of(session: Session, schema: str, name: str, *, only: bool, span: Span | None) -> tuple[int, str]:
    """Number of rows of a block range (None: of all) and the sum of their hashes."""
    version = session.connection().info.server_version
    statement = sql.SQL("SELECT count(*) AS rows, coalesce({}, 0)::text AS mark FROM {}{}").format(
        sql.SQL(_HASH if version >= RANGE_SCAN_VERSION else _HASH_BEFORE_14), source(schema, name, only), within(span)
    )
    row = session.rows(statement, [], path_of(schema, name))[0]
    return int(row["rows"]), str(row["mark"])


def source(schema: str, name: str, only: bool) -> sql.Composed:
    """What stands behind FROM: with ONLY where the rows of inheriting tables are not meant."""
    return sql.SQL("ONLY {}" if only else "{}").format(sql.Identifier(schema, name))


def within(span: Span | None) -> sql.Composable:
    """The WHERE clause of a block range."""
    if span is None:
        return sql.SQL("")
    first, end = span
    clause = sql.SQL(" WHERE ctid >= {}::tid").format(sql.Literal(f"({int(first)},0)"))
    return clause if end is None else clause + sql.SQL(" AND ctid < {}::tid").format(sql.Literal(f"({int(end)},0)"))


def spans(blocks: int, main: int, total: int, target_bytes: int) -> list[Span]:
    """Ranges that cover all blocks and whatever comes after them; none for no blocks."""
    if blocks == 0:
        return []
    per_block = max(total, main) / blocks  # with what the rows keep outside their block (TOAST)
    step = 1 << max(0, int(target_bytes / per_block).bit_length() - 1)
    while blocks / step > MOST_RANGES:
        step *= 2
    starts = list(range(0, blocks, step))
    return [(start, start + step if start != starts[-1] else None) for start in starts]


def digest(*parts: Any) -> str:
    """A fingerprint: 32 hexadecimal characters of SHA-256."""
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:32]


def plan_table(session: Session, path: str, target_bytes: int) -> list[Partition]:
    """The partitions of a table; none for a view. Raises SourceObjectGone or SourceDenied."""
    relation = relation_of(session, path)
    if relation["kind"] == "v":
        return []
    columns = columns_of(session, [relation["oid"]])
    readable = [column for column in columns if column["readable"] and relation["usable"]]
    if columns and not readable:
        raise SourceDenied(f"The account may not read {path}.", "Grant it USAGE on the schema and SELECT on the table.")
    planner = _Planner(session, path, relation, readable, target_bytes)
    return [planner.partition(number, part) for number, part in enumerate(planner.parts() if readable else ())]


@dataclass(frozen=True)
class _Part:
    """What is read at once. `file` is empty where the server cannot say whether the content is still the same."""

    schema: str
    name: str
    oid: int
    only: bool
    span: Span | None = None
    bytes: int | None = None
    file: str = ""
    rows: int | None = None
    mark: str = ""


class _Planner:
    def __init__(
        self, session: Session, path: str, relation: dict[str, Any], columns: list[dict[str, Any]], target: int
    ) -> None:
        self._session, self._path, self._relation, self._target = session, path, relation, target
        self._select = [[column["name"], cast(column["base"], column["builtin"], column["type"])] for column in columns]
        self._shape = [[column["number"], column["name"], column["type"]] for column in columns]
        row = session.rows("SELECT current_setting('block_size')::int AS size", [], path)[0]
        self._block = int(row["size"])
        self._old = session.connection().info.server_version < RANGE_SCAN_VERSION

    def parts(self) -> Iterator[_Part]:
        relation = self._relation
        leaves = leaves_of(self._session, relation["oid"], self._path)
        parent = _Part(*parts_of(self._path), oid=relation["oid"], only=relation["kind"] not in "pf")
        if not relation["readable"]:  # some columns only: then ctid and xmin may not be read
            yield parent
        elif relation["kind"] == "p" and not all(leaf.readable for leaf in leaves):
            # The account may read the partitions through their parent, but not by name: one range goes over all.
            if self._old or not all(leaf.heap for leaf in leaves):
                yield parent
            else:
                main, total = max((leaf.main for leaf in leaves), default=0), sum(leaf.total for leaf in leaves)
                yield from self._ranges(replace(parent, file=digest(*[leaf.file for leaf in leaves])), main, total)
        else:
            for leaf in leaves:
                yield from self._of_leaf(leaf)

    def _of_leaf(self, leaf: Leaf) -> Iterator[_Part]:
        whole = _Part(leaf.schema, leaf.name, leaf.oid, only=leaf.kind != "f")
        if not leaf.heap:
            yield whole
        elif not self._old:
            yield from self._ranges(replace(whole, file=str(leaf.file)), leaf.main, leaf.total)
        elif leaf.main:
            rows, mark = mark_of(self._session, leaf.schema, leaf.name, only=True, span=None)
            yield replace(whole, file=str(leaf.file), bytes=leaf.total, rows=rows, mark=mark)

    def _ranges(self, part: _Part, main: int, total: int) -> Iterator[_Part]:
        """Ranges that hold rows: the server makes a file longer, and cuts it off again, while nobody writes."""
        blocks, found = main // self._block, []
        for first, end in spans(blocks, main, total, self._target):
            rows, mark = self._mark(part, first, end, blocks)
            size = int(total * ((end or blocks) - first) / blocks)
            if rows:
                found.append(replace(part, span=(first, end), bytes=size, rows=rows, mark=mark))
        yield from found[:-1]
        for last in found[-1:]:
            yield replace(last, span=(last.span[0], None) if last.span else None)

    def _mark(self, part: _Part, first: int, end: int | None, blocks: int) -> tuple[int, str]:
        """Rows and mark of a range. Under a pace the server is never asked to read much of it at once."""
        cuts: list[int | None] = [first, end]
        if self._session.pacer.limited:
            cuts = [*range(first, end or blocks, _PACED_BLOCKS), end]
        marks = [
            mark_of(self._session, part.schema, part.name, only=part.only, span=(start or 0, stop))
            for start, stop in pairwise(cuts)
        ]
        return sum(rows for rows, _ in marks), str(sum(int(mark) for _, mark in marks))

    def partition(self, number: int, part: _Part) -> Partition:
        if part.file:
            fingerprint = digest(part.oid, part.file, part.span and part.span[0], self._shape, part.rows, part.mark)
        else:  # never equal to another one
            fingerprint = uuid.uuid4().hex
        first, end = part.span or (None, None)
        spec = {
            "schema": part.schema, "name": part.name, "oid": part.oid, "only": part.only, "select": self._select,
            "first": first, "end": end,
        }  # fmt: skip
        return Partition(
            asset=self._path,
            number=number,
            kind="postgresql.blocks" if part.span else "postgresql.whole",
            spec=spec,
            columns=tuple(column for column, _ in self._select),
            rows_estimate=part.rows,
            bytes=part.bytes,
            fingerprint=fingerprint,
        )
