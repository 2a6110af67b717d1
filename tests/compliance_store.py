"""The compliance group without its actor: its commands one by one, over a real database."""

from datetime import UTC, datetime
from typing import Any

from compliance_estates import SOURCE
from sqlalchemy.orm import Session

from actors.compliance import factbook, ledger, queries
from actors.compliance.contract import EvaluateSource, FactDraft, RecordFacts
from actors.compliance.evaluation import evaluate
from actors.compliance.packs import load_frameworks
from actors.compliance.service import service
from cluster.context import Caller, system
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine, reading

NOW = datetime(2026, 1, 15, tzinfo=UTC)
KINDS = ("source", "asset", "labels", "coverage", "profile", "flows")


def person(name: str) -> Caller:
    """Somebody who may do everything in the group."""
    return Caller(principal=name, permissions=frozenset({"compliance:*"}))


class Store:
    """Carries out commands one by one, each in its own transaction, and keeps the events of the last one."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.now = NOW
        self.events: list[Any] = []

    def do(self, command: Command[Any], caller: Caller | None = None) -> Any:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            work = UnitOfWork(session, caller or system("compliance"), "compliance", self.now)
            with session.begin_nested():
                result = service.carry_out(work, command)
            self.events = work.events
            return result

    def record(self, *drafts: FactDraft, complete: tuple[Any, ...] = KINDS, source_id: str = SOURCE) -> Any:
        return self.do(RecordFacts(source_id=source_id, facts=drafts, complete=complete))

    def evaluate(self, *frameworks: str, source_id: str = SOURCE) -> Any:
        return self.do(EvaluateSource(source_id=source_id, frameworks=frameworks))

    def judge(self, source_id: str = SOURCE) -> None:
        """Evaluates the facts as they are, also those that the group would derive of what is on record itself."""
        with Session(self.engine) as session, session.begin():
            facts = factbook.current(session, source_id, self.now)
            for key, framework in load_frameworks().items():
                stored = ledger.standing(session, source_id, key)
                ledger.write_rules(session, framework.uses)
                changes = ledger.compare(source_id, evaluate(framework.uses, facts, stored), stored)
                ledger.write(session, source_id, changes, self.now)

    def kinds(self) -> set[str]:
        return {event.kind for event in self.events}

    def find(self, control: str, **asked: Any) -> Any:
        with reading(self.engine) as session:
            return queries.findings(session, SOURCE, control=control, **asked)
