"""What the tiers say of one column, joined to one ranked list: labels of tier 1, guesses of tiers 2 and 3.

Evidence beats belief. A label whose values pass a check, or have a form that hardly anything else has, stays in front
of every guess, and a guess that says otherwise costs it little. A guess stands alone only where no such label is; it
is shown if it is four times as likely right as wrong, and needs no review where the column model is sure (above the
threshold of the class, with almost nothing taken away) or two tiers together are. Tiers that agree make each other
surer; tiers that disagree make each other less sure, and that sends the column to a person. The column model has seen
the values' traits and the meaning of the name, so it weighs more than the meaning of the name alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from actors.classification.verdict import Label
from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import Taxonomy
from cluster.ml.guess import Guess

NOTHING: Final = "none"  # what a model calls a column of no class
Tier = Literal["rules", "model", "language"]
SHOWN: Final = 0.3
GUESS_SHOWN: Final = 0.8  # four times as likely right as wrong
GUESS_AUTOMATIC: Final = 0.97  # from which a guess that is not sure by itself needs no review
# From which one that is sure needs none: below it such guesses were wrong as often as right on generated tables that no
# training had seen.
SURE_AUTOMATIC: Final = 0.95
NARROWS: Final = 0.9
# Classes whose values have the form of a wider one, and only the name tells them from it.
WIDER: Final[Mapping[str, str]] = {
    "contact.fax": "contact.phone",
    "payment.cardholder_name": "person.full_name",
    "person.photo": "network.url",
}
# How much of what a guess still doubts is removed by another tier that agrees, and of what it believes by one that does
# not. A check or a telling form is hardly shaken by a model; a permissive form in a column of a fitting name is.
_AGREES: Final = 0.5
_DISAGREES: Final = 0.5
_SHAKES: Final = 0.35  # of a label of the rules, which have looked at the values
_HARDLY: Final = 0.05
_OUTWEIGHS: Final = 0.8  # what the column model removes of the belief of tier 3 that says otherwise
_ALMOST_SURE: Final = 0.995


class Joined(BaseModel):
    """A class of a column with all that was said for and against it. `label` is that of tier 1, if it has one.

    `tier` is the first one that carries the class: its evidence or its guess counted most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_class: str
    confidence: float
    tier: Tier
    state: Literal["automatic", "review"]
    reasons: tuple[str, ...]
    label: Label | None = None


def join(
    labels: Sequence[Label], guesses: Sequence[Guess], taxonomy: Taxonomy, rules: CompiledRules
) -> tuple[Joined, ...]:
    """The classes of the column, what stands on evidence first, then the surest. Pure.

    A guess of a class that the taxonomy does not report says that the column is none of the reported ones: it speaks
    against all others and gives no class. Of several guesses of one tier on one class the surest counts.
    """
    told = _by_class(guesses)
    labels = _without_wider(labels, guesses)
    found = [_labelled(label, labels, told, rules) for label in labels]
    known = {label.data_class for label in labels}
    for name, some in told.items():
        data_class = taxonomy.classes.get(name)
        if name not in known and data_class is not None and data_class.reported:
            found.append(_guessed(name, some, labels, told, rules))
    kept = [one for one in found if one.confidence >= (GUESS_SHOWN if one.label is None else SHOWN)]
    return tuple(sorted(kept, key=lambda one: (not _stands(one.label, rules), -one.confidence, one.data_class)))


def _without_wider(labels: Sequence[Label], guesses: Sequence[Guess]) -> list[Label]:
    """The labels without those of a class of which the column model is almost sure that it is a narrower one: the form
    of a telephone number says nothing against a fax."""
    sure = {guess.data_class for guess in guesses if guess.tier == "model" and guess.probability >= NARROWS}
    wider = {WIDER[name] for name in sure & WIDER.keys()}
    return [label for label in labels if label.data_class not in wider]


def _by_class(guesses: Sequence[Guess]) -> dict[str, dict[Tier, Guess]]:
    found: dict[str, dict[Tier, Guess]] = {}
    for guess in sorted(guesses, key=lambda g: (g.data_class, g.tier, g.probability, g.reasons)):  # in whatever order
        some = found.setdefault(guess.data_class, {})
        if guess.tier not in some or guess.probability > some[guess.tier].probability:
            some[guess.tier] = guess
    return found


def _labelled(
    label: Label, labels: Sequence[Label], told: Mapping[str, Mapping[Tier, Guess]], rules: CompiledRules
) -> Joined:
    confidence, reasons = label.confidence, list(label.reasons)
    for guess in told.get(label.data_class, {}).values():
        # Agreement adds to a label that is believed; it does not make one of a form that a check refuted.
        confidence += (1 - confidence) * _AGREES * guess.probability
        reasons += _because(guess)
    # Of a tier that names several classes only the likeliest speaks; an occurrence is no other reading of the column.
    mine = {tier: guess.probability for tier, guess in told.get(label.data_class, {}).items()}
    rival = _surest_other(
        label.data_class,
        {c: {t: g for t, g in by.items() if g.probability > mine.get(t, 0.0)} for c, by in told.items()},
    )
    if rival is not None and label.whole_column:
        weight = _HARDLY if _proved(label, rules) else _SHAKES
        confidence *= 1 - weight * rival.probability
        reasons.append(_instead(rival))
    confidence = round(min(confidence, max(label.confidence, _ALMOST_SURE)), 4)
    return Joined(
        data_class=label.data_class, confidence=confidence, tier="rules", label=label, reasons=tuple(reasons),
        state=_state(label, confidence, rules),
    )  # fmt: skip


def _state(label: Label, confidence: float, rules: CompiledRules) -> Literal["automatic", "review"]:
    """A model may send a label to review, and may lift one out of it that was not kept there on purpose."""
    detector = rules.detector(label.detector)
    if detector is not None and detector.review:
        return "review"
    return "automatic" if confidence >= rules.spec.automatic_at else "review"


def _guessed(
    name: str,
    some: Mapping[Tier, Guess],
    labels: Sequence[Label],
    told: Mapping[str, Mapping[Tier, Guess]],
    rules: CompiledRules,
) -> Joined:
    first = max(some.values(), key=lambda guess: guess.probability)
    confidence, reasons = first.probability, _because(first)
    for guess in some.values():
        if guess is not first:
            confidence += (1 - confidence) * _AGREES * guess.probability
            reasons += _because(guess)
    whole = [label for label in labels if label.whole_column]
    proved = max((label.confidence for label in whole if _proved(label, rules)), default=0.0)
    other = max((label.confidence for label in whole), default=0.0)
    if proved:
        confidence *= 1 - proved
        reasons.append("the values pass the check of another class")
    elif other:
        confidence *= 1 - _DISAGREES * other
        reasons.append("the rules take the column for another class")
    rival = _surest_other(name, {c: {t: g for t, g in by.items() if t not in some} for c, by in told.items()})
    if rival is not None:
        confidence *= 1 - (_OUTWEIGHS if rival.tier == "model" else _AGREES * _DISAGREES) * rival.probability
        reasons.append(_instead(rival))
    confidence = round(confidence, 4)
    needed = SURE_AUTOMATIC if any(guess.sure for guess in some.values()) else GUESS_AUTOMATIC
    automatic = confidence >= max(needed, rules.spec.automatic_at)
    return Joined(
        data_class=name, confidence=confidence, tier=first.tier, reasons=tuple(reasons),
        state="automatic" if automatic else "review",
    )  # fmt: skip


def _surest_other(name: str, told: Mapping[str, Mapping[Tier, Guess]]) -> Guess | None:
    others = [guess for other, some in told.items() if other != name for guess in some.values()]
    return max(others, key=lambda guess: guess.probability, default=None)


def _proved(label: Label, rules: CompiledRules) -> bool:
    """Whether the values themselves tell: by a check that few random ones pass, or a form that little else has."""
    detector = rules.detector(label.detector)
    if detector is None or label.confidence < rules.spec.automatic_at:
        return False
    return detector.form == "distinctive" or (detector.validator is not None and detector.chance <= 0.3)


def _stands(label: Label | None, rules: CompiledRules) -> bool:
    return label is not None and label.whole_column and _proved(label, rules)


def _because(guess: Guess) -> list[str]:
    words = f": {'; '.join(guess.reasons)}" if guess.reasons else ""
    return [f"the {_tier_name(guess.tier)} gives it {guess.probability:.0%}{words}"]


def _instead(rival: Guess) -> str:
    what = "nothing that has a class" if rival.data_class == NOTHING else f"{rival.data_class} instead"
    return f"the {_tier_name(rival.tier)} takes the column for {what}"


def _tier_name(tier: Tier) -> str:
    return {"rules": "rules", "model": "column model", "language": "language model"}[tier]
