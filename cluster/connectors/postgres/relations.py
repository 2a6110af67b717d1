"""Relations of a PostgreSQL database: their paths, their columns, and the parts that hold their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cluster.connectors.postgres.session import Session
from cluster.connectors.relation_paths import parts_of
from cluster.errors import SourceObjectGone

_RELATION = """
SELECT c.oid, c.relkind::text AS kind, has_schema_privilege(n.oid, 'USAGE') AS usable,
       has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""
_LEAVES = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, coalesce(a.amname, '') AS method,
       coalesce(pg_relation_filenode(c.oid), 0) AS file, coalesce(pg_relation_size(c.oid), 0) AS main,
       coalesce(pg_relation_size(c.oid), 0) + coalesce(pg_relation_size(c.reltoastrelid), 0) AS total,
       c.reltuples AS tuples,
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


@dataclass(frozen=True)
class Leaf:
    """A relation that has rows of its own: a table, a materialized view, a foreign table, a partition of a table."""

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


def columns_of(session: Session, oids: Sequence[int]) -> list[dict[str, Any]]:
    """The columns of the relations, in order, with the base type of domains and whether the account may read them."""
    return session.rows(_COLUMNS, [list(oids)], "the columns")


def leaves_of(session: Session, oid: int, what: str) -> list[Leaf]:
    """The relations that hold the rows of a table."""
    return [Leaf(**row) for row in session.rows(_LEAVES, [oid, oid], what)]


def relation_of(session: Session, path: str) -> dict[str, Any]:
    """Oid, kind and privileges of the relation at a path. Raises SourceObjectGone if there is none."""
    found = session.rows(_RELATION, list(parts_of(path)), path)
    if not found:
        raise SourceObjectGone(f"{path} is no longer there.", "Discover the source again.")
    return found[0]
