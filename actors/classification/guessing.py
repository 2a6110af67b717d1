"""What tiers 2 and 3 believe of the columns of a table: a pure function of stored evidence and of names.

The same for a request and for a workflow, which calls it where the models are loaded and hands the guesses on.
"""

from collections.abc import Sequence
from typing import Literal

from actors.classification.joining import Joined, join
from actors.classification.refuting import tenable
from actors.classification.tiers import TIERS, Models, Tier
from actors.classification.verdict import Label, verdict
from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels.report import ColumnEvidence
from cluster.ml.guess import Guess


def guesses_of(
    columns: Sequence[ColumnEvidence],
    table: str,
    models: Models,
    rules: CompiledRules,
    tiers: Sequence[Tier] = TIERS,
    *,
    method: Literal["census", "sample"] = "census",
) -> dict[str, tuple[Guess, ...]]:
    """By column what the tiers that have a model guess; empty where they have nothing to say.

    Tier 3 is asked only about columns that rules and tier 2 do not settle. Labels of people take no part.
    """
    told = told_of(columns, table, models, rules, tiers, method=method)
    return {column.column: guesses for column, (_, guesses) in zip(columns, told, strict=True)}


def told_of(
    columns: Sequence[ColumnEvidence],
    table: str,
    models: Models,
    rules: CompiledRules,
    tiers: Sequence[Tier] = TIERS,
    *,
    method: Literal["census", "sample"] = "census",
) -> list[tuple[tuple[Label, ...], tuple[Guess, ...]]]:
    """For each column, in order, the labels of tier 1 and the guesses of the others."""
    guessed: list[tuple[Guess, ...]] = [()] * len(columns)
    if "model" in tiers and models.columns is not None:
        guessed = models.columns.guess_all(columns, table)
    names = [column.column for column in columns]
    return [
        told_one(column, names, table, first=first, models=models, rules=rules, tiers=tiers, method=method)
        for column, first in zip(columns, guessed, strict=True)
    ]


def told_one(
    column: ColumnEvidence,
    names: Sequence[str],
    table: str,
    *,
    first: tuple[Guess, ...],
    models: Models,
    rules: CompiledRules,
    tiers: Sequence[Tier] = TIERS,
    method: Literal["census", "sample"] = "census",
) -> tuple[tuple[Label, ...], tuple[Guess, ...]]:
    """The same for one column among others of these names, of which tier 2 has said `first`."""
    taxonomy = load_taxonomy().value
    around = tuple(name for name in names if name != column.column)
    labels = verdict(column, table, around, taxonomy, rules, method=method) if "rules" in tiers else ()
    guesses = tenable(first, column, rules)
    if "language" in tiers and models.meaning is not None and not settled(join(labels, guesses, taxonomy, rules)):
        guesses = (*guesses, *tenable(models.meaning.match(column.column, table, around), column, rules))
    return labels, guesses


def settled(joined: Sequence[Joined]) -> bool:
    """Whether nobody needs to be asked any more."""
    return any(one.state == "automatic" for one in joined)
