"""The commands of the compliance group."""

from collections import Counter
from dataclasses import dataclass, field

from actors.compliance import factbook, ledger, queries
from actors.compliance.advice import advise, write_advice
from actors.compliance.contract import (
    GROUP,
    AdviceReceipt,
    AdviseSource,
    EvaluateSource,
    EvaluationView,
    FactReceipt,
    RecordFacts,
)
from actors.compliance.evaluation import Draft, Evaluation, Key, evaluate, fingerprint
from actors.compliance.ledger import Change, Standing
from actors.compliance.packs import chosen
from cluster.naming import source_entity
from cluster.runtime.commands import Service, UnitOfWork

service = Service(GROUP)

# A first evaluation of a large estate opens tens of thousands of findings. Beyond this many the news is in the counts
# of `compliance.evaluated` alone; the findings themselves are rows.
EVENTS = 1000


@dataclass
class News:
    """What an evaluation changed; of the findings that opened and were resolved, the first `EVENTS`."""

    changed: int = 0
    recounted: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {"opened": 0, "resolved": 0})
    told: dict[str, list[Change]] = field(default_factory=lambda: {"opened": [], "resolved": []})


@service.handles(RecordFacts)
def record_facts(work: UnitOfWork, command: RecordFacts) -> FactReceipt:
    receipt = factbook.record(work.session, command, work.now)
    if receipt.changed:
        work.emit("facts_recorded", source_entity(command.source_id), after=receipt)
    return receipt


@service.handles(EvaluateSource)
def evaluate_source(work: UnitOfWork, command: EvaluateSource) -> EvaluationView:
    frameworks = chosen(command.frameworks)
    facts = factbook.current(work.session, command.source_id)
    news = News()
    # One framework after the other: the findings of a large estate under all of them would fill the memory.
    for framework in frameworks:
        key = framework.pack.value.key
        stored = ledger.standing(work.session, command.source_id, key)
        found = evaluate(framework, facts, work.now, stored)
        ledger.write_rules(work.session, framework.uses)
        counts = ledger.write_not_applicable(work.session, command.source_id, found.not_applicable, key)
        news.recounted = counts or news.recounted
        _settle(work, command.source_id, found, stored, news)
    if not command.frameworks:
        known = [framework.pack.value.key for framework in frameworks]
        for key in ledger.unpacked_frameworks(work.session, command.source_id, known):
            stored = ledger.standing(work.session, command.source_id, key)
            ledger.write_not_applicable(work.session, command.source_id, Counter(), key)
            _settle(work, command.source_id, Evaluation(), stored, news)
    after = EvaluationView(
        source_id=command.source_id,
        verdicts=queries.verdicts(work.session, command.source_id),
        changed=news.changed,
        digest=queries.digest(work.session, command.source_id),
    )
    _announce(work, after, news)
    return after


@service.handles(AdviseSource)
def advise_source(work: UnitOfWork, command: AdviseSource) -> AdviceReceipt:
    advice = advise(command.source_id, queries.actionable(work.session, command.source_id))
    changed = write_advice(work.session, command.source_id, advice)
    receipt = AdviceReceipt(recommendations=len(advice), changed=changed)
    if changed:
        work.emit("advised", source_entity(command.source_id), after=receipt)
    return receipt


def _settle(work: UnitOfWork, source_id: str, found: Evaluation, stored: dict[Key, Standing], news: News) -> None:
    """Writes what is different, and takes note of it."""
    changes = ledger.compare(source_id, found.drafts, stored)
    ledger.write(work.session, source_id, changes, work.now)
    news.changed += len(changes)
    for kind in ("opened", "resolved"):
        moved = [change for change in changes if getattr(change, kind)]
        news.counts[kind] += len(moved)
        news.told[kind] += moved[: EVENTS - len(news.told[kind])]


def _announce(work: UnitOfWork, after: EvaluationView, news: News) -> None:
    if news.changed or news.recounted:
        work.emit("evaluated", source_entity(after.source_id), after=after.model_dump(mode="json") | news.counts)
    for kind, changes in news.told.items():
        for change in changes:
            identifier = fingerprint(after.source_id, change.draft.key)[: ledger.ID_LENGTH]
            before = {"verdict": change.before.verdict, "state": change.before.state} if change.before else None
            work.emit(f"finding_{kind}", f"finding:{identifier}", before, _said(after.source_id, change.draft))


def _said(source_id: str, draft: Draft) -> dict[str, str]:
    names = ("framework", "control", "check", "subject", "subject_name", "verdict", "severity", "reason")
    return {"source_id": source_id} | {name: str(getattr(draft, name)) for name in names}
