"""Names in SQL: folded as the dialect folds them, qualified by defaults, and matched with the schema that is given."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

from cluster.lineage.origins import Parts

# Names by which other tools call dialects that sqlglot knows by another name.
DIALECTS: Final = {
    **dict.fromkeys((
        "ansi", "generic", "sql", "non-validating", "db2", "hsqldb", "h2", "soql", "hana", "saphana", "informix",
        "kylin", "calcite", "phoenix", "pinot", "ksql",
    ), ""),
    **dict.fromkeys((
        "postgresql", "greenplum", "cockroachdb", "vertica", "netezza", "edb", "enterprisedb", "alloydb", "yugabyte",
        "yugabytedb", "timescaledb", "gaussdb", "opengauss", "kingbase", "hologres",
    ), "postgres"),
    **dict.fromkeys(("mssql", "sqlserver", "sql_server", "sql-server", "synapse", "azuresql", "sybase"), "tsql"),
    **dict.fromkeys(("mariadb", "singlestore", "memsql", "tidb", "oceanbase", "polardb"), "mysql"),
    **dict.fromkeys(("sparksql", "spark3", "pyspark"), "spark"),
    **dict.fromkeys(("impala", "maxcompute", "odps"), "hive"),
    **dict.fromkeys(("trinodb", "starburst"), "trino"),
    "delta": "databricks", "sqlite3": "sqlite", "bq": "bigquery", "spanner": "bigquery", "glue": "athena",
    "prestodb": "presto", "dameng": "oracle",
}  # fmt: skip
# Dialects that sqlglot has no reader for, by the one that reads most of them; the rest is put in its words.
READ_BY: Final = {"flink": "trino"}
# A name with one dot is schema and table; what others call a database is a schema here.
TWO_LEVELS: Final = frozenset({
    "mysql", "hive", "spark2", "clickhouse", "sqlite", "doris", "starrocks", "teradata", "drill", "druid", "oracle",
})  # fmt: skip
STRUCTS: Final = frozenset({
    "bigquery", "spark", "spark2", "databricks", "hive", "duckdb", "snowflake", "clickhouse", "trino", "presto",
    "athena", "redshift", "starrocks", "doris", "drill", "flink", "",
})  # fmt: skip
LATERAL_ALIASES: Final = frozenset({
    "snowflake", "redshift", "databricks", "spark", "duckdb", "clickhouse", "teradata", "dremio", "exasol",
})  # fmt: skip
_PART = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|([^.\s"`\[]+)')


def known_dialect(name: str | None) -> str:
    """The name of a dialect here: sqlglot's, where it has one. Raises ValueError if there is none."""
    wanted = (name or "").strip().lower()
    wanted = DIALECTS.get(wanted, wanted)
    if wanted and Dialect.get(READ_BY.get(wanted, wanted)) is None:
        raise ValueError(wanted[:50])
    return wanted


def split(path: str) -> Parts:
    """The parts of a dotted name; a part in quotes may hold dots."""
    found = [(a.replace('""', '"') or b or c or d) for a, b, c, d in _PART.findall(path)]
    return tuple(found) or (path,)


class Schema:
    """Tables by their names, prepared once for many texts. A name is dotted or its parts."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]] | Mapping[Parts, Mapping[str, str]]) -> None:
        self.tables: dict[Parts, tuple[Parts, dict[str, str]]] = {}
        self.ends: dict[Parts, list[Parts]] = {}
        self.lower = bool(tables)
        for name, columns in tables.items():
            parts = split(name) if isinstance(name, str) else name
            key = tuple(part.lower() for part in parts)
            if key not in self.tables:
                for start in range(len(key)):
                    self.ends.setdefault(key[start:], []).append(key)
            self.tables[key] = (parts, dict(columns))
            self.lower = self.lower and key == parts and all(column == column.lower() for column in columns)


class Names:
    """Folds names and finds tables, for one text.

    Where unquoted names fold to upper case but all the names that the caller gives are lower case, the caller writes
    folded names in lower case, and so does the answer.
    """

    def __init__(self, dialect: str, schema: Schema, default_db: str | None, search_path: Sequence[str] = ()) -> None:
        self.dialect, self.schema = dialect, schema
        self.engine = Dialect.get_or_raise(READ_BY.get(dialect, dialect))
        if dialect == "redshift":  # '1'::xid: types of the system are types too
            self.engine.SUPPORTS_USER_DEFINED_TYPES = True
        self.default_db, self.search_path = default_db, [each for each in search_path if each]
        self.strategy = self.engine.normalization_strategy
        given = [name for name in (default_db, *search_path) if name]
        lower = (schema.lower or not schema.tables) and all(name == name.lower() for name in given)
        if self.strategy is NormalizationStrategy.UPPERCASE and lower and (given or schema.tables):
            self.strategy = NormalizationStrategy.LOWERCASE
        self._folded: dict[tuple[str, bool], str] = {}

    def fold(self, name: str, quoted: bool = False) -> str:
        """A column's or an alias' name as the dialect keeps it."""
        key = (name, quoted)
        if key not in self._folded:
            self._folded[key] = self._fold(name, quoted)
        return self._folded[key]

    def _fold(self, name: str, quoted: bool) -> str:
        if self.strategy is NormalizationStrategy.CASE_SENSITIVE:
            return name if self.dialect == "clickhouse" else name.lower()
        if self.strategy is NormalizationStrategy.CASE_INSENSITIVE or not quoted:
            upper = self.strategy is NormalizationStrategy.UPPERCASE
            return name.upper() if upper else name.lower()
        return name

    def identifier(self, node: exp.Expr | str) -> str:
        if isinstance(node, exp.Identifier):
            return self.fold(node.this, bool(node.args.get("quoted")))
        return self.fold(node if isinstance(node, str) else node.name)

    def fold_same(self, folded: str) -> str:
        """A table's name as the name of an alias."""
        return (
            folded.lower()
            if self.strategy is NormalizationStrategy.CASE_SENSITIVE and self.dialect != "clickhouse"
            else folded
        )

    def table_part(self, node: exp.Expr | str) -> str:
        if self.strategy is NormalizationStrategy.CASE_SENSITIVE or self.dialect == "bigquery":
            return node if isinstance(node, str) else node.name
        return self.identifier(node)

    def column_parts(self, node: exp.Expr) -> Parts:
        """The folded parts of a column's name, outermost first."""
        args = node.args
        if args.get("table") is None:
            return (self.identifier(args["this"]),)
        return tuple(self.identifier(args[part]) for part in ("catalog", "db", "table", "this") if args.get(part))

    def raw(self, table: exp.Table) -> Parts:
        """The name of a table as it is written, folded; of a temporary one with its mark and without its database."""
        parts = tuple(self.table_part(part) for part in table.parts if part.name)
        if parts and self.dialect == "bigquery":
            parts = (*parts[:-1], parts[-1].partition("$")[0] or parts[-1])  # a partition of it
        mark = _mark(table.this)
        return (mark + parts[-1],) if mark and parts else parts[-1:] if parts and parts[-1][0] == "#" else parts

    def qualified(self, raw: Parts) -> Parts:
        """The name of a table with what the defaults add, in the spelling of the schema that is given.

        Temporary tables with a mark belong to the session and to no schema.
        """
        if raw and raw[0].startswith("#"):
            return raw
        candidates = [self._with_defaults(raw, where) for where in self.search_path or [""]]
        for parts in candidates:
            found = self._entry(parts)
            if found is not None:
                return (*parts[: len(parts) - len(found)], *found) if len(found) <= len(parts) else found
        if (
            len(self.search_path) > 1 and len(raw) == 1
        ):  # nobody knows which path was in force: the only one that has it
            return self._entry(raw) or candidates[0]
        return candidates[0]

    def _with_defaults(self, raw: Parts, where: str) -> Parts:
        database = self.default_db
        if len(raw) == 1:
            return tuple(part for part in (database, where, raw[0]) if part)
        if len(raw) == 2 and database and not (self.dialect in TWO_LEVELS and not where):
            return (database, *raw)
        return raw

    def _entry(self, parts: Parts) -> Parts | None:
        """The table of the schema that a name means: the same, one known by less of it, the only one that ends so."""
        key = tuple(part.lower() for part in parts)
        for start in range(len(key)):
            if key[start:] in self.schema.tables:
                return self.schema.tables[key[start:]][0]
        longer = self.schema.ends.get(key, ())
        return self.schema.tables[longer[0]][0] if len(longer) == 1 else None

    def columns(self, parts: Parts) -> dict[str, str] | None:
        """The columns and types of a table, None if nobody knows them."""
        key = tuple(part.lower() for part in parts)
        for start in range(len(key)):
            if key[start:] in self.schema.tables:
                return self.schema.tables[key[start:]][1] or None
        return None

    def use(self, parts: Sequence[str], kind: str) -> None:
        """Makes a database or schema the default for what follows."""
        if len(parts) > 1:
            self.default_db, self.search_path = parts[-2], [parts[-1]]
        elif kind in ("DATABASE", "CATALOG") or (not kind and self.dialect in ("tsql", "snowflake", "fabric")):
            self.default_db = parts[0]
        else:
            self.search_path = [parts[0]]
            if self.dialect in TWO_LEVELS:
                self.default_db = None


def _mark(name: exp.Expr | None) -> str:
    """`#` or `##`, which T-SQL's parser takes off the names of temporary tables."""
    if not isinstance(name, exp.Identifier):
        return ""
    return "#" if name.args.get("temporary") else "##" if name.args.get("global_") else ""
