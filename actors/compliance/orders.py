"""Orders as rows: what is asked for, by whom it was decided, and what came of it. The work itself is `worker.py`'s."""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any, NamedTuple

from pydantic import SecretStr
from sqlalchemy import select

from actors.compliance import factbook, records
from actors.compliance.contract import (
    DecideOrder,
    OrderEnforcement,
    OrderRetention,
    OrderRollback,
    OrderSubject,
    OrderView,
    RecordOrder,
    Retention,
)
from actors.compliance.contract.orders import OrderKind
from actors.compliance.enforcing import Compiled, compile_policies
from actors.compliance.facts import FactSet
from actors.compliance.seeking import normal
from actors.compliance.selecting import selects
from actors.compliance.tables import Order, Record
from cluster.connectors.interface import SourceAccess
from cluster.connectors.postgres.guards import EVERYBODY, Guard
from cluster.connectors.relation_paths import parts_of
from cluster.connectors.urls import source_kind
from cluster.context import new_id
from cluster.errors import Conflict, Forbidden, InvalidInput, NotFound
from cluster.runtime.commands import UnitOfWork
from cluster.security import credentials as sealed
from cluster.security.keyring import derived

MONTH = timedelta(days=30)
ENDED = ("done", "failed", "refused")


def enforce(work: UnitOfWork, command: OrderEnforcement) -> OrderView:
    """An enforcement to be planned."""
    _postgres(command.access)
    known = records.policies(work.session)
    unknown = sorted(set(command.policies) - set(known))
    if unknown:
        raise NotFound(f"There is no policy '{unknown[0][:64]}' in force.", "List the records of kind policy.")
    facts = factbook.current(work.session, command.access.source_id, work.now)
    closed = _closed(command, facts)
    wanted = command.policies or (() if command.close else known)
    compiled = compile_policies(known, wanted, facts) if wanted or not closed else Compiled((), (), ())
    given = {
        "access": _told(command.access),
        "guards": [guard.model_dump(mode="json") for guard in (*compiled.guards, *closed)],
        "masked": [list(one) for one in compiled.masked],
        "left": list(compiled.left),
        "take_from_public": command.take_from_public,
    }
    return _ordered(work, Draft("enforcement", (command.access.source_id,), given), {"own": command.credential})


def _closed(command: OrderEnforcement, facts: FactSet) -> list[Guard]:
    unknown = sorted(set(command.close) - set(facts.by_subject))
    if unknown:
        raise NotFound(f"The source has no asset '{unknown[0][:64]}'.", "List the assets of the source.")
    assets = [facts.by_subject[one] for one in sorted(set(command.close))]
    return [Guard(table=parts_of(one.name), role=EVERYBODY, denied=True) for one in assets]


def roll_back(work: UnitOfWork, command: OrderRollback) -> OrderView:
    """A rollback to be planned: the steps that the enforcement took."""
    row = _row(work, command.order_id)
    steps = (row.outcome or {}).get("applied") or []
    if row.kind != "enforcement" or row.state != "done" or not steps:
        raise Conflict("That order changed nothing that could be taken back.", "Choose an enforcement that is done.")
    undone = work.session.scalars(select(Order).where(Order.kind == "rollback", Order.state != "failed"))
    if any(one.given["of"] == row.id and one.state != "refused" for one in undone):
        raise Conflict("That order was taken back already, or a rollback of it is under way.", "List the orders.")
    if command.access.source_id not in row.sources:
        raise InvalidInput("The order was about another source.", "Name that source.")
    given = {"access": _told(command.access), "steps": steps, "of": row.id}
    return _ordered(work, Draft("rollback", tuple(row.sources), given), {"own": command.credential})


def retain(work: UnitOfWork, command: OrderRetention) -> OrderView:
    """A deletion by age to be planned. Its cutoff is that of the day on which it was asked for."""
    _postgres(command.access)
    row = work.session.scalars(
        select(Record).where(Record.id == command.retention_id, Record.current, ~Record.ended)
    ).first()
    if row is None or row.kind != "retention":
        raise NotFound("There is no such retention in force.", "List the records of kind retention.")
    body = Retention.model_validate(row.body)
    if body.clock is None:
        raise InvalidInput("The retention has no clock column.", "Name the column by which rows of a table age.")
    facts = factbook.current(work.session, command.access.source_id, work.now)
    held = set(held_assets(work, facts))
    names = [one.name for one in facts.assets if not one.is_view and selects(body.targets, facts, one)]
    given = {
        "access": _told(command.access),
        "clock": body.clock,
        "cutoff": str(work.now.astimezone(UTC).date() - timedelta(days=body.days)),
        "tables": [name for name in names if name not in held],
        "held": sorted(held & set(names)),
        "retention": body.name,
    }
    return _ordered(work, Draft("retention", (command.access.source_id,), given), {"own": command.credential})


def find_subject(work: UnitOfWork, command: OrderSubject) -> OrderView:
    """A request of a data subject to be planned."""
    keys = sorted({normal(key.get_secret_value()) for key in command.keys})
    held: dict[str, list[str]] = {}
    links: list[list[str]] = []
    for access in command.accesses:
        facts = factbook.current(work.session, access.source_id, work.now)
        held[access.source_id] = held_assets(work, facts)
        links += _links(facts)
    given = {
        "accesses": [_told(access) for access in command.accesses],
        "held": held,
        "links": links,
    }
    sources = tuple(access.source_id for access in command.accesses)
    return _ordered(work, Draft(command.kind, sources, given), command.credentials, keys)


def decide(work: UnitOfWork, command: DecideOrder) -> OrderView:
    """The order approved or refused, by somebody else than who asked for it."""
    row = _row(work, command.order_id)
    if row.state != "planned":
        raise Conflict(f"The order is {row.state}.", "Only an order that is planned can be decided on.")
    if command.approve and work.caller.principal == row.requested_by:
        raise Forbidden("Who asked for an order cannot approve it.", "Let somebody else decide.")
    if command.approve and (row.plan or {}).get("blockers"):
        raise Conflict("Something stands in the way of the order.", str((row.plan or {})["blockers"][0]))
    row.state, row.approved_by = ("approved" if command.approve else "refused"), work.caller.principal
    if command.approve:
        row.given = row.given | {"held": _held_now(work, row)}
    return _changed(work, row)


def record(work: UnitOfWork, command: RecordOrder) -> OrderView:
    """What came of the work. An order that has gone on meanwhile is left as it is."""
    row = _row(work, command.order_id)
    if row.state != command.of_state:
        return view(row)
    if command.problem is not None:
        row.state, row.problem = "failed", command.problem
    elif command.of_state == "planning":
        row.plan, row.state = command.result, "done" if row.kind == "access" else "planned"
    else:
        row.outcome, row.state = command.result, "done"
    return _changed(work, row)


def view(row: Order) -> OrderView:
    """An order as others see it."""
    return OrderView.model_validate(row)


def held_assets(work: UnitOfWork, facts: FactSet) -> list[str]:
    """The names of the assets that a legal hold keeps."""
    holds = [
        one for one in records.in_force(work.session).holds.values() if one.until is None or one.until >= facts.today
    ]
    return [asset.name for asset in facts.assets if any(selects(one.targets, facts, asset) for one in holds)]


def _held_now(work: UnitOfWork, row: Order) -> Any:
    """Holds that were put on since the order was planned win as well."""
    by_source = {source: held_assets(work, factbook.current(work.session, source, work.now)) for source in row.sources}
    return by_source if row.kind in {"access", "erasure"} else by_source[row.sources[0]]


def _links(facts: FactSet) -> list[list[str]]:
    """[source, asset, column, source, asset, column] of keys that lead from the first to the second."""
    found = []
    for asset in facts.assets:
        for key in asset.asset.value.get("foreign_keys") or ():
            if len(key["columns"]) == 1:
                far = [facts.source_id, str(key["to_asset"]), str(key["to_columns"][0])]
                found.append([*far, facts.source_id, asset.name, str(key["columns"][0])])
    return found


class Draft(NamedTuple):
    """An order before it is a row."""

    kind: OrderKind
    sources: tuple[str, ...]
    given: dict[str, Any]


def _ordered(
    work: UnitOfWork, draft: Draft, credentials: Mapping[str, Mapping[str, SecretStr]], keys: Sequence[str] = ()
) -> OrderView:
    identifier, today = new_id(), work.now.astimezone(UTC).date()
    opened = {name: {key: value.get_secret_value() for key, value in one.items()} for name, one in credentials.items()}
    secrets = {"credentials": json.dumps(opened), "keys": json.dumps(list(keys))}
    row = Order(
        id=identifier, kind=draft.kind, state="planning", sources=list(draft.sources), given=draft.given,
        subject=hmac.new(derived("subjects"), "\0".join(keys).encode(), "sha256").hexdigest()[:32] if keys else None,
        plan=None, outcome=None, problem=None,
        requested_by=work.caller.principal, approved_by=None, requested_at=work.now, changed_at=work.now,
        due_at=today + MONTH if keys else None,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    # Beside the credentials of sources: so they are wrapped anew with them, and no key in use can be dropped.
    sealed.put(work.session, identifier, secrets, work.now)
    return _changed(work, row)


def _told(access: SourceAccess) -> dict[str, Any]:
    """How to reach the source, but for its credential: that is taken when the work begins."""
    return access.model_dump(mode="json", exclude={"sealed"})


def _changed(work: UnitOfWork, row: Order) -> OrderView:
    row.changed_at = work.now
    if row.state in ENDED:
        row.given = {key: value for key, value in row.given.items() if key not in {"access", "accesses"}}
    work.session.flush()
    if row.state in ENDED:
        sealed.remove(work.session, row.id)
    told = view(row)
    brief = told.model_dump(mode="json", include={"id", "kind", "state", "sources", "requested_by", "approved_by"})
    work.emit("order_changed", f"order:{row.id}", None, brief)
    return told


def _row(work: UnitOfWork, order_id: str) -> Order:
    row = work.session.get(Order, order_id)
    if row is None:
        raise NotFound(f"There is no order '{order_id[:64]}'.", "List the orders to see their ids.")
    return row


def _postgres(access: SourceAccess) -> None:
    if source_kind(access.url) != "postgresql":
        raise Conflict("Only PostgreSQL sources can be changed by Sextant.", "Change the data where it lies.")
