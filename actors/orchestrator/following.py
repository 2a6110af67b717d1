"""Verdicts follow changed facts: a label that a person decided on, an asset that was annotated, a record that was kept.

What is read are events behind a cursor that the compliance group keeps. Only sources that were evaluated before are
followed: the first evaluation is a workflow's. What is done again after a crash does no harm.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.orm import Session

from actors.compliance import queries as compliance
from actors.compliance.contract import EvaluateAssets, EvaluateSource, FactDraft, NoteFollowed, RecordFacts
from actors.orchestrator.facts import assets_of, labels_of
from actors.sources import queries as sources
from cluster.context import system
from cluster.errors import SextantError
from cluster.events.feed import EventView, latest, read_after
from cluster.runtime.commands import Command
from cluster.runtime.doors import send
from cluster.store.engine import reading

log = structlog.get_logger("orchestrator")

Send = Callable[[Command[Any], int], Awaitable[Any]]
LABELS = ("classification.decided", "classification.decision_withdrawn")
WORDS = ("catalog.asset_annotated",)
RECORDS = ("compliance.record_kept", "compliance.record_ended", "compliance.order_changed")
KINDS = [*LABELS, *WORDS, *RECORDS]
ASSETS = 500


@dataclass
class Changed:
    """What the events since the cursor changed: facts of assets by source, or all sources where records did."""

    upto: int
    everywhere: bool = False
    facts: dict[str, list[FactDraft]] = field(default_factory=dict)


async def follow() -> bool:
    """One turn of the orchestrator's loop. Returns whether there may be more to follow at once."""
    return await take_turn(lambda command, cause: send(command, system("orchestrator", cause)))


async def take_turn(send: Send) -> bool:
    """Brings facts and verdicts up to date with the events behind the cursor. Returns whether any were followed."""
    found = await asyncio.to_thread(_changed)
    if found is None:
        return False
    changed, evaluated = found
    try:
        for source_id, drafts in changed.facts.items():
            await send(RecordFacts(source_id=source_id, facts=tuple(drafts)), changed.upto)
            touched = tuple(sorted({draft.subject for draft in drafts}))
            await send(EvaluateAssets(source_id=source_id, assets=touched), changed.upto)
        for source_id in evaluated if changed.everywhere else ():
            await send(EvaluateSource(source_id=source_id), changed.upto)
        await send(NoteFollowed(upto=changed.upto), changed.upto)
    except SextantError as error:
        log.warning("not followed", error=error.code)
        return False
    return True


def changes(session: Session, events: list[EventView], evaluated: list[str]) -> Changed:
    """The facts that the events are about, as they are now."""
    subjects: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.kind not in RECORDS:
            subjects["labels" if event.kind in LABELS else "words"].add(event.entity.partition(":")[2])
    wanted = {asset for assets in subjects.values() for asset in assets}
    found = Changed(upto=events[-1].seq, everywhere=any(event.kind in RECORDS for event in events))
    by_source: dict[str, set[str]] = defaultdict(set)
    for item in sources.items(session, wanted):
        if item.source_id in evaluated:
            by_source[item.source_id].add(item.asset_id)
    for source_id, assets in by_source.items():
        labelled = labels_of(session, source_id, assets & subjects["labels"])
        found.facts[source_id] = [*labelled, *assets_of(session, source_id, assets & subjects["words"])]
    return found


def _changed() -> tuple[Changed, list[str]] | None:
    with reading() as session:
        evaluated = compliance.evaluated_sources(session)
        cursor = compliance.followed(session)
        if cursor is None:  # what came before the first turn is in what workflows record
            return Changed(upto=latest(session)), []
        events = read_after(session, cursor, ASSETS, kinds=KINDS)
        return (changes(session, events, evaluated), evaluated) if events else None
