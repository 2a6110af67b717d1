"""Which detectors look at a column, decided once from its name and type: the same for every partition of an asset."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cluster.connectors.interface import LogicalType
from cluster.detectors.compile import CompiledRules
from cluster.detectors.detector import Detector
from cluster.detectors.patterns import embedded_regex, whole_regex
from cluster.detectors.validators import Validator, validator
from cluster.detectors.words import joined, phrases_of

_GROUP: Final = 6
TEXT_KINDS: Final = frozenset({"string", "json", "nested", "binary", "unknown", "time"})


@dataclass(frozen=True)
class Probe:
    """A detector with what it takes to run it."""

    detector: Detector
    whole: str
    embedded: str
    check: Validator | None
    reported: bool


@dataclass(frozen=True)
class ColumnPlan:
    """`claiming` run first and take whole values away from `open`; `named` run on all values because of the name.

    `union` is one regex that every value matches which can matter to `claiming` or `open`; None if nothing runs.
    `groups` are the open ones in small groups of similar gates, each with the union of its gates: a value passes few of
    forty gates, and a group that no value passes costs one look instead of six.
    """

    union: str | None = None
    claiming: tuple[Probe, ...] = ()
    open: tuple[Probe, ...] = ()
    groups: tuple[tuple[str, tuple[Probe, ...]], ...] = ()
    named: tuple[Probe, ...] = ()


def plan_column(name: str, kind: LogicalType, rules: CompiledRules) -> ColumnPlan:
    """The detectors for a column, in the order of evaluation of the rules."""
    by_id = {d.id: d for d in rules.detectors}
    ordered = [by_id[i] for i in rules.order if i in by_id]
    phrases = phrases_of(name)
    admitted = [d for d in ordered if _admits(d, kind)]
    named = [d for d in admitted if d.needs_name and names_match(d, phrases, rules.attribute_words)]
    rest = [d for d in admitted if not d.needs_name]
    matching = [d for d in rest if d.gate and _reported(d)]
    gates = sorted({d.gate for d in matching if d.gate})
    return ColumnPlan(
        union=_union(gates) or None,
        claiming=tuple(_probe(d) for d in rest if d.claims),
        open=tuple(_probe(d) for d in rest),
        groups=tuple(
            (_union(some), tuple(_probe(d) for d in matching if d.gate in some))
            for some in (gates[start : start + _GROUP] for start in range(0, len(gates), _GROUP))
        ),
        named=tuple(_probe(d) for d in named),
    )


def _union(gates: list[str]) -> str:
    return "|".join(f"(?:{gate})" for gate in gates)


def names_match(detector: Detector, phrases: frozenset[str], attribute_words: frozenset[str]) -> bool:
    """Whether a column name speaks for the detector: it holds one of its phrases, and no word against it."""
    if not speaks_for(detector, phrases) or speaks_against(detector, phrases):
        return False
    own = {word for name in detector.names for word in phrases_of(name)}
    return not (attribute_words - own) & phrases


def speaks_against(detector: Detector, phrases: frozenset[str]) -> bool:
    """Whether a column name holds a word by which the detector says that it means something else."""
    return any(joined(word) in phrases for word in detector.avoid)


def speaks_for(detector: Detector, phrases: frozenset[str]) -> bool:
    """Whether a column name holds a phrase of the detector, whatever else it holds."""
    return any(joined(name) in phrases for name in detector.names)


def _admits(detector: Detector, kind: LogicalType) -> bool:
    if kind in detector.types:
        return True
    if kind in TEXT_KINDS:
        return "string" in detector.types
    if kind == "timestamp":
        return "date" in detector.types and detector.needs_name
    # Whole numbers with missing values often arrive as floats.
    return kind == "number" and "integer" in detector.types


def _reported(detector: Detector) -> bool:
    return not detector.data_class.startswith("technical.")


@lru_cache(maxsize=1024)
def _probe(detector: Detector) -> Probe:
    pattern = detector.pattern is not None
    return Probe(
        detector,
        whole_regex(detector) if pattern else "",
        embedded_regex(detector) if pattern and detector.embedded else "",
        validator(detector.validator) if detector.validator else None,
        _reported(detector),
    )
