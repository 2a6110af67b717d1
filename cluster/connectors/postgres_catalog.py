"""What PostgreSQL tells of its tables and views, as assets."""

from collections import defaultdict
from typing import Any

import psycopg

from cluster.connectors.interface import AssetInfo, ColumnInfo, ForeignKey, Grant, LogicalType

_RELATIONS = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       c.reltuples::bigint AS rows,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid) END AS bytes,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
       obj_description(c.oid, 'pg_class') AS comment,
       pg_get_userbyid(c.relowner) AS owner,
       has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('information_schema') AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
ORDER BY 2, 3
"""

_COLUMNS = """
SELECT a.attrelid AS oid, a.attname AS name, a.attnum AS ordinal, NOT a.attnotnull AS nullable,
       format_type(a.atttypid, a.atttypmod) AS physical, coalesce(b.typname, t.typname) AS base,
       coalesce(b.typtype, t.typtype)::text AS typtype, coalesce(b.typcategory, t.typcategory)::text AS category,
       col_description(a.attrelid, a.attnum) AS comment,
       EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS key
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

_FOREIGN_KEYS = """
SELECT k.conrelid AS oid, n.nspname || '.' || c.relname AS target,
       (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number)::text[] AS columns,
       (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number)::text[] AS targets
FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conrelid = ANY (%s)
ORDER BY k.conrelid, k.conname
"""

_GRANTS = """
SELECT c.oid, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END AS grantee,
       g.privilege_type AS privilege, g.grantee = 0 AS public
FROM pg_class c, aclexplode(c.relacl) g
WHERE c.oid = ANY (%s) AND g.grantee <> c.relowner
ORDER BY 1, 2, 3
"""

_TYPES: dict[str, LogicalType] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("float4", "float8", "numeric", "money"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz"), "timestamp"),
    **dict.fromkeys(("time", "timetz"), "time"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    **dict.fromkeys(
        ("text", "varchar", "bpchar", "name", "citext", "uuid", "inet", "cidr", "macaddr", "xml"), "string"
    ),
    "bool": "boolean",
    "date": "date",
    "bytea": "binary",
}
_KINDS = {"r": "table", "p": "table", "f": "table", "v": "view", "m": "materialized_view"}


def read_assets(connection: psycopg.Connection[dict[str, Any]]) -> list[AssetInfo]:
    """All tables and views that are not the system's, in the order of their names; partitions belong to their parent."""
    relations = connection.execute(_RELATIONS).fetchall()
    oids = [relation["oid"] for relation in relations]
    columns = _grouped(connection.execute(_COLUMNS, [oids]).fetchall())
    keys = _grouped(connection.execute(_FOREIGN_KEYS, [oids]).fetchall())
    grants = _grouped(connection.execute(_GRANTS, [oids]).fetchall())
    return [_asset(row, columns[row["oid"]], keys[row["oid"]], grants[row["oid"]]) for row in relations]


def logical_type(base: str, typtype: str, category: str) -> LogicalType:
    """The logical type of one of PostgreSQL's; `unknown` is read as text like every type that is not native to Arrow."""
    if base in _TYPES:
        return _TYPES[base]
    if typtype == "e":
        return "string"
    return "nested" if category in ("A", "C") or typtype == "c" else "unknown"


def _grouped(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["oid"]].append(row)
    return found


def _asset(
    row: dict[str, Any], columns: list[dict[str, Any]], keys: list[dict[str, Any]], grants: list[dict[str, Any]]
) -> AssetInfo:
    return AssetInfo.model_validate(
        {
            "path": f"{row['schema']}.{row['name']}",
            "kind": _KINDS[row["kind"]],
            "format": "postgresql",
            "columns": tuple(_column(place, column) for place, column in enumerate(columns, start=1)),
            "rows_estimate": row["rows"] if row["rows"] >= 0 else None,
            "bytes": row["bytes"],
            "definition": row["definition"],
            "comment": row["comment"],
            "owner": row["owner"],
            "problem": None if row["readable"] else "source-denied",
            "foreign_keys": tuple(
                ForeignKey(columns=tuple(k["columns"]), to_asset=k["target"], to_columns=tuple(k["targets"]))
                for k in keys
            ),
            "grants": tuple(Grant(grantee=g["grantee"], privilege=g["privilege"], public=g["public"]) for g in grants),
        }
    )


def _column(place: int, row: dict[str, Any]) -> ColumnInfo:
    return ColumnInfo(
        name=row["name"],
        ordinal=place,
        type=logical_type(row["base"], row["typtype"], row["category"]),
        physical_type=row["physical"],
        nullable=row["nullable"],
        primary_key=row["key"],
        comment=row["comment"],
    )
