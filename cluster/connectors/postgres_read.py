"""Cutting a PostgreSQL table into ctid ranges, and reading one of them as Arrow batches."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from cluster.connectors.interface import AssetInfo, Partition
from cluster.connectors.postgres_errors import translated

_LEAVES = """
SELECT n.nspname AS schema, c.relname AS name, c.oid, c.relfilenode, c.relkind::text AS kind,
       pg_relation_size(c.oid) / current_setting('block_size')::int AS blocks,
       pg_table_size(c.oid) AS bytes, greatest(c.reltuples, 0)::bigint AS rows
FROM (SELECT relid FROM pg_partition_tree(to_regclass(%(name)s)) WHERE isleaf
      UNION SELECT to_regclass(%(name)s)::oid WHERE NOT EXISTS (SELECT 1 FROM pg_partition_tree(to_regclass(%(name)s)))) t
JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p' ORDER BY n.nspname, c.relname
"""

# A hash of every row version's place and writing transaction, summed, so that their order does not matter.
_FINGERPRINTS = """
SELECT ((ctid::text::point)[0]::bigint / {span}) AS part, count(*) AS rows,
       sum(hashtextextended(ctid::text, xmin::text::bigint)::numeric)::text AS hash
FROM ONLY {table} GROUP BY 1
"""

_NATIVE = {"smallint", "integer", "bigint", "real", "double precision", "boolean", "text", "bytea"}


def plan_relation(
    connection: psycopg.Connection[dict[str, Any]], asset: AssetInfo, target_bytes: int
) -> list[Partition]:
    """Partitions of about `target_bytes`; none for an empty table. Raises what psycopg raises."""
    name = ".".join(_quoted(part) for part in asset.path.split(".", 1))
    leaves = connection.execute(_LEAVES, {"name": name}).fetchall()
    if not leaves:
        raise psycopg.errors.UndefinedTable("gone")
    partitions: list[Partition] = []
    for leaf in leaves:
        span = max(1, int(leaf["blocks"] * target_bytes / max(leaf["bytes"], 1)))
        for part in _fingerprints(connection, leaf, span):
            partitions.append(_partition(asset, leaf, span, part, len(partitions)))
    return partitions


def read_range(
    connection: psycopg.Connection[dict[str, Any]], uri: str, partition: Partition, batch_rows: int, batch_bytes: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a range. Raises the SourceError family."""
    import adbc_driver_postgresql.dbapi as adbc

    statement = _selection(partition).as_string(connection)
    try:
        with closing(adbc.connect(uri)) as reader, closing(reader.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(batch_bytes)})
            cursor.execute(statement)
            for batch in cursor.fetch_record_batch():
                for start in range(0, batch.num_rows, batch_rows):
                    yield batch.slice(start, batch_rows)
    except (adbc.Error, pa.ArrowException, OSError) as error:
        raise translated(error, partition.asset) from None


def _fingerprints(
    connection: psycopg.Connection[dict[str, Any]], leaf: dict[str, Any], span: int
) -> list[dict[str, Any]]:
    if leaf["kind"] == "f":  # a foreign table has no ctid to rely on: it is read whole, and again every time
        import uuid

        return [{"part": None, "rows": leaf["rows"], "hash": uuid.uuid4().hex}]
    table = sql.Identifier(leaf["schema"], leaf["name"])
    statement = sql.SQL(_FINGERPRINTS).format(span=sql.Literal(span), table=table)
    return sorted(connection.execute(statement).fetchall(), key=lambda row: row["part"])


def _partition(asset: AssetInfo, leaf: dict[str, Any], span: int, part: dict[str, Any], number: int) -> Partition:
    spec: dict[str, Any] = {"schema": leaf["schema"], "table": leaf["name"], "blocks": None}
    spec["types"] = {column.name: column.physical_type for column in asset.columns}
    size = leaf["bytes"]
    if part["part"] is not None:
        spec["blocks"] = [part["part"] * span, (part["part"] + 1) * span]
        size = int(size * min(span, leaf["blocks"]) / max(leaf["blocks"], 1))
    columns = ",".join(f"{column.name}:{column.physical_type}" for column in asset.columns)
    return Partition(
        asset=asset.path,
        number=number,
        kind="ctid_range" if spec["blocks"] else "whole",
        spec=spec,
        columns=tuple(column.name for column in asset.columns),
        rows_estimate=part["rows"],
        bytes=size,
        fingerprint=f"pg:{leaf['oid']}:{leaf['relfilenode']}:{spec['blocks']}:{part['rows']}:{part['hash']}:{_digest(columns)}",
    )


def _selection(partition: Partition) -> sql.Composed:
    types: dict[str, str] = partition.spec["types"]
    columns = [_expression(name, types[name]) for name in partition.columns]
    table = sql.Identifier(partition.spec["schema"], partition.spec["table"])
    statement = sql.SQL("SELECT {} FROM ONLY {}").format(sql.SQL(", ").join(columns) or sql.SQL("1"), table)
    blocks = partition.spec["blocks"]
    if blocks is None:
        return statement
    first, end = (sql.Literal(f"({block},0)") for block in blocks)
    return statement + sql.SQL(" WHERE ctid >= {}::tid AND ctid < {}::tid").format(first, end)


def _expression(name: str, physical: str) -> sql.Composable:
    """A column as a type that Arrow has; everything else as text, so that no type can stop a scan."""
    column = sql.Identifier(name)
    if physical in _NATIVE or physical.startswith(("character", "varchar")):
        return column
    if physical.startswith("numeric(") and not physical.endswith((",0)", ", 0)")) and "," in physical:
        return sql.SQL("{}::float8 AS {}").format(column, column)
    if physical == "date" or physical.startswith("timestamp"):
        # Infinity and years beyond four digits have no place in Arrow's types; they are read as null.
        bounded = "CASE WHEN isfinite({c}) AND {c} >= '0001-01-01' AND {c} < '9999-12-31' THEN {c} END AS {c}"
        return sql.SQL(bounded).format(c=column)
    return sql.SQL("{}::text AS {}").format(column, column)


def _quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"'


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]
