"""What runs in a worker process: asking the models about columns. Only answers and SextantErrors leave it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from actors.classification.contract import Answers, ColumnGuesses, GuessTier
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import Internal, SextantError
from cluster.kernels.report import AssetEvidence
from cluster.telemetry import place_of


class Questions(BaseModel):
    """A page of evidence to ask about.

    `known` is what was answered before. `descriptions` are triples of asset, column and words. `folders` tell by asset
    which version of a tier's model answers; where none is told, it is that of the settings, or the shipped one.
    `shadows` are asked beside them, and answer nothing.
    """

    model_config = ConfigDict(frozen=True)

    evidence: tuple[AssetEvidence, ...]
    rules: RuleSetSpec
    known: tuple[ColumnGuesses, ...] = ()
    descriptions: tuple[tuple[str, str, str], ...] = ()
    folders: dict[str, dict[GuessTier, Path]] = {}
    shadows: dict[GuessTier, Path] = {}


def ask(questions: Questions) -> Answers:
    """What tiers 2 and 3 say of the columns that tier 1 leaves unsure. A model that is missing or corrupt is told in
    the answers. Raises Internal for anything unexpected, which holds no value."""
    try:
        return _ask(questions)
    except SextantError:
        raise
    except Exception as error:
        place = os.path.basename(place_of(error))
        defect = Internal(f"A worker failed ({type(error).__name__} in {place}).", "Report this as a defect.")
    raise defect


def _ask(questions: Questions) -> Answers:
    from actors.classification.asking import Asking
    from actors.classification.oracles import oracles
    from actors.classification.shadowing import beside
    from cluster.detectors.compile import compiled, taxonomy_of

    asking = Asking(
        rules=compiled(questions.rules),
        taxonomy=taxonomy_of(questions.rules),
        oracles={},
        known={(answer.asset, answer.column, answer.tier): answer for answer in questions.known},
        descriptions={(asset, column): words for asset, column, words in questions.descriptions},
    )
    absent: tuple[GuessTier, ...] = ()
    made: dict[tuple[Any, ...], Any] = {}
    for evidence in questions.evidence:
        folders = questions.folders.get(evidence.asset, {})
        key = tuple(sorted(folders.items()))
        if key not in made:
            made[key], absent = oracles(folders)
        asking.oracles = made[key]
        asking.ask(evidence)
    answers = _with_texts(asking.answers(), questions.evidence)
    seen = tuple(beside(questions.shadows, questions.evidence, asking.descriptions, answers.guesses))
    return answers.model_copy(update={"absent": absent, "shadows": seen})


def _with_texts(answers: Answers, evidence: Iterable[AssetEvidence]) -> Answers:
    """The answers with how many cells tier 3 saw of all when the texts were read, and what kept it from reading."""
    assets = list(evidence)
    texts = [column.texts for asset in assets for column in asset.columns if column.texts is not None]
    why = max((each.skipped for each in texts if each.skipped), default=None)
    skipped: dict[str, str] = ({"language": why} if why else {}) | answers.skipped
    cells = sum(asset.rows * len(asset.columns) for asset in assets)
    return answers.model_copy(
        update={"texts": sum(each.language for each in texts), "cells": cells, "skipped": skipped}
    )
