"""Tables and views of a DuckDB file, and how their columns are read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.connectors.duckdb.database import DuckDbFile
from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import LogicalType
from cluster.connectors.relation_paths import parts_of, path_of
from cluster.errors import SourceObjectGone

if TYPE_CHECKING:
    import duckdb

_TABLES = """
SELECT schema_name AS schema, table_name AS name, false AS view, comment, NULL AS definition,
       estimated_size AS rows_estimate
FROM duckdb_tables() WHERE NOT internal AND NOT temporary AND database_name = current_database()
UNION ALL
SELECT schema_name, view_name, true, comment, sql, NULL
FROM duckdb_views() WHERE NOT internal AND NOT temporary AND database_name = current_database()
ORDER BY 1, 2
"""
_COLUMNS = """
SELECT schema_name AS schema, table_name AS relation, column_name AS name, data_type AS type, is_nullable AS nullable,
       comment
FROM duckdb_columns() WHERE NOT internal AND database_name = current_database() ORDER BY 1, 2, column_index
"""
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_TIMES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")
_LOGICAL: dict[str, LogicalType] = {
    **dict.fromkeys((*_INTEGERS, "HUGEINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    **dict.fromkeys(("VARCHAR", "UUID", "ENUM", "BIT", "INTERVAL"), "string"),
    **dict.fromkeys(_TIMES, "timestamp"),
    **dict.fromkeys(("TIME", "TIME WITH TIME ZONE", "TIME_NS"), "time"),
    **dict.fromkeys(("STRUCT", "MAP", "UNION"), "nested"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "BLOB": "binary",
    "JSON": "json",
}
_DIRECT = (
    *_INTEGERS, *_TIMES, "FLOAT", "DOUBLE", "VARCHAR", "DATE", "TIME", "BOOLEAN", "BLOB", "STRUCT", "MAP",
)  # fmt: skip
_INT_DIGITS = 18


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool
    comment: str | None

    @property
    def base(self) -> str:
        """The type without its parameters; LIST for a list of anything."""
        return "LIST" if self.type.endswith("]") else self.type.partition("(")[0]

    @property
    def logical(self) -> LogicalType:
        return "nested" if self.base == "LIST" else _LOGICAL.get(self.base, "unknown")

    @property
    def selected(self) -> str:
        """How it is read: types that Arrow has not as text, decimals as PostgreSQL's are."""
        name = quoted(self.name)
        if self.base == "DECIMAL":
            width, _, scale = self.type.rpartition("(")[2].rstrip(")").partition(",")
            target = "DOUBLE" if int(scale or 0) else "BIGINT" if int(width) <= _INT_DIGITS else "VARCHAR"
            return f"{name}::{target} AS {name}"
        return name if self.base in _DIRECT or self.base == "LIST" else f"{name}::VARCHAR AS {name}"


@dataclass(frozen=True)
class Table:
    """A table, or a view with its definition."""

    schema: str
    name: str
    view: bool
    comment: str | None
    definition: str | None
    rows_estimate: int | None
    columns: tuple[Column, ...]

    @property
    def path(self) -> str:
        return path_of(self.schema, self.name)

    @property
    def source(self) -> str:
        """What stands behind FROM."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def shape(self) -> str:
        """All that the meaning of the rows depends on."""
        return digest([[column.name, column.type] for column in self.columns])


def tables_of(file: DuckDbFile, connection: "duckdb.DuckDBPyConnection") -> list[Table]:
    """Tables and views by schema and name, without the database's own."""
    columns: dict[tuple[str, str], list[Column]] = {}
    for row in file.rows(connection, _COLUMNS):
        column = Column(row["name"], row["type"], bool(row["nullable"]), row["comment"])
        columns.setdefault((row["schema"], row["relation"]), []).append(column)
    return [_table(row, columns) for row in file.rows(connection, _TABLES)]


def table_at(file: DuckDbFile, connection: "duckdb.DuckDBPyConnection", path: str) -> Table:
    """The table or view at a path. Raises SourceObjectGone if there is none."""
    schema, name = parts_of(path)
    for table in tables_of(file, connection):
        if (table.schema, table.name) == (schema, name):
            return table
    raise SourceObjectGone(f"{path} is no longer there.", "Discover the source again.")


def quoted(name: str) -> str:
    """A name as DuckDB takes any."""
    return '"' + name.replace('"', '""') + '"'


def _table(row: dict[str, Any], columns: dict[tuple[str, str], list[Column]]) -> Table:
    found = tuple(columns.get((row["schema"], row["name"]), ()))
    return Table(
        row["schema"], row["name"], row["view"], row["comment"], row["definition"], row["rows_estimate"], found
    )
