"""Listing what a database holds, as its own catalog describes it."""

from collections import defaultdict
from typing import Any

from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, ForeignKey, Grant, Problem
from cluster.connectors.postgres.planning import digest, mark_of
from cluster.connectors.postgres.relations import columns_of, leaves_of
from cluster.connectors.postgres.session import Session
from cluster.connectors.postgres.types import logical
from cluster.connectors.relation_paths import path_of
from cluster.errors import SourceAuthFailed, SourceDenied, SourceError, SourceObjectGone, SourceUnreachable

FINGERPRINT_LIMIT = 1 << 30
"""Bytes of a table up to which it gets a fingerprint as a whole: the server reads about 1 GB a second for one."""

_KINDS = {"r": "table", "p": "table", "f": "table", "v": "view", "m": "materialized_view"}
_RELATIONS = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.reltuples AS tuples,
       (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AS database,
       pg_get_userbyid(c.relowner) AS owner, obj_description(c.oid, 'pg_class') AS comment,
       has_schema_privilege(n.oid, 'USAGE') AS usable, has_table_privilege(c.oid, 'SELECT') AS readable,
       row_security_active(c.oid) AS filtered
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY n.nspname, c.relname
"""
_GRANTS = """
SELECT c.oid, e.grantee = 0 AS public, pg_get_userbyid(e.grantee) AS grantee, e.privilege_type AS privilege
FROM pg_class c
CROSS JOIN LATERAL (
  SELECT grantee, privilege_type FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))
  UNION
  SELECT x.grantee, x.privilege_type FROM pg_attribute a, aclexplode(a.attacl) x
  WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped) e
WHERE c.oid = ANY(%s) AND e.grantee <> c.relowner
ORDER BY c.oid, 3, 4
"""
_KEYS = """
SELECT k.conrelid AS oid, k.contype::text AS type, k.conname AS name, n.nspname AS schema, r.relname AS target,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY place) AS targets
FROM pg_constraint k LEFT JOIN pg_class r ON r.oid = k.confrelid LEFT JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE k.contype IN ('p', 'f') AND k.conparentid = 0 AND k.conrelid = ANY(%s)
ORDER BY k.conrelid, k.conname
"""
_DENIED = "Grant it USAGE on the schema and SELECT on the table."
_Row = dict[str, Any]


def enumerate_database(session: Session) -> Enumeration:
    """Every table, view, materialized view and foreign table outside the system's schemas, by path.

    A partitioned table is one asset and its partitions are none. Raises SourceError if the catalog cannot be read.
    """
    relations = session.rows(_RELATIONS, [], "the catalog of the database")
    oids = [row["oid"] for row in relations]
    listing = _Listing(
        session,
        columns=_by_relation(columns_of(session, oids), "relation"),
        grants=_by_relation(session.rows(_GRANTS, [oids], "the grants"), "oid"),
        keys=_by_relation(session.rows(_KEYS, [oids], "the keys"), "oid"),
    )
    assets = [asset for row in relations if (asset := listing.asset(row)) is not None]
    return Enumeration(assets=tuple(assets), complete=True, problems=tuple(listing.problems))


def _by_relation(rows: list[_Row], key: str) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


class _Listing:
    def __init__(
        self,
        session: Session,
        columns: dict[int, list[_Row]],
        grants: dict[int, list[_Row]],
        keys: dict[int, list[_Row]],
    ) -> None:
        self._session, self._columns, self._grants, self._keys = session, columns, grants, keys
        self.problems: list[Problem] = []

    def asset(self, row: _Row) -> AssetInfo | None:
        """The asset of a relation; None if it was dropped while this was going on."""
        path, columns = path_of(row["schema"], row["name"]), self._columns.get(row["oid"], [])
        problem, more = None, {}
        try:
            more = self._view(row) if row["kind"] == "v" else self._content(row, columns)
            self._check_readable(path, row, columns)
        except (SourceUnreachable, SourceAuthFailed) as error:
            if self._session.connection().broken:
                raise
            problem = self._problem(path, error)
        except SourceObjectGone:
            return None
        except SourceError as error:
            problem = self._problem(path, error)
        primary, foreign = self._constraints(row["oid"])
        return AssetInfo(
            path=path,
            kind=_KINDS[row["kind"]],
            columns=tuple(_column(column, ordinal, primary) for ordinal, column in enumerate(columns)),
            comment=row["comment"],
            foreign_keys=foreign,
            grants=tuple(_grant(grant) for grant in self._grants.get(row["oid"], [])),
            owner=row["owner"],
            identity=f"{row['database']}:{row['oid']}",
            problem=problem,
            **more,
        )

    def _problem(self, path: str, error: SourceError) -> str:
        self.problems.append(Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy))
        return error.code

    def _check_readable(self, path: str, row: _Row, columns: list[_Row]) -> None:
        closed = sum(not column["readable"] for column in columns)
        if not row["usable"] or (columns and closed == len(columns)):
            raise SourceDenied(f"The account may not read {path}.", _DENIED)
        if closed:
            what = f"The account may not read {closed} of {len(columns)} columns of {path}; they are left out."
            self._problem(path, SourceDenied(what, "Grant it SELECT on the table."))
        if row["filtered"]:
            what = f"Row-level security shows this account only some rows of {path}."
            self._problem(path, SourceDenied(what, "Grant it BYPASSRLS, or accept that the others are not scanned."))

    def _view(self, row: _Row) -> dict[str, Any]:
        return {"definition": self._definition(row)}

    def _definition(self, row: _Row) -> str | None:
        what = path_of(row["schema"], row["name"])
        text = self._session.rows("SELECT pg_get_viewdef(%s::oid) AS text", [row["oid"]], what)[0]["text"]
        return str(text) if text else None

    def _content(self, row: _Row, columns: list[_Row]) -> dict[str, Any]:
        path = path_of(row["schema"], row["name"])
        leaves = leaves_of(self._session, row["oid"], path)
        estimates = [leaf.tuples for leaf in leaves if leaf.tuples >= 0]
        more: dict[str, Any] = {
            "rows_estimate": int(sum(estimates)) if len(estimates) == len(leaves) else None,
            "bytes": None if row["kind"] == "f" else sum(leaf.total for leaf in leaves),
        }
        if row["kind"] == "m":
            more["definition"] = self._definition(row)
        small = sum(leaf.main for leaf in leaves) <= FINGERPRINT_LIMIT
        if row["readable"] and row["usable"] and small and all(leaf.heap for leaf in leaves):
            rows, mark = mark_of(self._session, row["schema"], row["name"], only=row["kind"] != "p", span=None)
            shape = [[column["number"], column["name"], column["type"]] for column in columns]
            more["fingerprint"] = digest(row["oid"], [[leaf.oid, leaf.file] for leaf in leaves], shape, rows, mark)
        return more

    def _constraints(self, oid: int) -> tuple[frozenset[str], tuple[ForeignKey, ...]]:
        keys = self._keys.get(oid, [])
        primary = frozenset(name for key in keys if key["type"] == "p" for name in key["columns"])
        foreign = tuple(
            ForeignKey(
                columns=tuple(key["columns"]),
                to_asset=path_of(key["schema"], key["target"]),
                to_columns=tuple(key["targets"]),
            )
            for key in keys
            if key["type"] == "f"
        )
        return primary, foreign


def _column(row: _Row, ordinal: int, primary: frozenset[str]) -> ColumnInfo:
    return ColumnInfo(
        name=row["name"],
        ordinal=ordinal,
        type=logical(row["base"], row["category"]) if row["builtin"] or row["category"] in "ACRE" else _foreign(row),
        physical_type=row["type"],
        nullable=not row["required"],
        primary_key=row["name"] in primary,
        comment=row["comment"],
    )


def _foreign(row: _Row) -> Any:
    return "string" if row["base"] == "citext" else "unknown"


def _grant(row: _Row) -> Grant:
    name = "PUBLIC" if row["public"] else row["grantee"]
    return Grant(grantee=name, privilege=row["privilege"], public=row["public"])
