"""What orders mean for verdicts: masks that are in force in a source, and requests of data subjects."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.compliance.tables import Order


def applied(session: Session) -> frozenset[tuple[str, str, str]]:
    """(policy, asset, column) that an enforcement masks, proved and not taken back."""
    rows = session.scalars(select(Order).where(Order.kind.in_(("enforcement", "rollback")), Order.state == "done"))
    done = list(rows)
    undone = {row.given["of"] for row in done if row.kind == "rollback"}
    masks = [
        row for row in done if row.kind == "enforcement" and row.id not in undone and (row.outcome or {})["verified"]
    ]
    return frozenset((one[0], one[1], one[2]) for row in masks for one in (row.outcome or {})["masked"])


def requests(session: Session) -> list[dict[str, Any]]:
    """Requests of data subjects: when due, when answered, and whether something was left."""
    found = []
    for row in session.scalars(select(Order).where(Order.kind.in_(("access", "erasure"))).order_by(Order.id)):
        if row.state == "refused":
            continue
        ended = row.state in {"done", "failed"}
        complete = row.state == "done" and (row.kind == "access" or bool((row.outcome or {}).get("complete")))
        found.append(
            {
                "id": row.id,
                "sources": list(row.sources),
                "due_at": str(row.due_at),
                "done_at": str(row.changed_at.date()) if ended else None,
                "outcome": ("complete" if complete else "incomplete") if ended else "open",
            }
        )
    return found
