"""Cutting a table into ranges of its blocks, each with a fingerprint that the server computes without giving a value.

A row version of a heap is known by its place (ctid) and the transaction that wrote it (xmin): every insert, update and
delete changes the set of these pairs, and nothing else does (freezing keeps xmin since PostgreSQL 9.4). The sum of
hashes over that set is the fingerprint of a range, together with the file (relfilenode) and the columns. Ranges are
powers of two of blocks and begin at multiples of that, so that a table that grows keeps the ranges it had. The last
one has no end: rows that updates move there during a scan are still read.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from cluster.connectors.interface import Partition
from cluster.connectors.postgres.session import Session
from cluster.connectors.postgres.types import cast
from cluster.errors import SourceDenied, SourceObjectGone

MOST_RANGES = 10_000
RANGE_SCAN_VERSION = 140_000  # scans of a range of ctid and hashtidextended came with PostgreSQL 14
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_PLAIN = re.compile(r"\w[\w$]*")

_RELATION = """
SELECT c.oid, c.relkind::text AS kind, has_schema_privilege(n.oid, 'USAGE') AS usable,
       has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""
_LEAVES = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, coalesce(a.amname, '') AS method,
       coalesce(pg_relation_filenode(c.oid), 0) AS file, coalesce(pg_relation_size(c.oid), 0) AS main,
       coalesce(pg_table_size(c.oid), 0) AS total, c.reltuples AS tuples,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam
WHERE c.relkind <> 'p' AND (c.oid = %s OR c.oid IN (SELECT relid FROM pg_partition_tree(%s) WHERE isleaf))
ORDER BY n.nspname, c.relname
"""
_COLUMNS = """
WITH RECURSIVE domains AS (
  SELECT oid AS domain, typbasetype AS base FROM pg_type WHERE typtype = 'd'
  UNION ALL
  SELECT d.domain, t.typbasetype FROM domains d JOIN pg_type t ON t.oid = d.base WHERE t.typtype = 'd')
SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name, a.attnotnull AS required,
       format_type(a.atttypid, a.atttypmod) AS type, b.typname AS base, b.typcategory::text AS category,
       b.typnamespace = 'pg_catalog'::regnamespace AS builtin, col_description(a.attrelid, a.attnum) AS comment,
       has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable
FROM pg_attribute a
LEFT JOIN (SELECT domain, base FROM domains JOIN pg_type t ON t.oid = base WHERE t.typtype <> 'd') d
  ON d.domain = a.atttypid
JOIN pg_type b ON b.oid = coalesce(d.base, a.atttypid)
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY(%s)
ORDER BY a.attrelid, a.attnum
"""
# tableoid tells the partitions of one table apart when they are read through their parent.
_HASH = "sum(hashtidextended(ctid, (xmin::text)::bigint # (tableoid::bigint << 32)))"
_HASH_BEFORE_14 = "sum(hashtextextended(concat_ws(':', ctid::text, xmin::text, tableoid::text), 0))"


@dataclass(frozen=True)
class Leaf:
    """A relation that has rows of its own: a table, a materialized view, a foreign table or one partition of a table."""

    oid: int
    schema: str
    name: str
    kind: str
    method: str
    file: int
    main: int
    total: int
    tuples: float
    readable: bool

    @property
    def heap(self) -> bool:
        return self.kind in {"r", "m"} and self.method == "heap"


def path_of(schema: str, name: str) -> str:
    """The path of a relation: schema.table, a part in double quotes where it holds more than word characters."""
    return ".".join(
        part if _PLAIN.fullmatch(part) else f'"{part.replace(chr(34), chr(34) * 2)}"' for part in (schema, name)
    )


def parts_of(path: str) -> tuple[str, str]:
    """Schema and name of a path made by `path_of`. Raises SourceObjectGone for anything else."""
    found = [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(path)]
    if len(found) != 2:
        raise SourceObjectGone("The asset has no path of this source.", "Discover the source again.")
    return found[0], found[1]


def columns_of(session: Session, oids: Sequence[int]) -> list[dict[str, Any]]:
    """The columns of the relations, in order, with the base type of domains and whether the account may read them."""
    return session.rows(_COLUMNS, [list(oids)], "the columns")


def leaves_of(session: Session, oid: int, what: str) -> list[Leaf]:
    """The relations that hold the rows of a table."""
    return [Leaf(**row) for row in session.rows(_LEAVES, [oid, oid], what)]


def mark_of(
    session: Session, schema: str, name: str, *, only: bool, span: tuple[int, int | None] | None
) -> tuple[int, str]:
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


def within(span: tuple[int, int | None] | None) -> sql.Composable:
    """The WHERE clause of a block range."""
    if span is None:
        return sql.SQL("")
    first, end = span
    clause = sql.SQL(" WHERE ctid >= {}::tid").format(sql.Literal(f"({int(first)},0)"))
    return clause if end is None else clause + sql.SQL(" AND ctid < {}::tid").format(sql.Literal(f"({int(end)},0)"))


def spans(blocks: int, main: int, total: int, target_bytes: int) -> list[tuple[int, int | None]]:
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
    schema, name = parts_of(path)
    found = session.rows(_RELATION, [schema, name], path)
    if not found:
        raise SourceObjectGone(f"{path} is no longer there.", "Discover the source again.")
    relation = found[0]
    if relation["kind"] == "v":
        return []
    columns = columns_of(session, [relation["oid"]])
    open_columns = [column for column in columns if column["readable"] and relation["usable"]]
    if columns and not open_columns:
        raise SourceDenied(f"The account may not read {path}.", "Grant it USAGE on the schema and SELECT on the table.")
    if not open_columns:
        return []
    planner = _Planner(session, path, relation, open_columns, target_bytes)
    return [planner.partition(number, *part) for number, part in enumerate(planner.parts())]


Part = tuple[str, str, int, bool, tuple[int, int | None] | None, float, str]


class _Planner:
    def __init__(
        self, session: Session, path: str, relation: dict[str, Any], columns: list[dict[str, Any]], target: int
    ) -> None:
        self._session, self._path, self._relation, self._target = session, path, relation, target
        self._schema, self._name = parts_of(path)
        self._select = [[column["name"], cast(column["base"], column["builtin"], column["type"])] for column in columns]
        self._shape = [[column["number"], column["name"], column["type"]] for column in columns]
        row = session.rows("SELECT current_setting('block_size')::int AS size", [], path)[0]
        self._block = int(row["size"])

    def parts(self) -> Iterator[Part]:
        """Schema, name, oid, only, block range, bytes per block and file of each part."""
        relation = self._relation
        leaves = leaves_of(self._session, relation["oid"], self._path)
        if not relation["readable"]:  # some columns only: then ctid and xmin may not be read
            yield self._schema, self._name, relation["oid"], relation["kind"] != "p", None, 0.0, ""
        elif relation["kind"] == "p" and not all(leaf.readable for leaf in leaves):
            yield from self._through_parent(leaves)
        else:
            for leaf in leaves:
                yield from self._of_leaf(leaf)

    def _through_parent(self, leaves: list[Leaf]) -> Iterator[Part]:
        """Ranges over all partitions at once: the account may read their parent, but not each of them by name."""
        parent = (self._schema, self._name, self._relation["oid"], False)
        if not all(leaf.heap for leaf in leaves) or self._old():
            yield (*parent, None, 0.0, "")
            return
        blocks = max((leaf.main for leaf in leaves), default=0) // self._block
        total = sum(leaf.total for leaf in leaves)
        files = digest(*[leaf.file for leaf in leaves])
        for span in spans(blocks, blocks * self._block, total, self._target):
            yield (*parent, span, total / blocks, files)

    def _of_leaf(self, leaf: Leaf) -> Iterator[Part]:
        place = (leaf.schema, leaf.name, leaf.oid, leaf.kind != "f")
        if not leaf.heap:
            yield (*place, None, 0.0, "")
        elif self._old() and leaf.main:
            yield (*place, None, float(self._block), str(leaf.file))
        else:
            blocks = leaf.main // self._block
            for span in spans(blocks, leaf.main, leaf.total, self._target):
                yield (*place, span, leaf.total / blocks, str(leaf.file))

    def partition(
        self, number: int, schema: str, name: str, oid: int, only: bool,
        span: tuple[int, int | None] | None, per_block: float, file: str,
    ) -> Partition:  # fmt: skip
        if file:
            rows, mark = mark_of(self._session, schema, name, only=only, span=span)
            fingerprint = digest(oid, file, span and span[0], self._shape, rows, mark)
        else:  # the source cannot say: never equal to another one
            rows, fingerprint = None, uuid.uuid4().hex
        spec = {
            "schema": schema, "name": name, "oid": oid, "only": only, "select": self._select,
            "first": span and span[0], "end": span and span[1],
        }  # fmt: skip
        blocks = 0 if span is None else max(1, (span[1] or span[0] + 1) - span[0])
        return Partition(
            asset=self._path,
            number=number,
            kind="postgresql.blocks" if span else "postgresql.whole",
            spec=spec,
            columns=tuple(column for column, _ in self._select),
            rows_estimate=rows,
            bytes=int(blocks * per_block) or None,
            fingerprint=fingerprint,
        )

    def _old(self) -> bool:
        return self._session.connection().info.server_version < RANGE_SCAN_VERSION
