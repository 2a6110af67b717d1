"""Carrying out guards in a PostgreSQL database: what is there, all or nothing, taking back, and trying as the role."""

from collections.abc import Sequence
from typing import Any, Literal

from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import DictRow
from pydantic import BaseModel, ConfigDict

from cluster.connectors.postgres.guards import SCHEMA, Guard, State, Step, filters, view_name

_SAMPLE = 100


class Proof(BaseModel):
    """One thing that was tried as the role, whether it came out as asked, and by which way the role was taken on."""

    model_config = ConfigDict(frozen=True)

    table: str
    role: str
    tried: str
    passed: bool
    way: Literal["login", "set role", "catalog"]


_STATE = """
SELECT c.relrowsecurity AS row_security, c.relkind,
  ARRAY(SELECT polname FROM pg_policy WHERE polrelid = c.oid) AS policies,
  (SELECT jsonb_object_agg(attname, format_type(atttypid, atttypmod)) FROM pg_attribute
   WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
  EXISTS (SELECT 1 FROM aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
          WHERE r.rolname = %(role)s AND a.privilege_type = 'SELECT') AS own_table,
  EXISTS (SELECT 1 FROM aclexplode(c.relacl) a WHERE a.grantee = 0 AND a.privilege_type = 'SELECT') AS public,
  ARRAY(SELECT attname FROM pg_attribute t
        CROSS JOIN LATERAL aclexplode(t.attacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE t.attrelid = c.oid AND r.rolname = %(role)s AND a.privilege_type = 'SELECT') AS own_columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p')
"""
_INHERITED = """
SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (
  SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles g ON g.oid = a.grantee
  WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.privilege_type = 'SELECT'
    AND g.oid <> r.oid AND pg_has_role(r.oid, g.oid, 'USAGE')) AS inherited
FROM pg_roles r WHERE r.rolname = %(role)s
"""
_VIEW = """
SELECT obj_description(c.oid, 'pg_class') AS mark FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'v'
"""


def state(connection: Connection[DictRow], guard: Guard) -> State:
    """What is there of the guard's table for its role."""
    schema, name = guard.table
    given = {"schema": schema, "name": name, "role": guard.role}
    found = connection.execute(_STATE, given).fetchone()
    role = connection.execute(_INHERITED, given).fetchone()
    view = connection.execute(_VIEW, (SCHEMA, view_name(guard))).fetchone()
    home = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone()
    told: dict[str, Any] = found or {}
    return State(
        exists=found is not None,
        role=role is not None,
        columns=told.get("columns") or {},
        row_security=bool(told.get("row_security")),
        policies=frozenset(told.get("policies") or ()),
        own_table=bool(told.get("own_table")),
        own_columns=frozenset(told.get("own_columns") or ()),
        public=bool(told.get("public")),
        inherited=bool(role and role["inherited"]),
        view=str(view["mark"] or "") if view else None,
        schema=home is not None,
    )


def apply(connection: Connection[DictRow], steps: Sequence[Step]) -> None:
    """Carries the steps out, all or none. Raises psycopg.Error."""
    with connection.transaction():
        for step in steps:
            connection.execute(step.statement)  # made by `plan`, of quoted names only


def take_back(connection: Connection[DictRow], steps: Sequence[Step]) -> None:
    """Undoes applied steps, the last first, all or none. Raises psycopg.Error."""
    with connection.transaction():
        for step in reversed(steps):
            if step.undo:
                connection.execute(step.undo)


def verify(
    owner: Connection[DictRow], restricted: Connection[DictRow], guard: Guard, way: Literal["login", "set role"]
) -> list[Proof]:
    """Tries as the role what it must not be able to do, and what it must still be able to do."""
    table, found = ".".join(guard.table), []

    def prove(tried: str, passed: bool) -> None:
        found.append(Proof(table=table, role=guard.role, tried=tried, passed=passed, way=way))

    name = sql.Identifier(*guard.table)
    if guard.denied:
        prove("reading the table is refused", _refused(restricted, sql.SQL("SELECT 1 FROM {} LIMIT 1").format(name)))
        return found
    for column in sorted(guard.masks):
        statement = sql.SQL("SELECT {} FROM {} LIMIT 1").format(sql.Identifier(column), name)
        prove(f"reading '{column}' in the clear is refused", _refused(restricted, statement))
        prove(f"'{column}' is masked in the view", _masked(owner, restricted, guard, column))
    if guard.rows:
        prove("only the rows that fit are seen", _filtered(owner, restricted, guard))
    return found


def verify_closed(owner: Connection[DictRow], guard: Guard) -> Proof:
    """Whether the grants of a table leave PUBLIC out: nobody can sign in as everybody."""
    closed = not state(owner, guard).public
    tried = "PUBLIC has no right to read the table"
    return Proof(table=".".join(guard.table), role=guard.role, tried=tried, passed=closed, way="catalog")


def _refused(restricted: Connection[DictRow], statement: sql.Composed) -> bool:
    try:
        restricted.execute(statement)
    except InsufficientPrivilege:
        return True
    return False


def _masked(owner: Connection[DictRow], restricted: Connection[DictRow], guard: Guard, column: str) -> bool:
    """Whether none of what the view shows is one of the values. The values stay in this process."""
    name = sql.Identifier(column)
    shown_of = sql.SQL("SELECT {}::text AS v FROM {} LIMIT {}")
    try:
        rows = restricted.execute(shown_of.format(name, sql.Identifier(SCHEMA, view_name(guard)), _SAMPLE)).fetchall()
    except InsufficientPrivilege:
        return False
    shown = sorted({row["v"] for row in rows if row["v"] is not None})
    if not shown:
        return True
    asked = sql.SQL("SELECT 1 FROM {} WHERE {}::text = ANY(%s) LIMIT 1").format(sql.Identifier(*guard.table), name)
    return owner.execute(asked, [shown]).fetchone() is None


def _filtered(owner: Connection[DictRow], restricted: Connection[DictRow], guard: Guard) -> bool:
    name = sql.Identifier(*guard.table)
    fitting = owner.execute(sql.SQL("SELECT count(*) AS n FROM {} WHERE {}").format(name, filters(guard))).fetchone()
    try:
        seen = restricted.execute(sql.SQL("SELECT count(*) AS n FROM {}").format(name)).fetchone()
    except InsufficientPrivilege:
        view = sql.Identifier(SCHEMA, view_name(guard))
        seen = restricted.execute(sql.SQL("SELECT count(*) AS n FROM {}").format(view)).fetchone()
    return fitting is not None and seen is not None and fitting["n"] == seen["n"]
