"""Refusals at the door are on the audit chain too.

What a group's writer refuses, it notes itself. What is refused before any command was sent (by a route, by a permission
to read, because assets are hidden) never gets there, and is noted here, once for all routes: who, which operation, on
what, and when. A request without a valid token has no principal, and is in no entry.
"""

import re
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

_IDENTIFIER = re.compile(r"^[A-Za-z0-9._:\-]{1,100}$")

log = structlog.get_logger("http")


async def note(request: Request, error: SextantError, request_id: str) -> None:
    """Adds the refusal to the audit chain, unless the group that refused has done so. Never raises: a no stays a no."""
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
    try:
        await run_in_threadpool(_append, request.app.state.doors.engine, draft)
    except SQLAlchemyError as failed:
        log.error("refusal not audited", error=type(failed).__name__, operation=operation, request_id=request_id)


def _append(engine: Engine, draft: AuditDraft) -> None:
    with Session(engine) as session, session.begin():
        append_audit(session, [draft], datetime.now(UTC))


def _entity(request: Request) -> str:
    """The identifiers in the address, by name; what looks like none may be a value that somebody sent."""
    parts = ((name, str(value)) for name, value in sorted(request.path_params.items()))
    return " ".join(f"{name}:{value if _IDENTIFIER.match(value) else '?'}" for name, value in parts)
