"""What an evaluation changed, and how that is told: counts for the whole, an event for each of the first findings."""

from dataclasses import dataclass, field
from typing import Any, Final

from actors.compliance import ledger, queries
from actors.compliance.contract import EvaluationView, Verdict
from actors.compliance.evaluation import Draft, fingerprint
from actors.compliance.ledger import Change
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork

# A first evaluation of a large estate opens tens of thousands of findings. Beyond this many the news is in the counts
# of `compliance.evaluated` alone; the findings themselves are rows.
EVENTS: Final = 1000


@dataclass
class News:
    """What an evaluation changed; of the findings that opened and were resolved, the first `EVENTS`."""

    changed: int = 0
    recounted: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {"opened": 0, "resolved": 0})
    told: dict[str, list[Change]] = field(default_factory=lambda: {"opened": [], "resolved": []})


def note(news: News, changes: list[Change]) -> None:
    """Takes note of changes that were written."""
    news.changed += len(changes)
    for kind in ("opened", "resolved"):
        moved = [change for change in changes if getattr(change, kind)]
        news.counts[kind] += len(moved)
        news.told[kind] += moved[: max(EVENTS - len(news.told[kind]), 0)]


def told(work: UnitOfWork, source_id: str, news: News) -> EvaluationView:
    """Says how the whole source stands, and what changed."""
    counted = queries.verdicts_by_framework(work.session, source_id)
    total: dict[Verdict, int] = {}
    for counts in counted.values():
        total |= {verdict: total.get(verdict, 0) + number for verdict, number in counts.items()}
    digest = queries.digest(work.session, source_id, counted)
    after = EvaluationView(source_id=source_id, verdicts=total, changed=news.changed, digest=digest)
    announce(work, source_id, after.model_dump(mode="json"), news)
    return after


def announce(work: UnitOfWork, source_id: str, after: dict[str, Any], news: News) -> None:
    """The events of what changed."""
    if news.changed or news.recounted:
        work.emit("evaluated", source_entity(source_id), after=after | news.counts)
    for kind, changes in news.told.items():
        for change in changes:
            identifier = fingerprint(source_id, change.draft.key)[: ledger.ID_LENGTH]
            before = {"verdict": change.before.verdict, "state": change.before.state} if change.before else None
            work.emit(f"finding_{kind}", f"finding:{identifier}", before, _said(source_id, change.draft))


def _said(source_id: str, draft: Draft) -> dict[str, str]:
    names = ("framework", "control", "check", "subject", "subject_name", "verdict", "severity", "reason")
    return {"source_id": source_id} | {name: str(getattr(draft, name)) for name in names}
