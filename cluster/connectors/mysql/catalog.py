"""Listing what a MySQL database holds."""

from collections import defaultdict

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, ForeignKey, Grant, Problem
from cluster.connectors.mysql.planning import mark_of
from cluster.connectors.mysql.privileges import reads_all
from cluster.connectors.mysql.relations import Column, Relation, relations_of
from cluster.connectors.mysql.session import Session
from cluster.connectors.mysql.types import logical
from cluster.connectors.relation_paths import path_of
from cluster.errors import SourceAuthFailed, SourceDenied, SourceError, SourceObjectGone, SourceUnreachable

FINGERPRINT_LIMIT = 64 << 20
"""Bytes of a table up to which its content is marked when it is listed; larger ones are marked when planned."""
_VIEWS = """
SELECT TABLE_NAME AS name, VIEW_DEFINITION AS text FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s
"""
_FOREIGN = """
SELECT TABLE_NAME AS relation, CONSTRAINT_NAME AS name, COLUMN_NAME AS col, REFERENCED_TABLE_SCHEMA AS target_schema,
       REFERENCED_TABLE_NAME AS target, REFERENCED_COLUMN_NAME AS target_col
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = %s AND REFERENCED_TABLE_NAME IS NOT NULL
ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION
"""
_GRANTS = """
SELECT TABLE_NAME AS relation, GRANTEE AS grantee, PRIVILEGE_TYPE AS privilege
FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = %s
UNION ALL
SELECT NULL, GRANTEE, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE TABLE_SCHEMA = %s
"""
_DENIED = "Grant it SELECT on the table."


def enumerate_database(session: Session) -> Enumeration:
    """Every table and view that the account can see.

    A server shows no table on which the account has no privilege. So the list is complete only where the account may
    read the whole database: what else is missing from it may have been withdrawn from the account, not dropped.
    """
    listing = _Listing(session)
    assets = [asset for relation in relations_of(session) if (asset := listing.asset(relation)) is not None]
    complete = reads_all(session)
    if not complete:
        what = f"The account may read some tables of {session.database} only, and sees no others."
        listing.problem(session.database, SourceDenied(what, "Grant it SELECT on the whole database."))
    return Enumeration(assets=tuple(assets), complete=complete, problems=tuple(listing.problems))


class _Listing:
    def __init__(self, session: Session) -> None:
        self._session, database = session, session.database
        self.problems: list[Problem] = []
        self._views = {row["name"]: row["text"] for row in session.rows(_VIEWS, [database], "the views")}
        self._foreign = _foreign_keys(session)
        self._grants: dict[str | None, list[Grant]] = defaultdict(list)
        for row in session.rows(_GRANTS, [database, database], "the grants"):
            grant = Grant(grantee=row["grantee"].replace("'", ""), privilege=row["privilege"])
            self._grants[row["relation"]].append(grant)

    def asset(self, relation: Relation) -> AssetInfo | None:
        """The asset of a table or view; None if it was dropped while this was going on."""
        mark, problem = None, None
        try:
            self._check(relation)
            mark = self._mark(relation)
        except (SourceUnreachable, SourceAuthFailed):
            raise
        except SourceObjectGone:
            return None
        except SourceError as error:
            problem = self.problem(relation.path, error)
        return AssetInfo(
            path=relation.path,
            kind="view" if relation.view else "table",
            columns=tuple(_described(column, place) for place, column in enumerate(relation.columns)),
            rows_estimate=relation.rows_estimate,
            bytes=relation.bytes,
            fingerprint=mark,
            definition=self._views.get(relation.name) or None if relation.view else None,
            comment=relation.comment,
            foreign_keys=tuple(self._foreign.get(relation.name, ())),
            grants=(*self._grants[None], *self._grants[relation.name]),
            problem=problem,
        )

    def problem(self, path: str, error: SourceError) -> str:
        self.problems.append(Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy))
        return error.code

    def _check(self, relation: Relation) -> None:
        closed = len(relation.columns) - len(relation.readable)
        if relation.view and not relation.columns:  # what is listed of a view that does not work any more
            self._session.rows(f"SHOW COLUMNS FROM {relation.source}", [], relation.path)
        if relation.columns and not relation.readable:
            raise SourceDenied(f"The account may not read {relation.path}.", _DENIED)
        if closed:
            what = f"The account may not read {closed} of {len(relation.columns)} columns of {relation.path};"
            self.problem(relation.path, SourceDenied(f"{what} they are left out.", _DENIED))

    def _mark(self, relation: Relation) -> str | None:
        if relation.view or (relation.bytes or 0) > FINGERPRINT_LIMIT:
            return None
        return digest(relation.shape, *mark_of(self._session, relation))


def _foreign_keys(session: Session) -> dict[str, list[ForeignKey]]:
    parts: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in session.rows(_FOREIGN, [session.database], "the keys"):
        parts[row["relation"], row["name"]].append(row)
    found: dict[str, list[ForeignKey]] = defaultdict(list)
    for (relation, _), rows in parts.items():
        key = ForeignKey(
            columns=tuple(row["col"] for row in rows),
            to_asset=path_of(rows[0]["target_schema"], rows[0]["target"]),
            to_columns=tuple(row["target_col"] for row in rows),
        )
        found[relation].append(key)
    return found


def _described(column: Column, place: int) -> ColumnInfo:
    return ColumnInfo(
        name=column.name,
        ordinal=place,
        type=logical(column.type),
        physical_type=column.full[:500],
        nullable=column.nullable,
        primary_key=column.primary,
        comment=column.comment,
    )
