"""Between evidence and labels: a worker asks tiers 2 and 3 about the columns that tier 1 leaves unsure.

The models live in workers only. Whatever becomes of them, the evidence is classified: a tier that cannot be asked is
named, and what it said of the same columns before stays.
"""

from collections.abc import Iterator
from typing import Any

import structlog
from pydantic import BaseModel
from sqlalchemy.orm import Session

from actors.classification import queries as classification
from actors.classification.contract import Answers, ClassifyAssets
from actors.classification.worker import Questions, ask
from actors.orchestrator.steps import Tasks
from actors.sources import queries as sources
from cluster.detectors.compile import load_rule_set
from cluster.errors import SextantError
from cluster.naming import asset_id
from cluster.runtime.commands import Command

log = structlog.get_logger("orchestrator")

TRIES = 2
"""A worker that is lost is replaced once: what killed it may be the model itself."""


def questions(session: Session, command: Command[Any]) -> Questions:
    """What a worker needs to know to ask about the evidence of a command."""
    assert isinstance(command, ClassifyAssets)
    assets = [asset_id(command.source_id, evidence.asset) for evidence in command.evidence]
    return Questions(
        evidence=command.evidence,
        rules=command.rules or load_rule_set().value,
        known=tuple(classification.guesses(session, assets)),
        descriptions=tuple(_descriptions(session, assets)),
        folders=classification.model_folders(session, [evidence.asset for evidence in command.evidence]),
        shadows=classification.shadow_folders(session),
    )


def _descriptions(session: Session, assets: list[str]) -> Iterator[tuple[str, str, str]]:
    """What the source itself says of its columns."""
    for item in sources.items(session, assets):
        for column in item.info.columns:
            if column.comment:
                yield item.path, column.name, column.comment


async def answered(asked: Questions, run: Tasks) -> Answers:
    """The answers of a worker; without any where no worker could give them."""
    for attempt in range(TRIES):
        try:
            found: Answers = await run(ask, asked, name="ask the models")
            return found
        except SextantError as error:
            log.warning("models not asked", error=error.code, attempt=attempt)
            detail = error.detail
    return Answers(skipped={"model": detail, "language": detail}, lost=True)


def with_answers(command: Command[Any], answers: Answers) -> tuple[Command[Any], Answers]:
    """The command with what the models said, and what came of asking."""
    figures = answers.model_copy(update={"guesses": ()})
    return (command if answers.lost else command.model_copy(update={"guesses": answers.guesses})), figures


def told(results: list[BaseModel]) -> tuple[dict[str, Any], str | None]:
    """Counters of a step that asked, and what kept a tier from taking part."""
    answers = [result for result in results if isinstance(result, Answers)]
    counters: dict[str, Any] = {}
    for tier in ("model", "language"):
        asked = sum(answer.asked.get(tier, 0) for answer in answers)
        reused = sum(answer.reused.get(tier, 0) for answer in answers)
        if asked or reused:
            counters |= {f"asked_{tier}": asked, f"known_{tier}": reused}
    if any(answer.texts for answer in answers):
        counters |= {"texts_language": sum(a.texts for a in answers), "cells": sum(a.cells for a in answers)}
    skipped = {tier: why for answer in answers for tier, why in answer.skipped.items()}
    absent = {tier for answer in answers for tier in answer.absent}
    if skipped or absent:
        counters["tiers_skipped"] = sorted(skipped.keys() | absent)
    words = sorted({f"The tier '{tier}' took no part: {why}" for tier, why in skipped.items()})
    return counters, " ".join(words) or None
