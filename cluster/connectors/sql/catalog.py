"""Listing what a database holds, by SQLAlchemy's inspection of it."""

import sqlalchemy as sa

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, ForeignKey, Problem
from cluster.connectors.key_range import KeyRange
from cluster.connectors.sql.database import Database, Relation
from cluster.connectors.sql.names import path_of
from cluster.connectors.sql.types import logical
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable


def enumerate_database(database: Database) -> Enumeration:
    """Every table and view, by path. What of them cannot be read is a problem of theirs alone."""
    with database.transaction(database.name) as connection:
        relations = database.relations(connection)
    problems: list[Problem] = []
    assets = [asset for relation in relations if (asset := _asset(database, relation, problems)) is not None]
    return Enumeration(assets=tuple(assets), complete=True, problems=tuple(problems))


def columns_of(connection: sa.Connection, name: str) -> tuple[ColumnInfo, ...]:
    """The columns of a table or view, in order."""
    inspected = sa.inspect(connection)
    keys = set(inspected.get_pk_constraint(name)["constrained_columns"])
    return tuple(
        ColumnInfo(
            name=column["name"],
            ordinal=place,
            type=logical(column["type"]),
            physical_type=_written(column["type"])[:500],
            nullable=bool(column["nullable"]) and column["name"] not in keys,
            primary_key=column["name"] in keys,
            comment=column.get("comment"),
        )
        for place, column in enumerate(inspected.get_columns(name))
    )


def _asset(database: Database, relation: Relation, problems: list[Problem]) -> AssetInfo | None:
    """The asset of a relation; None if it was dropped since it was listed."""
    path = path_of(relation.name)
    try:
        with database.transaction(path) as connection:
            return _described(database, connection, relation, path)
    except SourceObjectGone as error:
        if relation.kind == "table":
            return None
        raised: SourceError = error  # a view over a table that is not there
    except SourceUnreachable:
        raise
    except SourceError as error:
        raised = error
    problems.append(Problem(path=path, code=raised.code, detail=raised.detail, remedy=raised.remedy))
    return AssetInfo(path=path, kind=relation.kind, problem=raised.code)


def _described(database: Database, connection: sa.Connection, relation: Relation, path: str) -> AssetInfo:
    columns = columns_of(connection, relation.name)
    if relation.kind == "view":
        definition = sa.inspect(connection).get_view_definition(relation.name)
        return AssetInfo(path=path, kind="view", columns=columns, definition=definition)
    content = database.content(connection, relation, KeyRange())
    rows = content.rows
    if rows is None:
        table = sa.select(sa.func.count()).select_from(sa.table(relation.name))
        rows = int(connection.execute(table).scalar_one())
    return AssetInfo(
        path=path,
        kind="table",
        columns=columns,
        rows_estimate=rows,
        bytes=content.bytes,
        fingerprint=digest(relation.shape, content.mark),
        foreign_keys=tuple(
            ForeignKey(
                columns=tuple(key["constrained_columns"]),
                to_asset=path_of(key["referred_table"]),
                to_columns=tuple(key["referred_columns"]),
            )
            for key in sa.inspect(connection).get_foreign_keys(relation.name)
        ),
    )


def _written(type_: sa.types.TypeEngine[object]) -> str:
    return "" if isinstance(type_, sa.types.NullType) else str(type_)
