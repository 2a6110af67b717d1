"""Group commit: the one writer of a group's tables drains its queue into one transaction at a time.

Guarantees. A result is returned only after its transaction is committed. A command that fails leaves nothing behind and
does not disturb the others of its batch (a savepoint each). An operation id that was done before is answered from the
table. A writer of an older epoch is refused as a whole. Events, audit entries and state are committed together.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from cluster.context import Caller
from cluster.errors import Conflict, Internal, SextantError, StaleEpoch, TooManyRequests
from cluster.events.feed import EventDraft, append
from cluster.runtime.commands import Command, ErrorValue, Outcome, Service, UnitOfWork
from cluster.security.audit import AuditDraft, append_audit
from cluster.security.secrets import derived
from cluster.store.engine import may_pass, unavailable
from cluster.store.epochs import hold_epoch, raise_epoch
from cluster.store.tables import Operation
from cluster.telemetry import place_of

log = structlog.get_logger("writer")

BATCH = 200
QUEUE = 10_000


class Waiting(NamedTuple):
    command: Command[Any]
    caller: Caller
    outcome: asyncio.Future[Outcome]


class GroupWriter:
    """The write side of one group in one process."""

    def __init__(self, service: Service, engine: Engine, on_commit: Callable[[], None] = lambda: None) -> None:
        self.service, self._engine, self._on_commit = service, engine, on_commit
        self.epoch = 0
        self.stale = False
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(QUEUE)
        self._key = derived("request-hash")

    async def open(self) -> None:
        """Takes over the group: from here on every older writer is refused."""
        self.epoch = await asyncio.to_thread(raise_epoch, self._engine, self.service.group)

    async def execute(self, command: Command[Any], caller: Caller) -> Outcome:
        """Carries out one command. The outcome holds the error, if there is one; nothing is raised."""
        waiting = Waiting(command, caller, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            error = TooManyRequests(f"'{self.service.group}' has {QUEUE} commands waiting.", "Try again in a moment.")
            return Outcome(error=ErrorValue.of(error))
        return await waiting.outcome

    async def run(self) -> None:
        """Drains the queue for ever; returns when a newer incarnation has taken over."""
        while not self.stale:
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            outcomes = await asyncio.to_thread(self._commit, batch)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.outcome.done():
                    waiting.outcome.set_result(outcome)
            self._on_commit()

    def _commit(self, batch: list[Waiting]) -> list[Outcome]:
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                hold_epoch(session, self.service.group, self.epoch)
                return self._apply_all(session, batch)
        except StaleEpoch as error:
            self.stale = True
            failed = Outcome(error=ErrorValue.of(error))
        except Exception as error:
            # Whatever it is, all was rolled back, and the writer goes on: without it every command would wait for ever.
            if may_pass(error):
                log.warning("commit failed", group=self.service.group, error=type(error).__name__)
                failed = Outcome(error=ErrorValue.of(unavailable(error)))
            elif len(batch) > 1:  # one of them cannot be committed, by its event perhaps; the others shall not suffer
                return [self._commit([waiting])[0] for waiting in batch]
            else:
                failed = self._defect(batch[0].command, error)
        return [failed] * len(batch)

    def _apply_all(self, session: Session, batch: list[Waiting]) -> list[Outcome]:
        now = datetime.now(UTC)
        outcomes: list[Outcome] = []
        events: list[EventDraft] = []
        audit: list[AuditDraft] = []
        for waiting in batch:
            work = UnitOfWork(session, waiting.caller, self.service.group, now)
            outcome, result = self._apply(work, waiting.command)
            outcomes.append(outcome)
            if result == "done":
                events.extend(work.events)
            if not waiting.caller.is_system:
                audit.append(_entry(work, waiting, result))
        append_audit(session, audit, now)
        append(session, events)
        return outcomes

    def _apply(self, work: UnitOfWork, command: Command[Any]) -> tuple[Outcome, str]:
        try:
            with work.session.begin_nested():
                earlier = self._earlier(work, command)
                if earlier is not None:
                    return Outcome(value=earlier), "repeated"
                value = self.service.carry_out(work, command).model_dump(mode="json")
                self._remember(work, command, value)
                work.session.flush()
            return Outcome(value=value), "done"
        except SextantError as error:
            return Outcome(error=ErrorValue.of(error)), error.code
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            outcome = self._refused(command, error)
            return outcome, outcome.error.code if outcome.error else ""

    def _earlier(self, work: UnitOfWork, command: Command[Any]) -> dict[str, Any] | None:
        if work.caller.is_system:
            return None
        statement = select(Operation).where(
            Operation.principal == work.caller.principal, Operation.operation_id == work.caller.operation_id
        )
        done = work.session.scalars(statement).first()
        if done is None:
            return None
        if done.request_hash != command.request_hash(self._key):
            raise Conflict("This Idempotency-Key was used for another request.", "Use a new key for a new request.")
        return done.response

    def _remember(self, work: UnitOfWork, command: Command[Any], value: dict[str, Any]) -> None:
        if work.caller.is_system:
            return  # the loops are driven by rows and cursors, and have no caller who could ask again
        work.session.execute(
            insert(Operation).values(
                principal=work.caller.principal,
                operation_id=work.caller.operation_id,
                command=type(command).__name__,
                request_hash=command.request_hash(self._key),
                response=value,
                at=work.now,
            )
        )

    def _refused(self, command: Command[Any], error: Exception) -> Outcome:
        if isinstance(error, IntegrityError):
            return self._conflict(error)
        if may_pass(error):
            log.warning("command not done", command=type(command).__name__, error=type(error).__name__)
            return Outcome(error=ErrorValue.of(unavailable(error)))
        return self._defect(command, error)

    def _conflict(self, error: IntegrityError) -> Outcome:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "a constraint"
        conflict = Conflict(
            f"The change contradicts what is stored ({constraint}).", "Read the current state and try again."
        )
        return Outcome(error=ErrorValue.of(conflict))

    def _defect(self, command: Command[Any], error: Exception) -> Outcome:
        # The message of an unexpected error may quote data: the log gets its type and place only.
        log.error(
            "command failed", command=type(command).__name__, error=type(error).__name__, place=place_of(error)
        )  # fmt: skip
        defect = Internal(f"{type(command).__name__} failed inside Sextant ({type(error).__name__}).", "See the log.")
        return Outcome(error=ErrorValue.of(defect))


def _entry(work: UnitOfWork, waiting: Waiting, outcome: str) -> AuditDraft:
    return AuditDraft(
        principal=waiting.caller.principal,
        action=f"{work.group}.{type(waiting.command).__name__}",
        entity=work.audited_entity,
        outcome=outcome,
        request_id=waiting.caller.request_id,
    )
