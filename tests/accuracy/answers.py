"""What the product answers to columns: through its own door, with the models that its own API loads."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.classification.realtime import classify_evidence, default_rules, evidence_of
from actors.classification.tiers import Ranked, wanted
from tests.accuracy.columns import NONE, Column, Table
from tests.accuracy.shipped import for_columns

BELIEVED: Final = 0.5  # below it the product says itself that the class is less likely than not


@dataclass(frozen=True)
class Answer:
    """What was told of a column: its likeliest class (`none` below 0.5), how sure, and whether a person is asked."""

    table: Table
    column: Column
    told: str
    confidence: float
    automatic: bool
    tier: str = ""

    @property
    def judged(self) -> str:
        """What was told as it counts against the truth."""
        return self.column.judged(self.told)

    @property
    def right(self) -> bool:
        return self.judged == self.column.truth


@dataclass(frozen=True)
class Asked:
    """The answers for a set by some tiers, and the processor time that they took."""

    answers: tuple[Answer, ...]
    seconds: float
    skipped: tuple[str, ...]


def ask(tables: Sequence[Table], tiers: Mapping[str, Sequence[object]]) -> dict[str, Asked]:
    """The answers by each choice of tiers, each table asked at once as a user would.

    What the kernels find in the values is found once: `classify_columns` is `evidence_of` and `classify_evidence`.
    """
    found: dict[str, list[Answer]] = {name: [] for name in tiers}
    seconds = dict.fromkeys(tiers, 0.0)
    for table in tables:
        began = time.process_time()
        evidence = evidence_of({column.name: column.values for column in table.columns}, default_rules())
        reading = time.process_time() - began
        for name, chosen in tiers.items():
            models = for_columns(chosen, table.name)
            began = time.process_time()
            told = classify_evidence(evidence, table.name, chosen, models=models)
            seconds[name] += reading + time.process_time() - began
            found[name] += [_answer(table, column, told[column.name]) for column in table.columns]
    return {name: Asked(tuple(found[name]), seconds[name], _skipped(chosen)) for name, chosen in tiers.items()}


def _skipped(tiers: Sequence[object]) -> tuple[str, ...]:
    models = for_columns(tiers, "")
    return tuple(f"tier {one.tier}: {one.reason}" for one in models.skipped(wanted(tiers), texts=False))


def _answer(table: Table, column: Column, ranked: Sequence[Ranked]) -> Answer:
    if not ranked:
        return Answer(table, column, NONE, 1.0, automatic=True)
    first = ranked[0]
    if first.confidence < BELIEVED:
        return Answer(table, column, NONE, 1 - first.confidence, automatic=False, tier=first.tier)
    return Answer(table, column, first.data_class, first.confidence, first.state == "automatic", first.tier)
