"""What a policy becomes in PostgreSQL: column grants, masking views and row-level security, as statements. Pure.

What a `Guard` asks for is compared with what is there; only what differs becomes steps, each with the statement that
takes it back. Who is guarded keeps the columns that are not masked, and gets a view of all of them, the masked ones
masked, in the schema `sextant_masked`. Views read with the rights of their owner, so row filters stand in them too.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from psycopg import sql
from pydantic import BaseModel, ConfigDict

SCHEMA = "sextant_masked"
OPEN = "sextant_open"
EVERYBODY = "PUBLIC"
Method = Literal["null", "full", "last4", "email", "year", "hash"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Guard(_Value):
    """What a role may see of a table: nothing, or all but masked columns, and only rows whose columns fit.

    The role "PUBLIC" is everybody, and can only be denied.
    """

    table: tuple[str, str]
    role: str
    denied: bool = False
    masks: dict[str, Method] = {}
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Step(_Value):
    """A statement with what takes it back ("" for nothing), and why it is needed."""

    statement: str
    undo: str
    why: str


class Plan(_Value):
    """The steps from what is there to what is asked for, and what stands in the way: it has to be empty to apply."""

    steps: tuple[Step, ...]
    blockers: tuple[str, ...]


class State(NamedTuple):
    """What is there of one table for one role. `columns` are the types by name, `view` the mark of its masking view."""

    exists: bool
    role: bool
    columns: Mapping[str, str]
    row_security: bool
    policies: frozenset[str]
    own_table: bool
    own_columns: frozenset[str]
    public: bool
    inherited: bool
    view: str | None
    schema: bool


def plan(guards: Iterable[tuple[Guard, State]], take_from_public: bool = False) -> Plan:
    """The steps that all guards need together."""
    steps: list[Step] = []
    blockers: list[str] = []
    for guard, there in guards:
        found = _blockers(guard, there, take_from_public)
        blockers += found
        if not found:
            steps += [step for step in _steps(guard, there) if step not in steps]
    return Plan(steps=tuple(steps), blockers=tuple(dict.fromkeys(blockers)))


def view_name(guard: Guard) -> str:
    """The name of the masking view of a table for a role, at most 63 bytes."""
    name = "__".join((*guard.table, guard.role))
    if len(name.encode()) <= 63:
        return name
    return name.encode()[:50].decode(errors="ignore") + "_" + hashlib.sha256(name.encode()).hexdigest()[:12]


def _blockers(guard: Guard, there: State, take_from_public: bool) -> list[str]:
    table, everybody = ".".join(guard.table), guard.role == EVERYBODY
    missing = sorted({*guard.masks, *(column for column, _ in guard.rows)} - set(there.columns))
    open_to_all = there.public and not take_from_public and bool(guard.denied or guard.masks)
    causes = [
        (not there.exists, f"{table} is not a table of this database."),
        (everybody and not guard.denied, f"PUBLIC can only be denied {table}."),
        (not everybody and not there.role, f"There is no role '{guard.role}'."),
        (bool(missing), f"{table} has no column '{missing[0] if missing else ''}'."),
        (
            not everybody and there.inherited,
            f"'{guard.role}' reads {table} as a superuser or through another role, which no grant of its own ends.",
        ),
        (
            not everybody and open_to_all,
            f"PUBLIC may read {table}, and so may '{guard.role}': revoke that first, or let the order do it.",
        ),
    ]
    return next(([why] for holds, why in causes if holds), [])


def _steps(guard: Guard, there: State) -> list[Step]:
    steps: list[Step] = []
    name, role = sql.Identifier(*guard.table), sql.Identifier(guard.role)
    if there.public and (guard.denied or guard.masks):
        steps.append(_grant("SELECT", name, sql.SQL("PUBLIC"), "PUBLIC may read it", revoke=True))
    if guard.denied:
        steps += _revoked(guard, there) if guard.role != EVERYBODY else []
    elif guard.masks:
        open_columns = sorted(set(there.columns) - set(guard.masks))
        wanted = frozenset(open_columns)
        if there.own_table or there.own_columns != wanted:
            steps += _revoked(guard, there)
            if open_columns:
                columns = sql.SQL("SELECT ({})").format(sql.SQL(", ").join(map(sql.Identifier, open_columns)))
                steps.append(_grant(columns, name, role, "columns that are not masked stay readable"))
        steps += _view_steps(guard, there)
    if guard.rows and not guard.denied:
        steps += _row_steps(guard, there)
    return steps


def _revoked(guard: Guard, there: State) -> list[Step]:
    name, role = sql.Identifier(*guard.table), sql.Identifier(guard.role)
    steps = []
    if there.own_table:
        steps.append(_grant("SELECT", name, role, f"'{guard.role}' may read all of it", revoke=True))
    if there.own_columns:
        columns = sql.SQL("SELECT ({})").format(sql.SQL(", ").join(map(sql.Identifier, sorted(there.own_columns))))
        steps.append(_grant(columns, name, role, f"'{guard.role}' was granted columns of it", revoke=True))
    return steps


def _view_steps(guard: Guard, there: State) -> list[Step]:
    view, role = sql.Identifier(SCHEMA, view_name(guard)), sql.Identifier(guard.role)
    query = sql.SQL("SELECT {} FROM {}{}").format(
        sql.SQL(", ").join(_column(column, kind, guard.masks.get(column)) for column, kind in there.columns.items()),
        sql.Identifier(*guard.table),
        _where(guard),
    )
    mark = "sextant " + hashlib.sha256(query.as_string().encode()).hexdigest()[:32]
    if there.view == mark:
        return []
    steps = []
    if not there.schema:
        made = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA))
        steps.append(_step(made, None, "masking views have a schema of their own"))
    usage = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), role)
    back = sql.SQL("REVOKE USAGE ON SCHEMA {} FROM {}").format(sql.Identifier(SCHEMA), role)
    steps.append(_step(usage, back, f"'{guard.role}' reads the masking views"))
    drop = sql.SQL("DROP VIEW IF EXISTS {}").format(view)
    if there.view is not None:
        steps.append(_step(drop, None, "the view masks something else by now"))
    made = sql.SQL("CREATE VIEW {} WITH (security_barrier) AS {}").format(view, query)
    steps.append(_step(made, drop, f"masks {', '.join(sorted(guard.masks))}"))
    steps.append(
        _step(sql.SQL("COMMENT ON VIEW {} IS {}").format(view, sql.Literal(mark)), None, "what it was made of")
    )
    steps.append(_grant("SELECT", view, role, f"'{guard.role}' reads the view instead"))
    return steps


def _row_steps(guard: Guard, there: State) -> list[Step]:
    name, role = sql.Identifier(*guard.table), sql.Identifier(guard.role)
    fitting = filters(guard)
    digest = hashlib.sha256(f"{guard.role}{fitting.as_string()}".encode()).hexdigest()[:16]
    own = f"sextant_{digest}"
    if own in there.policies and there.row_security:
        return []
    steps = []
    if not there.row_security:
        on = sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name)
        off = sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name)
        steps.append(_step(on, off, "rows are filtered"))
        if OPEN not in there.policies:
            opened = sql.SQL("CREATE POLICY {} ON {} USING (true) WITH CHECK (true)").format(sql.Identifier(OPEN), name)
            closed = sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(OPEN), name)
            steps.append(_step(opened, closed, "all others go on to see every row"))
    made = sql.SQL("CREATE POLICY {} ON {} AS RESTRICTIVE FOR SELECT TO {} USING ({})")
    drop = sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(own), name)
    steps.append(
        _step(made.format(sql.Identifier(own), name, role, fitting), drop, f"'{guard.role}' sees rows that fit")
    )
    return steps


def _column(name: str, kind: str, method: Method | None) -> sql.Composable:
    column = sql.Identifier(name)
    return column if method is None else sql.SQL("{} AS {}").format(_mask(column, kind, method), column)


def _mask(column: sql.Identifier, kind: str, method: Method) -> sql.Composable:
    """The masked value. A year of what is no date, and an address of what has no @, are masked in full."""
    if method == "null":
        return sql.SQL("NULL::{}").format(sql.SQL(kind))  # as format_type writes it
    if method == "last4":
        text = "CASE WHEN length({0}::text) > 8 THEN '****' || right({0}::text, 4) WHEN {0} IS NOT NULL THEN '****' END"
    elif method == "email":
        text = "CASE WHEN {0} IS NOT NULL THEN '****' || coalesce(substring({0}::text FROM '@[^@]*$'), '') END"
    elif method == "year" and kind.startswith(("date", "timestamp")):
        text = "extract(year FROM {0})::integer"
    elif method == "hash":
        text = "encode(sha256(convert_to({0}::text, 'UTF8')), 'hex')"
    else:
        text = "CASE WHEN {0} IS NOT NULL THEN '********' END"
    return sql.SQL(text).format(column)


def _where(guard: Guard) -> sql.Composable:
    return sql.SQL(" WHERE {}").format(filters(guard)) if guard.rows else sql.SQL("")


def filters(guard: Guard) -> sql.Composed:
    """The condition on the rows that may be seen."""
    parts = [
        sql.SQL("{}::text IN ({})").format(sql.Identifier(column), sql.SQL(", ").join(map(sql.Literal, sorted(values))))
        for column, values in guard.rows
    ]
    return sql.SQL(" AND ").join(parts)


def _grant(
    what: str | sql.Composable, name: sql.Composable, to: sql.Composable, why: str, revoke: bool = False
) -> Step:
    """GRANT with its REVOKE to take it back, or the other way round."""
    rights = sql.SQL(what) if isinstance(what, str) else what
    given = sql.SQL("GRANT {} ON {} TO {}").format(rights, name, to)
    taken = sql.SQL("REVOKE {} ON {} FROM {}").format(rights, name, to)
    return _step(taken, given, why) if revoke else _step(given, taken, why)


def _step(statement: sql.Composable, undo: sql.Composable | None, why: str) -> Step:
    return Step(statement=statement.as_string(), undo=undo.as_string() if undo is not None else "", why=why)
