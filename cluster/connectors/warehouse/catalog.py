"""Listing what a warehouse holds, by SQLAlchemy's inspection."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, ForeignKey, Problem
from cluster.connectors.relation_paths import path_of
from cluster.connectors.sql.types import logical
from cluster.connectors.warehouse.session import Session
from cluster.errors import SourceAuthFailed, SourceError, SourceObjectGone, SourceUnreachable


def enumerate_warehouse(session: Session) -> Enumeration:
    """Every table and view of every schema. What cannot be described is a problem of its own.

    Complete unless a schema could not be listed: what was in it is then not known to be gone.
    """
    problems: list[Problem] = []
    assets: list[AssetInfo] = []
    complete = True
    with session.connection(session.database) as connection:
        schemas = schemas_of(session, connection)
    for schema in schemas:
        try:
            with session.connection(schema) as connection:
                names = list(_names(connection, schema))
        except (SourceUnreachable, SourceAuthFailed):
            raise
        except SourceError as error:
            complete = False
            problems.append(_problem(schema, error))
            continue
        assets += [
            asset for name, view in names if (asset := _asset(session, schema, name, view, problems)) is not None
        ]
    return Enumeration(assets=tuple(assets), complete=complete, problems=tuple(problems))


def schemas_of(session: Session, connection: sa.Connection) -> list[str]:
    """The schemas that are not the system's."""
    hidden = {name.lower() for name in session.dialect.hidden}
    return sorted(name for name in sa.inspect(connection).get_schema_names() if name.lower() not in hidden)


def columns_of(connection: sa.Connection, schema: str, name: str) -> tuple[ColumnInfo, ...]:
    """The columns of a table or view. Raises NoSuchTableError of SQLAlchemy."""
    inspected = sa.inspect(connection)
    keys = set(inspected.get_pk_constraint(name, schema).get("constrained_columns") or ())
    columns = inspected.get_columns(name, schema)
    if not columns:
        raise sa.exc.NoSuchTableError(name)
    return tuple(_column(column, place, keys) for place, column in enumerate(columns))


def _column(column: Any, place: int, keys: set[str]) -> ColumnInfo:
    type_ = column["type"]
    return ColumnInfo(
        name=column["name"],
        ordinal=place,
        type=logical(type_),
        physical_type="" if isinstance(type_, sa.types.NullType) else str(type_)[:500],
        nullable=bool(column.get("nullable", True)),
        primary_key=column["name"] in keys,
        comment=column.get("comment"),
    )


def _names(connection: sa.Connection, schema: str) -> Iterator[tuple[str, bool]]:
    inspected = sa.inspect(connection)
    views = set(inspected.get_view_names(schema))
    yield from ((name, False) for name in sorted(inspected.get_table_names(schema)) if name not in views)
    yield from ((name, True) for name in sorted(views))


def _asset(session: Session, schema: str, name: str, view: bool, problems: list[Problem]) -> AssetInfo | None:
    path, found = path_of(schema, name), None
    try:
        with session.connection(path) as connection:
            inspected = sa.inspect(connection)
            found = AssetInfo(
                path=path,
                kind="view" if view else "table",
                columns=columns_of(connection, schema, name),
                definition=inspected.get_view_definition(name, schema) if view else None,
                foreign_keys=() if view else tuple(_keys(inspected, schema, name)),
            )
    except (SourceUnreachable, SourceAuthFailed):
        raise
    except SourceObjectGone as error:
        if not view:
            return None
        raised: SourceError = error
    except SourceError as error:
        raised = error
    if found is not None:
        return found
    problems.append(_problem(path, raised))
    return AssetInfo(path=path, kind="view" if view else "table", problem=raised.code)


def _keys(inspected: sa.Inspector, schema: str, name: str) -> Iterator[ForeignKey]:
    for key in inspected.get_foreign_keys(name, schema):
        yield ForeignKey(
            columns=tuple(key["constrained_columns"]),
            to_asset=path_of(key["referred_schema"] or schema, key["referred_table"]),
            to_columns=tuple(key["referred_columns"]),
        )


def _problem(path: str, error: SourceError) -> Problem:
    return Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy)
