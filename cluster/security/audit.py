"""The audit chain: every attempt is an entry, and every entry holds the hash of the one before it.

hash = SHA-256 over the canonical JSON of (seq, at, principal, action, entity, outcome, request_id, previous_hash).
Changing, removing or inserting an entry breaks the chain at that place, and `verify` names it.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from cluster.store.locks import EVENT_ORDER, lock
from cluster.store.tables import AuditEntry

GENESIS = "0" * 64


class AuditDraft(BaseModel):
    """An attempt: `outcome` is "done", "repeated" or the code of the error it ended with."""

    model_config = ConfigDict(frozen=True)

    principal: str
    action: str
    entity: str
    outcome: str
    request_id: str


class ChainCheck(BaseModel):
    """The result of `verify`: `broken_at` is the number of the first entry that does not fit, None if all do."""

    entries: int
    broken_at: int | None
    head: str


def entry_hash(entry: dict[str, Any]) -> str:
    """The hash of an entry given as a mapping of its columns."""
    at: datetime = entry["at"]
    fields = [
        entry["seq"], at.astimezone(UTC).isoformat(), entry["principal"], entry["action"], entry["entity"],
        entry["outcome"], entry["request_id"], entry["previous_hash"],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def append_audit(session: Session, drafts: list[AuditDraft], at: datetime) -> None:
    """Adds entries to the chain in this transaction."""
    if not drafts:
        return
    lock(session, EVENT_ORDER)
    last = session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    rows = []
    for draft in drafts:
        seq += 1
        row = {**draft.model_dump(), "seq": seq, "at": at, "previous_hash": previous}
        row["hash"] = previous = entry_hash(row)
        rows.append(row)
    session.execute(insert(AuditEntry), rows)


def head(session: Session) -> dict[str, Any]:
    """The number and the hash of the newest entry; whoever keeps them sees whether entries were cut off later."""
    last = session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first()
    return {"seq": last.seq, "hash": last.hash} if last else {"seq": 0, "hash": GENESIS}


def verify(session: Session) -> ChainCheck:
    """Walks the whole chain in the order of its numbers."""
    previous, expected, count = GENESIS, 1, 0
    columns = list(AuditEntry.__table__.columns)
    for row in session.execute(select(*columns).order_by(AuditEntry.seq).execution_options(yield_per=1000)).mappings():
        entry = dict(row)
        if entry["seq"] != expected or entry["previous_hash"] != previous or entry_hash(entry) != entry["hash"]:
            return ChainCheck(entries=count, broken_at=expected, head=previous)
        previous, expected, count = entry["hash"], expected + 1, count + 1
    return ChainCheck(entries=count, broken_at=None, head=previous)
