"""What people put on record, what follows from it, and the orders that they placed."""

from datetime import UTC, datetime

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
            given=row.given,
            sealed=row.sealed,
            plan=row.plan,
            subject=row.subject,
        )
        for row in session.scalars(waiting)
    ]
