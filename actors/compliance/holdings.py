"""The index of what assets hold: small, kept beside the facts in the same transaction, and asked for witnesses.

A check of a source cites the first three assets that hold the data, or of which nothing is known. With the index they
are found without reading the facts of all assets.
"""

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Text, cast, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.compliance.facts import AssetFacts, Cited, Fact, FactSet, covers
from actors.compliance.scoping import WITNESSES
from actors.compliance.tables import FactVersion, Holding

CHUNK = 1000
State = Literal["held", "review", "unknown", "absent", "view"]


class Held(NamedTuple):
    """One asset in the index."""

    subject: str
    name: str
    kind: str
    tags: tuple[str, ...]
    labels: tuple[tuple[bool, tuple[str, ...]], ...]
    unread: bool

    def state(self, tags: Sequence[str], unless: Sequence[str]) -> State:
        """What `AssetFacts.holds` says of these tags; "view" for a view that nobody labelled."""
        if self.kind == "view":
            return "view"
        found = [done for done, own in self.labels if covers(tags, own) and not covers(unless, own)]
        if found:
            return "held" if any(found) else "review"
        return "unknown" if self.unread else "absent"


def index(session: Session, source_id: str) -> list[Held]:
    """All assets of a source, in the order in which checks see them."""
    labels, tags = cast(Holding.labels, Text), cast(Holding.tags, Text)
    columns = (Holding.subject, Holding.name, Holding.kind, tags, labels, Holding.unread)
    # Many assets hold the same: each text is read once, and equal labels are one object.
    rows = session.execute(select(*columns).where(Holding.source_id == source_id))
    found = [Held(row[0], row[1], row[2], _tags(row[3]), _labels(row[4]), row[5]) for row in rows]
    return sorted(found, key=lambda one: (one.name, one.subject))


@lru_cache(maxsize=4096)
def _tags(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


@lru_cache(maxsize=4096)
def _labels(text: str) -> tuple[tuple[bool, tuple[str, ...]], ...]:
    return tuple((done, tuple(own)) for done, own in json.loads(text))


def witnesses(held: Sequence[Held], tags: Sequence[str], unless: Sequence[str]) -> dict[State, list[str]]:
    """The first assets in each state."""
    found: dict[State, list[str]] = {"held": [], "review": [], "unknown": []}
    known: dict[tuple[int, bool, str], State] = {}
    for one in held:
        alike = (id(one.labels), one.unread, one.kind)
        state = known.get(alike) or known.setdefault(alike, one.state(tags, unless))
        if len(found.get(state, [""] * WITNESSES)) < WITNESSES:
            found[state].append(one.subject)
            if state == "held" and len(found["held"]) == WITNESSES:
                break
    return found


def renew(session: Session, source_id: str, subjects: Collection[str]) -> None:
    """Makes the index true again for these assets."""
    ordered = sorted(set(subjects) - {source_id})
    for start in range(0, len(ordered), CHUNK):
        _renew(session, source_id, ordered[start : start + CHUNK])


def _renew(session: Session, source_id: str, subjects: list[str]) -> None:
    wanted = (FactVersion.source_id == source_id, FactVersion.current, FactVersion.subject.in_(subjects))
    kinds = FactVersion.kind.in_(("asset", "labels", "coverage"))
    columns = (FactVersion.kind, FactVersion.subject, FactVersion.version, FactVersion.digest, FactVersion.value)
    facts = [Fact(Cited(*row[:4]), row[4]) for row in session.execute(select(*columns).where(*wanted, kinds))]
    assets = {fact.cited.subject: fact for fact in facts if fact.cited.kind == "asset"}
    by_kind = {(fact.cited.kind, fact.cited.subject): fact for fact in facts}
    known = [
        AssetFacts(subject, fact, by_kind.get(("labels", subject)), by_kind.get(("coverage", subject)))
        for subject, fact in assets.items()
        if fact.value.get("status") != "gone"
    ]
    session.execute(delete(Holding).where(Holding.source_id == source_id, Holding.subject.in_(subjects)))
    if known:
        session.execute(insert(Holding), [_row(source_id, asset) for asset in known])


def _row(source_id: str, asset: AssetFacts) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "subject": asset.subject,
        "name": asset.name,
        "kind": "view" if asset.is_view else "asset",
        "tags": sorted(str(tag).lower() for tag in asset.asset.value.get("tags") or ()),
        "labels": sorted({(label.settled, label.tags) for label in asset.label_list}),
        "unread": bool(asset.unread),
    }


def subset(facts: FactSet, subjects: Collection[str]) -> FactSet:
    """The same facts with these assets only."""
    made = FactSet(facts.source_id, (), facts.now)
    made.source, made.records, made.attestations = facts.source, facts.records, facts.attestations
    made.assets = tuple(asset for asset in facts.assets if asset.subject in subjects)
    return made
