"""Which detectors look at a column, decided once from its name and type: the same for every partition of an asset."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cluster.connectors.interface import LogicalType
from cluster.detectors.compile import CompiledRules
from cluster.detectors.detector import Detector
from cluster.detectors.patterns import embedded_regex, whole_regex
from cluster.detectors.words import joined, phrases_of

if TYPE_CHECKING:
    from cluster.detectors.check_digits import ColumnCheck
    from cluster.detectors.validators import Validator
    from cluster.kernels.candidates import ShapeScreen
    from cluster.kernels.screens import Screen
    from cluster.kernels.union import Union

_PLANS_KEPT: Final = 4096
TEXT_KINDS: Final = frozenset({"string", "json", "nested", "binary", "unknown", "time"})


@dataclass(frozen=True)
class Probe:
    """A detector with what it takes to run it. `check_all` is `check` over a whole column, where there is such."""

    detector: Detector
    whole: str
    embedded: str
    check: "Validator | None"
    check_all: "ColumnCheck | None"
    reported: bool


@dataclass(frozen=True)
class ColumnPlan:
    """`claiming` run first and take whole values away from `open`; `named` run on all values because of the name.

    `union` are gates of which every value holds one that can matter to `claiming` or `open`; None if nothing runs.
    `matching` are those of the open ones that match by pattern. `screen` holds the patterns of claiming and matching,
    and tells which values they cannot match; `shapes` tells it of shapes, for claiming and then matching by number.
    """

    union: "Union | None"
    claiming: tuple[Probe, ...]
    open: tuple[Probe, ...]
    matching: tuple[Probe, ...]
    named: tuple[Probe, ...]
    screen: "Screen"
    shapes: "ShapeScreen"


_PLANS: Final[dict[tuple[object, ...], ColumnPlan]] = {}


def plan_column(name: str, kind: LogicalType, rules: CompiledRules) -> ColumnPlan:
    """The detectors for a column, in the order of evaluation of the rules. Kept, as every partition asks for it."""
    # The digest covers all that a plan is made of but the order.
    key = (name, kind, rules.digest, rules.order)
    plan = _PLANS.get(key)
    if plan is None:
        if len(_PLANS) >= _PLANS_KEPT:
            _PLANS.clear()
        plan = _PLANS[key] = _planned(name, kind, rules)
    return plan


def _planned(name: str, kind: LogicalType, rules: CompiledRules) -> ColumnPlan:
    if not name:
        return _nameless(kind, rules)
    phrases = phrases_of(name)
    named = [
        detector
        for detector in _ordered(rules)
        if detector.needs_name and admits(detector, kind) and names_match(detector, phrases, rules.attribute_words)
    ]
    return replace(plan_column("", kind, rules), named=tuple(_probe(d) for d in named))


def _nameless(kind: LogicalType, rules: CompiledRules) -> ColumnPlan:
    """What runs on every column of the kind."""
    from cluster.kernels.candidates import ShapeScreen  # numpy and polars, which those who only ask about names
    from cluster.kernels.screens import Screen  # do not need
    from cluster.kernels.union import Union

    rest = [d for d in _ordered(rules) if not d.needs_name and admits(d, kind)]
    claiming = sorted((d for d in rest if d.claims and d.pattern), key=_reported)
    gates = sorted({d.gate for d in rest if d.gate and _reported(d)})
    matching = [_probe(d) for gate in gates for d in rest if d.gate == gate and _reported(d)]
    return ColumnPlan(
        union=Union(tuple(gates)) if gates else None,
        claiming=tuple(_probe(d) for d in claiming),
        open=tuple(_probe(d) for d in rest),
        matching=tuple(matching),
        named=(),
        screen=Screen(d.pattern for d in (*claiming, *(probe.detector for probe in matching)) if d.pattern),
        shapes=ShapeScreen(
            [((d.pattern,), True) for d in claiming if d.pattern]
            + [((p.detector.gate or "", p.detector.pattern or ""), not p.embedded) for p in matching]
        ),
    )


def _ordered(rules: CompiledRules) -> list[Detector]:
    by_id = {d.id: d for d in rules.detectors}
    return [by_id[i] for i in rules.order if i in by_id]


def names_match(detector: Detector, phrases: frozenset[str], attribute_words: frozenset[str]) -> bool:
    """Whether a column name speaks for the detector: it holds one of its phrases, and no word against it."""
    if not speaks_for(detector, phrases) or speaks_against(detector, phrases):
        return False
    # A word within what was recognised is no word about it: the type of "blood type" is none of the blood.
    own = frozenset().union(*(words for phrase, words in _by_phrase(detector.names).items() if phrase in phrases))
    return not (attribute_words - own) & phrases


def looked_at_by(name: str, only: tuple[str, ...], rules: CompiledRules) -> bool:
    """Whether one of these detectors may look at a column of this name, whatever its type."""
    phrases = phrases_of(name)
    wanted = [detector for detector in rules.detectors if detector.id in only]
    return any(not d.needs_name or names_match(d, phrases, rules.attribute_words) for d in wanted)


def speaks_against(detector: Detector, phrases: frozenset[str]) -> bool:
    """Whether a column name holds a word by which the detector says that it means something else."""
    return not _all_joined(detector.avoid).isdisjoint(phrases)


def speaks_for(detector: Detector, phrases: frozenset[str]) -> bool:
    """Whether a column name holds a phrase of the detector, whatever else it holds."""
    return not _all_joined(detector.names).isdisjoint(phrases)


@lru_cache(maxsize=1024)
def _by_phrase(names: tuple[str, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name in names:
        found[joined(name)] = found.get(joined(name), frozenset()) | phrases_of(name)
    return found


@lru_cache(maxsize=1024)
def _all_joined(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(joined, phrases))


def admits(detector: Detector, kind: str) -> bool:
    """Whether a detector looks at columns of a logical type."""
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


def _probe(detector: Detector) -> Probe:
    from cluster.detectors.validators import column_validator, validator  # polars, as above

    pattern = detector.pattern is not None
    return Probe(
        detector,
        whole_regex(detector) if pattern else "",
        embedded_regex(detector) if pattern and detector.embedded else "",
        validator(detector.validator) if detector.validator else None,
        column_validator(detector.validator) if detector.validator else None,
        _reported(detector),
    )
