"""Routes of the audit chain."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from cluster.context import Caller
from cluster.security.audit import ChainCheck, verify
from cluster.store.tables import AuditEntry
from serve.http.doors import Access
from serve.http.events import HIGHEST
from serve.http.identity import permitted
from serve.http.pages import Limit, Page, page

router = APIRouter(prefix="/audit", tags=["audit"])
MayRead = Annotated[Caller, Depends(permitted("audit:read"))]


class AuditView(BaseModel):
    """One attempt. `outcome` is done, repeated, or the code of the error it ended with.

    Reads that are refused again and again are one entry at once, and one more for each doubling and minute: `times:16`
    in its `entity` are as many since the entry before.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    seq: int
    at: datetime
    principal: str
    action: str
    entity: str
    outcome: str
    request_id: str
    previous_hash: str
    hash: str


def entries(session: Session, after: int, limit: int, principal: str | None) -> list[AuditView]:
    """At most `limit` entries numbered above `after`, oldest first."""
    statement = select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(limit)
    if principal:
        statement = statement.where(AuditEntry.principal == principal)
    return [AuditView.model_validate(row) for row in session.scalars(statement)]


@router.get("", operation_id="list_audit", summary="Read the audit chain")
def list_all(
    doors: Access,
    caller: MayRead,
    after: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
    principal: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    limit: Limit = 100,
) -> Page[AuditView]:
    """Who tried what, with which outcome, oldest first."""
    with doors.reading() as session:
        return page(entries(session, after, limit + 1, principal), limit, lambda entry: str(entry.seq))


@router.get("/verification", operation_id="verify_audit", summary="Verify the audit chain")
def verification(doors: Access, caller: MayRead) -> ChainCheck:
    """Walks the whole chain; `broken_at` is the first entry that was tampered with, null if none was."""
    with doors.reading() as session:
        return verify(session)
