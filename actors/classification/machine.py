"""What the machine alone says of a column: the tiers' voices joined, and what people decided on others heeded."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from actors.classification.answers import Told
from actors.classification.contract import ColumnGuesses
from actors.classification.decisions import LabelFacts
from actors.classification.feedback import Feedback, heeded
from actors.classification.free_text import Occurrence, occurrences
from actors.classification.joining import GUESS_SHOWN, Joined, join
from actors.classification.observing import Observed
from actors.classification.refuting import tenable
from actors.classification.verdict import Label, verdict
from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import Taxonomy

WORTH: Final = GUESS_SHOWN
"""A label that stands on a guess alone is kept from this confidence on, as it is told on the spot."""

Labels = dict[str, dict[str, LabelFacts]]


def machine_labels(
    asset: str, observed: Sequence[Observed], told: Told, taxonomy: Taxonomy, rules: CompiledRules
) -> Labels:
    """The machine's labels of an asset by column and class: a function of what counts as evidence, of what models said,
    and of the rules."""
    names = tuple(seen.evidence.column for seen in observed)
    found: Labels = {}
    for seen in observed:
        neighbours = tuple(name for name in names if name != seen.evidence.column)
        labels = verdict(seen.evidence, asset, neighbours, taxonomy, rules)
        answers = told.get(seen.evidence.column, ())
        known = {facts.data_class: facts for facts in _facts(seen, labels, answers, taxonomy, rules)}
        said = [(facts.data_class, facts.confidence, facts.whole_column) for facts in known.values()]
        inside = occurrences(seen.evidence, said, taxonomy, rules)
        found[seen.evidence.column] = known | {one.found.data_class: _of_texts(one, seen, rules) for one in inside}
    return found


def with_feedback(labels: Labels, asset_id: str, known: Feedback, automatic_at: float) -> Labels:
    """The same with what people decided on other columns."""
    return {
        column: {name: heeded(label, column, asset_id, known, automatic_at) for name, label in found.items()}
        for column, found in labels.items()
    }


def _facts(
    seen: Observed,
    labels: Sequence[Label],
    answers: Sequence[ColumnGuesses],
    taxonomy: Taxonomy,
    rules: CompiledRules,
) -> list[LabelFacts]:
    # A column that tier 1 settles is its alone: the models were not asked, or not about this evidence.
    if not answers or any(label.state == "automatic" for label in labels):
        return [_of_rules(label, seen) for label in labels]
    guesses = tenable([guess for answer in answers for guess in answer.guesses], seen.evidence, rules)
    joined = join(labels, guesses, taxonomy, rules)
    models = {answer.tier: answer.model for answer in answers}
    return [
        _of_models(one, seen, models, taxonomy) if one.label is None else _of_both(one, one.label, seen)
        for one in joined
        if one.label is not None or one.confidence >= WORTH
    ]


def _of_rules(label: Label, seen: Observed) -> LabelFacts:
    return LabelFacts(**label.model_dump(exclude={"method"}), method=seen.method(label.data_class))


def _of_both(one: Joined, label: Label, seen: Observed) -> LabelFacts:
    said = {"confidence": one.confidence, "state": one.state, "reasons": one.reasons}
    return _of_rules(label, seen).model_copy(update=said)


def _of_models(one: Joined, seen: Observed, models: Mapping[Any, str], taxonomy: Taxonomy) -> LabelFacts:
    known = taxonomy.of(one.data_class)
    return LabelFacts(
        data_class=one.data_class, sensitivity=known.sensitivity, tags=known.tags, confidence=one.confidence,
        method="census" if seen.is_census else "sample", tier=one.tier, model=models.get(one.tier), state=one.state,
        reasons=one.reasons,
    )  # fmt: skip


def _of_texts(one: Occurrence, seen: Observed, rules: CompiledRules) -> LabelFacts:
    found, tier = one.found, one.found.tier
    return LabelFacts(
        data_class=found.data_class, sensitivity=one.meaning.sensitivity, tags=one.meaning.tags,
        confidence=one.confidence, prevalence=found.prevalence, low=found.low, high=found.high,
        matched=found.matched, scanned=found.read, method="sample", tier=tier, whole_column=False,
        model=seen.evidence.texts.model if seen.evidence.texts and tier == "language" else None,
        state="automatic" if one.confidence >= rules.spec.automatic_at else "review", reasons=one.reasons,
    )  # fmt: skip
