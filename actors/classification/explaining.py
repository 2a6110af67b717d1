"""Why a column is of a class, or a stretch of a text: parts left out, and what becomes of the confidence.

It explains what the whole cascade answers, whichever tiers take part, since it asks it as anybody would. Parts of a
column are its name, its table, its neighbours, its traits, and the evidence of each detector; parts of a text are its
words, which are named by their place and not repeated.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from actors.classification.contract import Explanation
from actors.classification.guessing import told_one
from actors.classification.joining import join
from actors.classification.realtime import classify_text
from actors.classification.tiers import TIERS, ExplainsColumns, Models, Tier
from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import load_taxonomy
from cluster.errors import InvalidInput
from cluster.kernels.report import ColumnEvidence
from cluster.ml.guess import Guess
from cluster.ml.lime import Mask, lime
from cluster.ml.local import Local

NAME, TABLE, NEIGHBOURS, TRAITS = "name", "table", "neighbours", "traits"
EVIDENCE: Final = "evidence of "
MOST_WORDS: Final = 60
LONGEST_TEXT: Final = 20_000
TOLD: Final = 0.005  # a weight below this is noise
_WORD: Final = re.compile(r"\S+")


class Place(NamedTuple):
    """A column among the others of its table."""

    column: ColumnEvidence
    table: str
    neighbours: tuple[ColumnEvidence, ...]


def explain_column(
    place: Place, models: Models, rules: CompiledRules, tiers: Sequence[Tier] = TIERS, data_class: str | None = None
) -> Explanation:
    """Explains a class of the column, the first one if none is named.

    Raises InvalidInput where the column has no class at all and none is named.
    """
    found = _joined(place, models, rules, tiers)
    wanted = data_class or next(iter(found), None)
    if wanted is None:
        raise InvalidInput("The column is of no class, so there is nothing to explain.", "Name a `class`.")
    load_taxonomy().value.of(wanted)
    parts = parts_of(place)

    def ask(mask: Mask) -> float:
        kept = {part for part, keep in zip(parts, mask, strict=True) if keep}
        return _joined(_without(place, kept), models, rules, tiers).get(wanted, (0.0, ()))[0]

    local = lime(parts, ask)
    return Explanation(
        data_class=wanted, sentence=sentence(wanted, local), local=local, reasons=found.get(wanted, (0.0, ()))[1],
        contributions=contributions(place, models, tiers, wanted),
    )  # fmt: skip


def contributions(
    place: Place, models: Models, tiers: Sequence[Tier], data_class: str
) -> tuple[tuple[str, float], ...]:
    """SHAP values of the column model by group of features; none where it takes no part or does not know the class."""
    if "model" not in tiers or not isinstance(models.columns, ExplainsColumns):
        return ()
    columns = [place.column, *place.neighbours]
    try:
        told = models.columns.explain(columns, place.table, place.column.column, data_class)
    except KeyError:
        return ()
    return tuple(sorted(told.items(), key=lambda each: (-abs(each[1]), each[0])))


def explain_text(
    text: str, models: Models, rules: CompiledRules, tiers: Sequence[Tier] = TIERS, data_class: str | None = None
) -> Explanation:
    """Explains that something of a class stands in the text: which words, named `start:end` by code points, carry it.

    Longer texts are read around the surest span of the class. Raises InvalidInput where nothing of it is found.
    """
    (spans,) = classify_text([text], tiers, models=models, rules=rules)
    fitting = [span for span in spans if data_class in (None, span.data_class)]
    if not fitting:
        raise InvalidInput("Nothing of that class stands in the text.", "Classify the text to see what does.")
    surest = max(fitting, key=lambda span: (span.score, -span.start))
    words = _around(text, surest.start)
    begin, end = words[0][0], words[-1][1]

    def ask(mask: Mask) -> float:
        kept = _blanked(text[begin:end], [(s - begin, e - begin) for s, e in words], mask)
        (found,) = classify_text([kept], tiers, models=models, rules=rules)
        return max((span.score for span in found if span.data_class == surest.data_class), default=0.0)

    local = lime([f"{start}:{stop}" for start, stop in words], ask)
    return Explanation(data_class=surest.data_class, sentence=sentence(surest.data_class, local), local=local)


def parts_of(place: Place) -> tuple[str, ...]:
    """What can be left out of a column."""
    parts = [NAME] * bool(place.column.column) + [TABLE] * bool(place.table) + [NEIGHBOURS] * bool(place.neighbours)
    parts += [TRAITS] * bool(place.column.traits)
    seen = dict.fromkeys(found.detector for found in place.column.classes if found.matched)
    return (*parts, *(f"{EVIDENCE}{detector}" for detector in seen))


def sentence(data_class: str, local: Local) -> str:
    """The explanation in words: the confidence, what brings it, and what would be left without all of it."""
    telling = [weight for weight in local.weights if abs(weight.weight) >= TOLD]
    pro = [f"{weight.part} ({weight.weight:+.2f})" for weight in telling if weight.weight > 0][:3]
    con = [f"{weight.part} ({weight.weight:+.2f})" for weight in telling if weight.weight < 0][:2]
    told = f"{data_class} has a confidence of {local.probability:.2f}"
    if pro:
        told += f", brought by {', '.join(pro)}"
    if con:
        told += f"{';' if pro else ','} against it speaks {', '.join(con)}"
    if not telling:
        told += ", and no single part changes that"
    return f"{told}. Without all of these it would be {local.without:.2f}."


def _joined(
    place: Place, models: Models, rules: CompiledRules, tiers: Sequence[Tier]
) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Confidence and reasons by class, the first class first."""
    first: tuple[Guess, ...] = ()
    if "model" in tiers and models.columns is not None:
        first = models.columns.guess_all([place.column, *place.neighbours], place.table)[0]
    names = [place.column.column, *(other.column for other in place.neighbours)]
    labels, guesses = told_one(place.column, names, place.table, first=first, models=models, rules=rules, tiers=tiers)
    joined = join(labels, guesses, load_taxonomy().value, rules)
    return {one.data_class: (one.confidence, one.reasons) for one in joined}


def _without(place: Place, kept: set[str]) -> Place:
    """The column with only these parts."""
    column = place.column
    classes = tuple(found for found in column.classes if f"{EVIDENCE}{found.detector}" in kept)
    name, traits = column.column if NAME in kept else "", column.traits if TRAITS in kept else None
    return Place(
        column.model_copy(update={"column": name, "classes": classes, "traits": traits}),
        place.table if TABLE in kept else "",
        place.neighbours if NEIGHBOURS in kept else (),
    )


def _around(text: str, start: int) -> list[tuple[int, int]]:
    """The words nearest to a place, in order."""
    near = text[max(0, start - LONGEST_TEXT // 2) : start + LONGEST_TEXT // 2]
    shift = max(0, start - LONGEST_TEXT // 2)
    words = [(found.start() + shift, found.end() + shift) for found in _WORD.finditer(near)]
    words.sort(key=lambda word: abs(word[0] - start))
    return sorted(words[:MOST_WORDS])


def _blanked(text: str, words: Sequence[tuple[int, int]], mask: Mask) -> str:
    """The text without some of its words; what stands between words stays."""
    pieces, position = [], 0
    for (start, end), keep in zip(words, mask, strict=True):
        pieces.append(text[position : end if keep else start])
        position = end
    return "".join([*pieces, text[position:]])
