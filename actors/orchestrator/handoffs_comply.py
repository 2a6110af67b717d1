"""Phases 2, 7 and 8: facts for the controls, the verdicts, what the groups know together, and what to do about it."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from actors.compliance.contract import (
    AdviceReceipt,
    AdviseSource,
    EvaluateSource,
    EvaluationView,
    FactKind,
    RecordFacts,
)
from actors.orchestrator.contract import RecordInsights
from actors.orchestrator.correlation import correlate
from actors.orchestrator.facts import all_facts, known_facts
from actors.orchestrator.steps import Settled, Step, Way, only
from cluster.runtime.commands import Command

KINDS: tuple[FactKind, ...] = ("source", "asset", "labels", "coverage", "profile", "flows")


def _known(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield RecordFacts(source_id=way.source_id, facts=known_facts(session, way.source_id), complete=("source", "asset"))


def _all(session: Session, way: Way) -> Iterable[Command[Any]]:
    facts = all_facts(session, way.source_id)
    yield RecordFacts(source_id=way.source_id, facts=facts, complete=KINDS)


def _facts_recorded(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    return Settled(counters={"facts": sum(getattr(result, "facts", 0) for result in results)})


def _evaluate(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield EvaluateSource(source_id=way.source_id)


def _evaluated(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    evaluation = only(results, EvaluationView)
    counters: dict[str, Any] = dict(evaluation.verdicts.items())
    return Settled(counters=counters | {"findings_changed": evaluation.changed})


def _correlate(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield RecordInsights(source_id=way.source_id, insights=correlate(session, way.source_id))


def _correlated(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    return Settled(counters={"insights": len(correlate(session, way.source_id))})


def _advise(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield AdviseSource(source_id=way.source_id)


def _advised(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    return Settled(counters={"recommendations": only(results, AdviceReceipt).recommendations})


KNOWN_FACTS = Step("record the known facts", _known, _facts_recorded)
ALL_FACTS = Step("record all facts", _all, _facts_recorded)
EVALUATE = Step("evaluate the controls", _evaluate, _evaluated)
INSIGHTS = Step("correlate", _correlate, _correlated)
ADVISE = Step("recommend", _advise, _advised)
