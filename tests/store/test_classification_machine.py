"""No interleaving of people and machine loses a decision of a person.

The real service on PostgreSQL against a model of what must be in force. People confirm, reject, assign, withdraw, one
by one and in batches that they undo; meanwhile evidence changes, detectors are edited, models guess, assets are renamed
and forgotten. `make test` takes 40 interleavings, LONG_TESTS=1 ten thousand.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from actors.classification.contract import (
    ClassifyAssets,
    ColumnGuesses,
    DecideLabel,
    DecideLabels,
    ForgetAssets,
    MoveDecisions,
    UndoDecisions,
    WithdrawDecision,
)
from actors.classification.labelling import label_id, machine_of
from actors.classification.service import service
from actors.classification.tables import Decision, Evidence, Label
from cluster.context import Caller, system
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import NotFound
from cluster.ml.guess import Guess
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine
from tests.store.test_classification import EMAIL, IBAN, PHONE, ROWS, evidence

INTERLEAVINGS = 10_000 if os.environ.get("LONG_TESTS") else 40
STEPS = 14
PATHS = ("public.a", "public.b")
COLUMNS = ("mail", "note")
CLASSES = (EMAIL, PHONE, IBAN)
Key = tuple[str, str, str]  # path, column, class

paths, columns, classes = st.sampled_from(PATHS), st.sampled_from(COLUMNS), st.sampled_from(CLASSES)
counts = st.dictionaries(classes, st.sampled_from([0, 1, 300, ROWS]), max_size=2)
found = st.dictionaries(columns, counts, max_size=2)
guesses = st.dictionaries(columns, st.tuples(classes, st.sampled_from([0.4, 0.8, 0.99])), max_size=2)


class Force(NamedTuple):
    decision: str
    number: int
    basis: str | None


class People(RuleBasedStateMachine):
    """`force` holds the decision in force of each label with its number and what the machine said when it was made;
    `batches` what each batch replaced, and by which number."""

    store: Engine

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.store, expire_on_commit=False)
        self.force: dict[Key, Force] = {}
        self.batches: dict[int, tuple[str, list[tuple[Force | None, int]]]] = {}
        self.made = 0

    def teardown(self) -> None:
        self.session.rollback()
        self.session.close()

    def do(self, command: Command[Any]) -> Any:
        internal = command.permission.endswith(":internal")
        ada = Caller(principal="ada", permissions=frozenset({"*"}))
        work = UnitOfWork(
            self.session, system("classification") if internal else ada, "classification", datetime.now(UTC)
        )
        with self.session.begin_nested():
            result = service.carry_out(work, command)
        self.session.flush()
        return result

    def decided(self, key: Key, decision: str, basis: str | None) -> None:
        self.made += 1
        self.force[key] = Force(decision, self.made, basis)

    def labels(self) -> dict[Key, Label]:
        return {(row.asset, row.column, row.data_class): row for row in self.session.scalars(select(Label))}

    @rule(
        path=paths, given=found, method=st.sampled_from(["census", "sample"]), rules=st.sampled_from(["r1", "r2"]),
        automatic=st.sampled_from([0.75, 0.95]), told=st.none() | guesses,
    )  # fmt: skip
    def scan(self, path: str, given: Any, method: str, rules: str, automatic: float, told: Any) -> None:
        """Also an edited detector (other rules), another threshold, and another mind of a model."""
        answers = None
        if told is not None:
            answers = tuple(
                ColumnGuesses(
                    asset=path, column=column, tier="language", question="q", model=f"{name}{chance}",
                    guesses=(Guess(data_class=name, probability=chance, tier="language"),),
                )
                for column, (name, chance) in told.items()
            )  # fmt: skip
        self.do(
            ClassifyAssets(
                source_id="s1", evidence=(evidence(given, method, path, rules=rules),), guesses=answers,
                rules=RuleSetSpec(automatic_at=automatic),
            )
        )  # fmt: skip
        self.settled(path)

    @rule(path=paths, column=columns, name=classes, decision=st.sampled_from(["confirm", "reject", "assign"]))
    def decide(self, path: str, column: str, name: str, decision: Any) -> None:
        key = (path, column, name)
        row = self.labels().get(key)
        command = DecideLabel(asset_id=asset_id("s1", path), column=column, data_class=name, decision=decision)
        try:
            view = self.do(command)
        except NotFound:
            assert row is None
            return
        before = self.force.get(key)
        if before is None or before[0] != decision or (row is not None and row.drifted) or row is None:
            self.decided(key, decision, state_of(row))
        assert not view.drifted
        assert view.state == ("rejected" if decision == "reject" else "confirmed")

    @precondition(lambda self: self.force)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.force)))
        self.do(WithdrawDecision(label_id=identifier(key)))
        del self.force[key]

    @precondition(lambda self: self.labels())
    @rule(data=st.data(), decision=st.sampled_from(["confirm", "reject"]), alike=st.booleans())
    def decide_many(self, data: st.DataObject, decision: Any, alike: bool) -> None:
        rows = self.labels()
        keys = data.draw(st.lists(st.sampled_from(sorted(rows)), min_size=1, max_size=3, unique=True))
        if alike:
            waiting = {key for key, row in rows.items() if row.state == "review" or row.drifted}
            keys = sorted({*keys, *(k for k in waiting for given in keys if k[1:] == given[1:])})
        drifted = {key for key in keys if rows[key].drifted}
        basis = {key: state_of(rows[key]) for key in keys}
        command = DecideLabels(label_ids=tuple(map(identifier, keys)), decision=decision, alike=alike)
        batch = self.do(command)
        replaced: list[tuple[Force | None, int]] = []
        for key in keys:
            before = self.force.get(key)
            if before is None or before[0] != decision or key in drifted:
                self.decided(key, decision, basis[key])
                replaced.append((before, self.made))
        assert (batch.decided, batch.unchanged) == (len(replaced), len(keys) - len(replaced))
        if replaced:
            self.batches[self.made] = batch.batch_id, replaced

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        batch, replaced = self.batches.pop(data.draw(st.sampled_from(sorted(self.batches))))
        self.do(UndoDecisions(batch_id=batch))
        here = {made.number: key for key, made in self.force.items()}  # an asset may be called otherwise by now
        for before, number in replaced:
            if number not in here:
                continue  # another one was made since, or none is in force
            if before is None:
                del self.force[here[number]]
            else:
                self.force[here[number]] = before

    @rule(path=paths)
    def forget(self, path: str) -> None:
        self.do(ForgetAssets(source_id="s1", assets=(asset_id("s1", path),)))

    @rule(path=paths)
    def rename(self, path: str) -> None:
        other = PATHS[1 - PATHS.index(path)]
        self.do(MoveDecisions(source_id="s1", moves=((asset_id("s1", path), asset_id("s1", other), other),)))
        for key in [key for key in self.force if key[0] == path]:
            moved = (other, *key[1:])
            if moved not in self.force:
                self.force[moved] = self.force.pop(key)

    @invariant()
    def decisions_in_force_are_those_that_people_made(self) -> None:
        rows = self.session.scalars(select(Decision).where(Decision.ended_at.is_(None)))
        assert {(row.asset, row.column, row.data_class): row.decision for row in rows} == {
            key: made.decision for key, made in self.force.items()
        }

    def settled(self, path: str) -> None:
        """Labels under a decision say so and tell when the evidence speaks against it; the others are the machine's."""
        for key, row in self.labels().items():
            if key[0] != path:
                continue
            machine = machine_of(row)
            if key in self.force:
                made = self.force[key]
                assert (row.origin, row.state) == ("human", "rejected" if made.decision == "reject" else "confirmed")
                assert row.drifted == self.contradicted(key, made, state_of(row))
            else:
                assert machine is not None
                assert (row.origin, row.state, row.drifted) == ("machine", machine.state, False)

    def contradicted(self, key: Key, made: Force, now: str | None) -> bool:
        """A rejected label that needs no review by now, or an approved one that a census finds no more."""
        if made.decision == "reject":
            return now == "automatic" and made.basis != "automatic"
        census = select(Evidence).where(
            Evidence.asset_id == asset_id("s1", key[0]), Evidence.column == key[1], Evidence.method == "census"
        )
        return now is None and made.basis is not None and self.session.scalars(census).first() is not None


def state_of(row: Label | None) -> str | None:
    """What the machine alone says of a label."""
    machine = machine_of(row) if row is not None else None
    return machine.state if machine else None


def identifier(key: Key) -> str:
    return label_id(asset_id("s1", key[0]), key[1], key[2])


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def test_no_interleaving_loses_a_decision(store: Engine) -> None:
    machine = type("PeopleHere", (People,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=limits(
            max_examples=INTERLEAVINGS, stateful_step_count=STEPS, deadline=None,
            suppress_health_check=list(HealthCheck), derandomize=not os.environ.get("LONG_TESTS"),
        ),
    )  # fmt: skip
