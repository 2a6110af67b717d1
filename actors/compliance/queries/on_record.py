"""What people put on record, what follows from it, and the orders that they placed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.compliance import factbook, orders, orders_on_record, policy_rules, records
from actors.compliance.contract import (
    AccessRequest,
    Contradiction,
    Deadline,
    Decision,
    OrderView,
    RecordKind,
    RecordView,
)
from actors.compliance.contract.orders import OrderKind, OrderState
from actors.compliance.deadlines import deadlines as deadlines_of
from actors.compliance.frameworks import chosen
from actors.compliance.tables import FactVersion, Order, Record
from actors.compliance.worker import Job
from cluster.errors import NotFound
from cluster.security.credentials import sealed_of


class Asking(NamedTuple):
    """Who wants to read: every name under which a policy may mean them, and what for."""

    roles: tuple[str, ...]
    purpose: str | None = None


def list_records(
    session: Session, kind: RecordKind | None = None, ended: bool = False, after: str | None = None, limit: int = 100
) -> list[RecordView]:
    """Records in their newest version, in the order of their ids; those that ended only if asked for."""
    statement = select(Record).where(Record.current).order_by(Record.id).limit(limit)
    if kind is not None:
        statement = statement.where(Record.kind == kind)
    if not ended:
        statement = statement.where(~Record.ended)
    if after is not None:
        statement = statement.where(Record.id > after)
    return [records.view(row) for row in session.scalars(statement)]


def record_history(session: Session, record_id: str) -> list[RecordView]:
    """All versions of a record, the newest first. Raises NotFound."""
    rows = session.scalars(select(Record).where(Record.id == record_id).order_by(Record.version.desc())).all()
    if not rows:
        raise NotFound(f"There is no record '{record_id[:64]}'.", "List the records to see their ids.")
    return [records.view(row) for row in rows]


def deadlines(session: Session) -> list[Deadline]:
    """What has to be done by when, the earliest first."""
    requests = orders_on_record.requests(session)
    return deadlines_of(records.in_force(session), requests, chosen(session, ()), datetime.now(UTC))


def decide(session: Session, request: AccessRequest) -> Decision:
    """What the policies in force say of a request. Raises InvalidInput for an asset that is not known."""
    now = datetime.now(UTC)
    facts = factbook.current(session, request.source_id, now, [request.asset_id])
    return policy_rules.decide(records.policies(session), request, facts, now)


def decide_columns(
    session: Session, source_id: str, asset_id: str, columns: Iterable[str], asking: Asking
) -> dict[str, Decision]:
    """What the policies in force say of reading each column; nothing where there is no policy.

    Of an asset that was never evaluated it cannot be told which policies are about it: reading is denied.
    """
    known, now = records.policies(session), datetime.now(UTC)
    if not known:
        return {}
    facts = factbook.current(session, source_id, now, [asset_id])
    if asset_id not in facts.by_subject:
        return dict.fromkeys(columns, policy_rules.denied("Which policies are about it is not known yet."))
    asked = AccessRequest(source_id=source_id, asset_id=asset_id, roles=asking.roles, purpose=asking.purpose)
    return {
        column: policy_rules.decide(known, asked.model_copy(update={"column": column}), facts, now)
        for column in columns
    }


def contradictions(session: Session) -> list[Contradiction]:
    """Policies that contradict each other, with the assets that both are about."""
    known, now = records.policies(session), datetime.now(UTC)
    if len(known) < 2:
        return []
    sources = session.scalars(select(FactVersion.source_id).distinct()).all()
    return policy_rules.contradictions(known, (factbook.current(session, one, now) for one in sources))


def list_orders(
    session: Session, kind: OrderKind | None = None, state: OrderState | None = None, after: str | None = None,
    limit: int = 100,
) -> list[OrderView]:  # fmt: skip
    """Orders in the order of their ids."""
    statement = select(Order).order_by(Order.id).limit(limit)
    for column, value in ((Order.kind, kind), (Order.state, state)):
        statement = statement.where(column == value) if value is not None else statement
    if after is not None:
        statement = statement.where(Order.id > after)
    return [orders.view(row) for row in session.scalars(statement)]


def get_order(session: Session, order_id: str) -> OrderView:
    """One order. Raises NotFound."""
    row = session.get(Order, order_id)
    if row is None:
        raise NotFound(f"There is no order '{order_id[:64]}'.", "List the orders to see their ids.")
    return orders.view(row)


def jobs(session: Session) -> list[Job]:
    """The orders that wait for a worker, or were with one when the actor went down; the oldest first."""
    waiting = select(Order).where(Order.state.in_(("planning", "approved"))).order_by(Order.changed_at, Order.id)
    return [
        Job(
            id=row.id,
            kind=row.kind,
            state=row.state,
            given=_with_credentials(session, row.given),
            sealed=sealed_of(session, row.id),
            plan=row.plan,
            subject=row.subject,
        )
        for row in session.scalars(waiting)
    ]


def _with_credentials(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    """What was given, with the credentials of its sources as they stand now."""
    full = dict(given)
    if "access" in full:
        full["access"] = full["access"] | {"sealed": sealed_of(session, full["access"]["source_id"])}
    if "accesses" in full:
        full["accesses"] = [one | {"sealed": sealed_of(session, one["source_id"])} for one in full["accesses"]]
    return full
