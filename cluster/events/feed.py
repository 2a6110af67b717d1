"""The outbox: events are rows of the transaction that caused them, numbered in the order of commit.

`append` takes one lock until the commit, so a reader who has seen number n will never find a smaller one appear:
resuming from a cursor leaves no gap. NOTIFY only wakes readers; the rows carry the news.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from cluster.store.locks import EVENT_ORDER, lock
from cluster.store.tables import Event

CHANNEL = "sextant_events"
PAGE = 500


class EventDraft(BaseModel):
    """An event before it has a number."""

    model_config = ConfigDict(frozen=True)

    group: str
    kind: str
    entity: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    cause_seq: int | None = None
    principal: str
    request_id: str


class EventView(EventDraft):
    """An event as readers see it; `kind` is "group.what_happened", `entity` names what it happened to."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    seq: int
    at: datetime


def append(session: Session, drafts: list[EventDraft]) -> None:
    """Numbers and writes the events, and wakes the readers when the transaction commits. Call it last."""
    if not drafts:
        return
    lock(session, EVENT_ORDER)
    session.execute(insert(Event), [draft.model_dump(mode="json") for draft in drafts])
    session.execute(text(f"NOTIFY {CHANNEL}"))


def read_after(
    session: Session, seq: int, limit: int = PAGE, kinds: list[str] | None = None, entity: str | None = None
) -> list[EventView]:
    """At most `limit` events numbered above `seq`, oldest first. A kind may end in ".*" for all of a group's kinds."""
    statement = select(Event).where(Event.seq > seq).order_by(Event.seq).limit(limit)
    if kinds:
        exact = [kind for kind in kinds if not kind.endswith(".*")]
        groups = [kind.removesuffix(".*") for kind in kinds if kind.endswith(".*")]
        statement = statement.where(Event.kind.in_(exact) | Event.group.in_(groups))
    if entity:
        statement = statement.where(Event.entity == entity)
    return [EventView.model_validate(row) for row in session.scalars(statement)]


def latest(session: Session) -> int:
    """The highest number so far, 0 if there is none."""
    return session.execute(select(func.coalesce(func.max(Event.seq), 0))).scalar_one()
