"""What a model believes and the values refute: guesses that the evidence of a scan leaves no room for.

A model of names sees no value, so it takes a number for a person and a flag for the address that it is about. Where the
detectors of a class have looked at the values, their word is the last: a class stays possible if one of its detectors
reads values of this kind and either found some, or did not look because the name was not one of its own.
"""

from collections.abc import Sequence
from typing import Final

from cluster.detectors.compile import CompiledRules
from cluster.detectors.detector import Detector
from cluster.detectors.words import phrases_of
from cluster.kernels.plan import admits, names_match, speaks_against, speaks_for
from cluster.kernels.report import ColumnEvidence
from cluster.ml.guess import Guess

LEAST_VALUES: Final = 5
"""Fewer values than this refute nothing."""
LEAST_SHARE: Final = 0.05
"""A class of which fewer of the values pass is not what the column is."""
MOST_PASS: Final = 0.5
"""Where so many pass, the column is the class itself though its name has a word about it."""


def tenable(guesses: Sequence[Guess], column: ColumnEvidence, rules: CompiledRules) -> tuple[Guess, ...]:
    """The guesses that the values leave room for, in their order; none for a column without a value. Pure."""
    if not values_of(column):
        return ()
    return tuple(
        guess
        for guess in guesses
        if not (guess.tier == "language" and _about_it(guess.data_class, column, rules))
        and not refuted(guess.data_class, column, rules)
    )


def values_of(column: ColumnEvidence) -> int:
    """How many values of the column hold something."""
    return max(0, column.profile.rows - column.profile.nulls - column.profile.empties)


def refuted(data_class: str, column: ColumnEvidence, rules: CompiledRules) -> bool:
    """Whether the values speak against the class. A class that no rule knows cannot be refuted by one."""
    known = [detector for detector in rules.detectors if detector.data_class == data_class]
    if not known:
        return False
    phrases = phrases_of(column.column)
    fitting = [detector for detector in known if admits(detector, column.type)]
    if not fitting or any(speaks_against(detector, phrases) for detector in known):
        return True
    if values_of(column) < LEAST_VALUES or not all(_looked(detector, phrases, rules) for detector in fitting):
        return False
    return _passed(data_class, column) < LEAST_SHARE


def _about_it(data_class: str, column: ColumnEvidence, rules: CompiledRules) -> bool:
    """Whether a name speaks of the class with a word that makes of it something said about it, average salary, and
    the values are not the class itself: what sees the name alone may not say otherwise."""
    phrases = phrases_of(column.column)
    speaking = [d for d in rules.detectors if d.data_class == data_class and speaks_for(d, phrases)]
    taken = bool(speaking) and not any(names_match(each, phrases, rules.attribute_words) for each in speaking)
    return taken and _passed(data_class, column) < MOST_PASS


def _looked(detector: Detector, phrases: frozenset[str], rules: CompiledRules) -> bool:
    """Whether the detector judges values by their form, and the scan has asked it about this column."""
    if detector.pattern is None:
        return False
    return not detector.needs_name or names_match(detector, phrases, rules.attribute_words)


def _passed(data_class: str, column: ColumnEvidence) -> float:
    """The largest share of the values that any detector of the class has validated."""
    return max((found.prevalence for found in column.classes if found.data_class == data_class), default=0.0)
