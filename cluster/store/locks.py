"""Advisory locks of the store: one namespace of numbers, so that two uses can never collide."""

import hashlib

from sqlalchemy import text
from sqlalchemy.orm import Session

EVENT_ORDER = "ground.event_order"


def lock_number(name: str) -> int:
    """The 63-bit number of a named lock."""
    return int.from_bytes(hashlib.sha256(f"sextant:{name}".encode()).digest()[:8], "big") >> 1


def lock(session: Session, name: str, *, shared: bool = False) -> None:
    """Takes the named lock until the transaction ends."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    session.execute(text(f"SELECT {function}(:number)"), {"number": lock_number(name)})
