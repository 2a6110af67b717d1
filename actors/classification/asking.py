"""Asking tiers 2 and 3 about the columns that tier 1 leaves unsure, each question once.

What is asked is a function of the evidence and of the rules: columns without a label that needs no review. A question
is the digest of all that a model is told of a column; with the model's own digest it settles the answer, so a stored
answer serves until one of the two is another. Where a model cannot be asked, what it said of the same question stays.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from actors.classification.contract import Answers, ColumnGuesses, GuessTier
from actors.classification.guessing import settled
from actors.classification.joining import Joined, join
from actors.classification.refuting import tenable, values_of
from actors.classification.verdict import Label, verdict
from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import Taxonomy
from cluster.errors import ConfigurationError
from cluster.kernels.report import AssetEvidence, ColumnEvidence
from cluster.ml.guess import Guess

ASKED: Final[tuple[GuessTier, ...]] = ("model", "language")
Known = Mapping[tuple[str, str, GuessTier], ColumnGuesses]


class Oracle(Protocol):
    """A tier to ask. It loads its model when it is asked first, and raises ConfigurationError where it cannot."""

    @property
    def digest(self) -> str:
        """Of the model and of all else by which it answers, without loading it. Raises ConfigurationError."""
        ...

    def told(self, asset: AssetEvidence, column: ColumnEvidence, description: str) -> object:
        """All that the model is told of a column, as plain data: equal ones get equal answers."""
        ...

    def guess(self, asset: AssetEvidence, columns: Sequence[tuple[ColumnEvidence, str]]) -> list[tuple[Guess, ...]]:
        """Its guesses for some columns of an asset, each with its description."""
        ...


@dataclass
class Asking:
    """One page of evidence under way. `descriptions` are by asset and column."""

    rules: CompiledRules
    taxonomy: Taxonomy
    oracles: Mapping[GuessTier, Oracle]
    known: Known
    descriptions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    found: list[ColumnGuesses] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    reused: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: set[Oracle] = field(default_factory=set)

    def answers(self) -> Answers:
        """All that was said so far."""
        return Answers(guesses=tuple(self.found), asked=self.asked, reused=self.reused, skipped=self.skipped)

    def ask(self, asset: AssetEvidence) -> None:
        """Asks about an asset. Raises nothing of a model: a tier that fails is skipped from there on."""
        labels = tier_one(asset, self.rules, self.taxonomy)
        told: dict[str, tuple[Guess, ...]] = {}
        for tier in ASKED:
            if tier not in self.oracles:
                continue
            unsure = [
                column
                for column in asset.columns
                if telling(column)
                and not settled(self._joined(column, labels[column.column], told.get(column.column, ())))
            ]
            for guesses in self._tier(tier, asset, unsure):
                self.found.append(guesses)
                told[guesses.column] = (*told.get(guesses.column, ()), *guesses.guesses)

    def _joined(self, column: ColumnEvidence, labels: Sequence[Label], guesses: Sequence[Guess]) -> tuple[Joined, ...]:
        return join(labels, tenable(guesses, column, self.rules), self.taxonomy, self.rules)

    def _tier(self, tier: GuessTier, asset: AssetEvidence, columns: Sequence[ColumnEvidence]) -> list[ColumnGuesses]:
        oracle = self.oracles[tier]
        described = [(column, self.descriptions.get((asset.asset, column.column), "")) for column in columns]
        questions = {
            column.column: digest_of(oracle.told(asset, column, description)) for column, description in described
        }
        before = {
            column.column: answer
            for column in columns
            if (answer := self.known.get((asset.asset, column.column, tier))) is not None
            and answer.question == questions[column.column]
        }
        model = self._digest(tier)
        found = {name: answer for name, answer in before.items() if answer.model == model}
        self.reused[tier] = self.reused.get(tier, 0) + len(found)
        fresh = [(column, description) for column, description in described if column.column not in found]
        for (column, _), guesses in zip(fresh, self._answered(tier, asset, fresh), strict=False):
            found[column.column] = ColumnGuesses(
                asset=asset.asset, column=column.column, tier=tier, question=questions[column.column], model=model,
                guesses=guesses,
            )  # fmt: skip
        if oracle in self.failed:
            found = before | found
        return [found[column.column] for column in columns if column.column in found]

    def _digest(self, tier: GuessTier) -> str:
        oracle = self.oracles[tier]
        if oracle in self.failed:
            return ""
        try:
            return oracle.digest
        except ConfigurationError as error:
            self._skip(tier, error)
            return ""

    def _skip(self, tier: GuessTier, error: ConfigurationError) -> None:
        self.failed.add(self.oracles[tier])
        self.skipped[tier] = error.detail

    def _answered(
        self, tier: GuessTier, asset: AssetEvidence, columns: Sequence[tuple[ColumnEvidence, str]]
    ) -> list[tuple[Guess, ...]]:
        if not columns or self.oracles[tier] in self.failed:
            return []
        try:
            answers = self.oracles[tier].guess(asset, columns)
        except ConfigurationError as error:
            self._skip(tier, error)
            return []
        self.asked[tier] = self.asked.get(tier, 0) + len(answers)
        return answers


def telling(column: ColumnEvidence) -> bool:
    """Whether there is anything to ask about: a column without a value, or with a single one, holds no kind of data."""
    return values_of(column) > 0 and column.profile.distinct > 1


def tier_one(asset: AssetEvidence, rules: CompiledRules, taxonomy: Taxonomy) -> dict[str, tuple[Label, ...]]:
    """The labels of tier 1 by column."""
    names = [column.column for column in asset.columns]
    return {
        column.column: verdict(
            column, asset.asset, tuple(name for name in names if name != column.column), taxonomy, rules
        )
        for column in asset.columns
    }


def digest_of(told: object) -> str:
    """SHA-256 over plain data: what a question is known by."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()
