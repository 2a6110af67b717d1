"""Setting scan definitions off: sources are looked at for arrivals, triggers fired, and what was set off is started.

All of it stands in rows, and every step bears being done again: a scan or workflow carries the key of its occurrence,
so whoever asks for it after a crash gets the one that was started before.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy.orm import Session

from actors.orchestrator import queries as workflows
from actors.orchestrator.contract import StartWorkflow, WorkflowView
from actors.rulesets import queries as rulesets
from actors.rulesets.contract import RuleSetView
from actors.scans import queries as scans
from actors.scans.contract import Definition, FireTriggers, ScanRules, ScanView, SettleOccurrence, StartScan
from actors.scans.queries import Waiting
from actors.sources import queries as sources
from actors.sources.contract import DiscoverSource
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.context import system
from cluster.errors import NotFound, SextantError
from cluster.runtime.commands import Command
from cluster.runtime.doors import send
from cluster.store.engine import reading

log = structlog.get_logger("orchestrator")

Send = Callable[[Command[Any]], Awaitable[Any]]
Decision = StartScan | StartWorkflow | DiscoverSource | SettleOccurrence
# These say that a time has come and nothing more: what they would start is under way already, so they are dropped.
# The others tell of something new, which a scan under way may not have seen, and wait for its end.
DROPPED = ("cron", "interval", None)
# A discovery has just brought these.
DISCOVERED = ("file_arrival", "table_commit")


async def set_off() -> None:
    """One turn of the orchestrator's loop."""
    await take_turn(lambda command: send(command, system("orchestrator")))


async def take_turn(send: Send, now: datetime | None = None) -> None:
    """Sends what is due now, and settles each occurrence that could be started or never will be."""
    for command in await asyncio.to_thread(_due, now or datetime.now(UTC)):
        try:
            await send(command)
        except SextantError as error:  # what waits already shall not wait for this as well
            log.warning("not set off", command=type(command).__name__, error=error.code)
    held: set[str] = set()
    for waiting in await asyncio.to_thread(_waiting):
        settled = await _settled(send, waiting, waiting.definition.id in held)
        if settled is None:
            held.add(waiting.definition.id)
        else:
            await send(settled)


async def _settled(send: Send, waiting: Waiting, held: bool) -> SettleOccurrence | None:
    """How the occurrence is settled; None while it has to wait."""
    if held:
        return _skipped(waiting, "An earlier occurrence still waits, and its scan will see what set off this one.")
    try:
        decided = await asyncio.to_thread(_decided, waiting)
        if decided is None or isinstance(decided, SettleOccurrence):
            return decided
        if isinstance(decided, DiscoverSource):
            await send(decided)
            return None
        return _started(waiting, await send(decided))
    except SextantError as error:
        if error.retryable:
            log.warning("occurrence waits", occurrence=waiting.occurrence.id, error=error.code)
            return None
        return _skipped(waiting, str(error))


def due_commands(session: Session, now: datetime) -> list[Command[Any]]:
    """Discoveries of the sources that triggers want looked at, each at its pace, and the firing of triggers."""
    commands: list[Command[Any]] = []
    for source_id, seconds in scans.looked_at(session).items():
        if _to_discover(session, source_id, now - timedelta(seconds=seconds)):
            commands.append(DiscoverSource(source_id=source_id))
    if scans.triggers_due(session, now):
        commands.append(FireTriggers())
    return commands


def _to_discover(session: Session, source_id: str, before: datetime) -> bool:
    try:
        if sources.get_source(session, source_id).state == "retired":
            return False
    except NotFound:
        return False
    last = sources.last_discovery(session, source_id)
    return last is None or (last.state not in ("queued", "running") and last.requested_at <= before)


def decide(session: Session, waiting: Waiting) -> Decision | None:
    """What is to be started or discovered before, how the occurrence is settled without, or None where it has to wait.

    Raises the error of a source or rule set that cannot be used; the occurrence is skipped with it.
    """
    definition, content = waiting.definition, waiting.definition.content
    if run_id := scans.find_by_key(session, waiting.key):
        return SettleOccurrence(occurrence_id=waiting.occurrence.id, run_id=run_id)
    if workflow_id := workflows.find_by_key(session, waiting.key):
        return SettleOccurrence(occurrence_id=waiting.occurrence.id, workflow_id=workflow_id)
    if definition.retired or not content.enabled:
        return _skipped(waiting, f"The definition is {'retired' if definition.retired else 'not enabled'}.")
    govern = content.action == "govern"
    open_one = workflows.running_on(session, content.source_id) if govern else scans.under_way(session, definition.id)
    if open_one is not None:
        what = f"The {'workflow' if govern else 'scan'} '{open_one}' before it was still under way."
        return _skipped(waiting, what) if waiting.kind in DROPPED else None
    if govern:
        sources.access(session, content.source_id)  # refuses a retired source
        return StartWorkflow(source_id=content.source_id, ruleset=content.ruleset, key=waiting.key)
    access, rules = sources.access(session, content.source_id), _rules(session, content)
    stale = None if waiting.kind in DISCOVERED else _stale(session, waiting)
    return _scan(session, waiting, access, rules) if stale is None else stale.decision


class Stale(NamedTuple):
    """The inventory is older than the occurrence; what is to be done about it, None to wait."""

    decision: DiscoverSource | SettleOccurrence | None


def _stale(session: Session, waiting: Waiting) -> Stale | None:
    """A scan covers what the source holds when it is set off, not what it held when somebody looked last."""
    source_id = waiting.definition.content.source_id
    last = sources.last_discovery(session, source_id)
    if last is not None and last.state in ("queued", "running"):
        return Stale(None)
    if last is None or last.requested_at < waiting.occurrence.at:
        return Stale(DiscoverSource(source_id=source_id))
    if last.state == "failed":
        first = last.problems[0] if last.problems else None
        why = f"{first.detail} {first.remedy}" if first else "See the discovery."
        return Stale(_skipped(waiting, f"The source could not be listed. {why}"))
    return None


def _scan(session: Session, waiting: Waiting, access: SourceAccess, rules: RuleSetView) -> StartScan | SettleOccurrence:
    content = waiting.definition.content
    assets = _in_scope(session, content, rules)
    if not assets:
        return _skipped(waiting, "No asset of the source is in the scope of the definition and its rule set.")
    pinned = ScanRules(name=rules.name, version=rules.version, digest=rules.digest, spec=rules.spec, order=rules.order)
    return StartScan(
        key=waiting.key, access=access, assets=assets, rules=pinned, sampling=content.sampling,
        priority=content.priority, definition_id=waiting.definition.id,
    )  # fmt: skip


def _rules(session: Session, content: Definition) -> RuleSetView:
    if content.ruleset_version is None:
        return rulesets.current(session, content.ruleset)
    for rules in rulesets.versions(session, content.ruleset):
        if rules.version == content.ruleset_version:
            return rules
    raise NotFound(f"The rule set '{content.ruleset}' has no version {content.ruleset_version}.", "Pin another one.")


def _in_scope(session: Session, content: Definition, rules: RuleSetView) -> tuple[AssetInfo, ...]:
    present = (item.info for item in sources.present(session, content.source_id))
    return tuple(info for info in present if content.covers(info.path) and rules.spec.covers(info.path))


def _started(waiting: Waiting, result: ScanView | WorkflowView) -> SettleOccurrence | None:
    if isinstance(result, ScanView):
        return SettleOccurrence(occurrence_id=waiting.occurrence.id, run_id=result.id)
    if result.key != waiting.key:  # another one was started on the source meanwhile
        return None
    return SettleOccurrence(occurrence_id=waiting.occurrence.id, workflow_id=result.id)


def _skipped(waiting: Waiting, problem: str) -> SettleOccurrence:
    return SettleOccurrence(occurrence_id=waiting.occurrence.id, problem=problem)


def _due(now: datetime) -> list[Command[Any]]:
    with reading() as session:
        return due_commands(session, now)


def _waiting() -> list[Waiting]:
    with reading() as session:
        return scans.waiting_occurrences(session)


def _decided(waiting: Waiting) -> Decision | None:
    with reading() as session:
        return decide(session, waiting)
