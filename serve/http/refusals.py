"""Refusals at the door are on the audit chain too.

What a group's writer refuses, it notes itself. What is refused before any command was sent (by a route, by a permission
to read, because assets are hidden) never gets there, and is noted here, once for all routes: who, which operation, on
what, and when. A request without a valid token has no principal, and is in no entry.

An entry takes the lock of the chain, and the chain is never cut: who asks again and again for what was refused must
neither hold up the work of others nor fill the table. So the first refusal is an entry at once; of those of the same
person, operation and thing that follow within a minute there is one more whenever as many are in no entry as are in
one, and one when the minute is over: `times:16`, with the id of the last request. Entries grow with the logarithm.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cluster.context import Caller
from cluster.errors import Forbidden, SextantError
from cluster.security.audit import AuditDraft, append_audit

SECONDS = 60.0
MOST_THINGS = 100
"""Of one person and operation in a minute; what is refused on others beyond is counted together."""
OTHERS = "others"
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:\-]{1,100}")

log = structlog.get_logger("http")

_Key = tuple[str, str, str, str]


async def note(request: Request, error: SextantError, request_id: str) -> None:
    """Sees to it that the refusal is audited, unless the group that refused has done so. Never raises."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if not isinstance(error, Forbidden) or error.audited or caller is None:
        return
    operation = getattr(request.scope.get("route"), "operation_id", None) or "unknown"
    draft = AuditDraft(
        principal=caller.principal,
        action=f"http.{operation}",
        entity=_entity(request),
        outcome=error.code,
        request_id=request_id,
    )
    refusals: Refusals = request.app.state.refusals
    await refusals.note(draft)


@dataclass
class _Minute:
    """The refusals of one kind within a minute: how many are in an entry, and how many, `last` the last, in none."""

    last: AuditDraft
    told: int = 0
    more: int = 0


class Refusals:
    """What this process has refused within the last minute.

    A process that is killed takes with it less than half of the refusals of one kind and minute, and never the first.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[_Key, _Minute] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def note(self, draft: AuditDraft) -> None:
        """Adds an entry, or counts one more of those that have one. What cannot be written is tried again."""
        draft = self._bounded(draft)
        kept = self._kept.get(_key(draft))
        if kept is not None:
            kept.more, kept.last = kept.more + 1, draft
            if kept.more == kept.told:
                await self._tell(kept)
            return
        kept = self._kept[_key(draft)] = _Minute(draft)
        task = asyncio.create_task(self._wait(kept))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        kept.told = 1
        if not await self._written(draft):
            kept.told, kept.more = kept.told - 1, kept.more + 1

    async def close(self) -> None:
        """Notes what was counted and is in no entry yet."""
        for task in (waiting := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for kept in list(self._kept.values()):
            await self._tell(kept)
        self._kept.clear()

    async def _wait(self, kept: _Minute) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            if await self._tell(kept):
                del self._kept[_key(kept.last)]
                return

    async def _tell(self, kept: _Minute) -> bool:
        """Notes what is in no entry yet; whether all is. It counts as told meanwhile, so that none notes it twice."""
        more, draft = kept.more, kept.last
        kept.more, kept.told = 0, kept.told + more
        counted = draft.model_copy(update={"entity": f"{draft.entity} times:{more}".strip()})
        if more and not await self._written(counted):
            kept.more, kept.told = kept.more + more, kept.told - more
        return not kept.more

    async def _written(self, draft: AuditDraft) -> bool:
        try:
            await run_in_threadpool(_append, self._engine, draft)
        except SQLAlchemyError as failed:
            log.error("refusal not audited", error=type(failed).__name__, operation=draft.action)
            return False
        return True

    def _bounded(self, draft: AuditDraft) -> AuditDraft:
        if _key(draft) in self._kept:
            return draft
        alike = sum(key[:2] == (draft.principal, draft.action) for key in self._kept)
        return draft if alike < MOST_THINGS else draft.model_copy(update={"entity": OTHERS})


def _key(draft: AuditDraft) -> _Key:
    return draft.principal, draft.action, draft.entity, draft.outcome


def _append(engine: Engine, draft: AuditDraft) -> None:
    with Session(engine) as session, session.begin():
        append_audit(session, [draft], datetime.now(UTC))


def _entity(request: Request) -> str:
    """The identifiers in the address, by name; what looks like none may be a value that somebody sent."""
    parts = ((name, str(value)) for name, value in sorted(request.path_params.items()))
    return " ".join(f"{name}:{value if _IDENTIFIER.fullmatch(value) else '?'}" for name, value in parts)
