"""What fires triggers: the clock, and events that other commands have left in the outbox.

A firing makes its occurrence and moves the trigger on in one transaction, under a key made of the trigger and the time
or event that set it off: whatever dies in between, it comes once. Times and events that passed while nothing ran are
made up for by one occurrence, which says so: the scan that it starts sees all that has come meanwhile.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.scans.calendar import MISSED_COUNTED, fire
from actors.scans.contract.definitions import Definition as Scope
from actors.scans.contract.definitions import FireTriggers
from actors.scans.contract.definitions import Trigger as Content
from actors.scans.definition_tables import Definition, Occurrence, Trigger
from actors.scans.definitions import entity
from actors.scans.occurrences import KEY, occur
from actors.scans.triggers import ARRIVALS, enabled
from cluster.errors import InvalidInput
from cluster.events.feed import EventView, latest, read_after
from cluster.naming import source_entity
from cluster.runtime.commands import Done, UnitOfWork

AT_ONCE = 200
HEARD: dict[str, tuple[str, ...]] = {
    "file_arrival": ("sources.discovered",),
    "table_commit": ("sources.discovered",),
    "openlineage": ("catalog.run_completed",),
    "rule_change": ("rulesets.revised",),
    "after": ("scans.finished", "orchestrator.workflow_finished"),
}
EVENTS = sorted({kind for kinds in HEARD.values() for kind in kinds})
ASSET_KINDS = {"file_arrival": ("file",), "table_commit": ("table", "materialized_view")}


def fire_triggers(work: UnitOfWork, command: FireTriggers) -> Done:
    """At most 200 planned times and one page of events at a time; `triggers_due` says whether more are left."""
    _by_clock(work)
    _by_events(work)
    return Done()


def triggers_due(session: Session, now: datetime) -> bool:
    """Whether a trigger is due, or an event is there that none of the triggers waiting for events has looked at."""
    planned = select(Trigger.id).where(Trigger.next_at <= now).limit(1)
    if session.execute(planned).first() is not None:
        return True
    seen = session.execute(_listening().with_only_columns(func.min(Trigger.seen))).scalar_one()
    return seen is not None and bool(read_after(session, seen, 1, EVENTS))


def _by_clock(work: UnitOfWork) -> None:
    statement = select(Trigger).where(Trigger.next_at <= work.now).order_by(Trigger.next_at, Trigger.id).limit(AT_ONCE)
    for trigger in work.session.scalars(statement).all():
        if trigger.next_at is None:
            continue
        planned, content = trigger.next_at.astimezone(UTC), Content.model_validate(trigger.content)
        try:
            firing = fire(content, planned, work.now)
        except InvalidInput as error:  # a zone that this machine does not know must not keep the others from firing
            trigger.next_at = None
            work.emit("trigger_failed", entity(trigger.definition_id), after={"id": trigger.id, "problem": str(error)})
            continue
        trigger.next_at, trigger.fired_at = firing.next_at, work.now
        occur(
            work, f"{trigger.id}:{planned.isoformat()}", trigger.definition_id, trigger.id,
            _planned(content, planned, firing.missed),
        )  # fmt: skip


def _planned(content: Content, planned: datetime, missed: int) -> str:
    what = f"cron {content.expression} {content.timezone}"
    if content.kind == "interval":
        what = f"every {content.seconds:g} s"
    reason = f"{what}, planned for {planned:%Y-%m-%d %H:%M:%S} UTC"
    if not missed:
        return reason
    more = f"{missed} or more" if missed == MISSED_COUNTED else str(missed)
    return f"{reason}; made up for once, {more} later planned time{'s' * (missed != 1)} passed as well"


def _by_events(work: UnitOfWork) -> None:
    listening = work.session.execute(_listening()).all()
    if not listening:
        return
    # Asked for first: whatever was committed up to here is seen by the statement behind it.
    newest = latest(work.session)
    events = read_after(work.session, min(trigger.seen for trigger, _ in listening), kinds=EVENTS, limit=AT_ONCE)
    looked = events[-1].seq if len(events) == AT_ONCE else max(newest, events[-1].seq if events else 0)
    for trigger, definition in listening:
        fresh = [event for event in events if event.seq > trigger.seen and event.kind in HEARD[trigger.kind]]
        trigger.seen = max(trigger.seen, looked)
        _hear(work, trigger, definition, fresh)


def _hear(work: UnitOfWork, trigger: Trigger, definition: Definition, events: Sequence[EventView]) -> None:
    content, scope = Content.model_validate(trigger.content), Scope.model_validate(definition.content)
    reasons = [(event, reason) for event in events if (reason := _reason(work.session, content, scope, event))]
    if not reasons:
        return
    event, reason = reasons[-1]
    if len(reasons) > 1:
        reason = f"{reason}; the last of {len(reasons)} such events"
    trigger.fired_at = work.now
    occur(work, f"{trigger.id}:{event.seq}", definition.id, trigger.id, reason)


def _reason(session: Session, content: Content, scope: Scope, event: EventView) -> str | None:
    """Why the event sets the definition off; None if it does not."""
    after = event.after or {}
    if content.kind in ARRIVALS:
        return _arrived(content, scope, event.entity, after)
    if content.kind == "openlineage":
        return _written(content, scope, after)
    if content.kind == "rule_change":
        mine = scope.ruleset_version is None and event.entity == f"ruleset:{scope.ruleset}"
        return f"version {after.get('version')} of the rule set '{scope.ruleset}'" if mine else None
    if after.get("state") != "succeeded" or _ran(session, event, after) != content.after:
        return None
    return f"{event.entity} has succeeded"


def _arrived(content: Content, scope: Scope, of: str, after: dict[str, Any]) -> str | None:
    if of != source_entity(scope.source_id):
        return None
    matching = sum(
        item["kind"] in ASSET_KINDS[content.kind]
        and fnmatchcase(item["path"], content.match)
        and scope.covers(item["path"])
        for item in after.get("arrived", ())
    )
    what = "files" if content.kind == "file_arrival" else "tables"
    if matching:
        return f"{matching} new or changed {what} in scope"
    # The event names only the first of very many: to scan once too often costs less than to miss one.
    return f"{after['new'] + after['changed']} new or changed assets" if after.get("arrived_more") else None


def _written(content: Content, scope: Scope, after: dict[str, Any]) -> str | None:
    mine = [output["path"] for output in after.get("outputs", ()) if output["source_id"] == scope.source_id]
    # A job may name the folder that it has written, where a pattern names what is in it.
    hit = any(fnmatchcase(p, content.match) and scope.covers(p) for path in mine for p in (path, f"{path}/_"))
    if hit or after.get("outputs_more"):
        return f"the job '{str(after.get('job'))[:200]}' completed a run that wrote assets in scope"
    return None


def _ran(session: Session, event: EventView, after: dict[str, Any]) -> str | None:
    """The definition whose scan or workflow this was."""
    if event.kind == "scans.finished":
        return after.get("definition_id")
    key = str(after.get("key") or "")
    row = session.get(Occurrence, key.removeprefix(KEY)) if key.startswith(KEY) else None
    return row.definition_id if row is not None else None


def _listening() -> Any:
    """Triggers that wait for events, with their definitions, where both are enabled."""
    statement = select(Trigger, Definition).join(Definition, Definition.id == Trigger.definition_id)
    return statement.where(Trigger.kind.in_(HEARD), enabled(Trigger), enabled(Definition), ~Definition.retired)
