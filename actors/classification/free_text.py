"""Classes found inside the free texts of a column: how far a sample of them carries.

A column of prose is no class itself; what its texts tell of persons is an occurrence. Readers of text err now and then,
so the texts in which they found a class are held against the binomial tail at the rate of their errors.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import DataClass, Taxonomy
from cluster.kernels.intervals import binomial_tail
from cluster.kernels.report import ColumnEvidence, TextEvidence

ERRS: Final = {"rules": 0.004, "language": 0.02}
"""The share of texts in which a tier finds a class that is not there, at most, on prose about packages and programs."""
# Names of products and projects are often names of people too.
_ERRS_OF: Final = {"person.given_name": 0.05, "person.family_name": 0.03}
IS_SOMETHING: Final = 0.5
"""From which confidence on another class is what the column is, whose values are then no free texts."""
_SURENESS: Final = ((1e-3, 0.9), (0.02, 0.7), (0.1, 0.55))


class Occurrence(NamedTuple):
    """A class inside free texts, with how sure it is that it is there, and why."""

    found: TextEvidence
    meaning: DataClass
    confidence: float
    reasons: tuple[str, ...]


def occurrences(
    column: ColumnEvidence, known: Iterable[tuple[str, float, bool]], taxonomy: Taxonomy, rules: CompiledRules
) -> list[Occurrence]:
    """What the texts of a column hold beside what is known of it: (class, confidence, whether of the whole column).

    Nothing where the column itself is something; of a known class nothing that is not surer. Classes outside the rule
    set or not reported by the taxonomy are left out. Pure.
    """
    said = list(known)
    if column.texts is None or any(whole and sure >= IS_SOMETHING for _, sure, whole in said):
        return []
    before = {name: sure for name, sure, _ in said}
    wanted = {detector.data_class for detector in rules.detectors}
    found = [_weighed(each, taxonomy, wanted) for each in column.texts.classes]
    return [one for one in found if one and one.confidence > before.get(one.found.data_class, 0.0)]


def _weighed(found: TextEvidence, taxonomy: Taxonomy, wanted: Collection[str]) -> Occurrence | None:
    meaning = taxonomy.classes.get(found.data_class)
    if meaning is None or not meaning.reported or found.data_class not in wanted:
        return None
    errs = _ERRS_OF.get(found.data_class, 0.0) if found.tier == "language" else 0.0
    tail = binomial_tail(found.matched, found.read, max(errs, ERRS[found.tier]))
    confidence = next((sure for most, sure in _SURENESS if tail < most), None)
    return None if confidence is None else Occurrence(found, meaning, confidence, (_words(found),))


def _words(found: TextEvidence) -> str:
    by = "the rules" if found.tier == "rules" else "rules and language model"
    share = f"{found.low:.1%} to {found.high:.1%} of all" if found.low < found.high else "all were read"
    return f"found in free text: in {found.matched:,} of {found.read:,} texts drawn at random, by {by} ({share})"
