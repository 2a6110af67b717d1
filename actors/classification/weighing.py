"""How far evidence carries: from one detector's counts and what the names say to a confidence and its reasons.

A check digit lets a known share of random values pass, so the number of distinct values that passed is held against
the binomial tail at that chance. Most values make the column; fewer make an occurrence in it. How sure a permissive
form under its name is, a thin column and one out of context, follows what `python -m tests.benchmarks.bench_rules`
prints.
"""

import math
from dataclasses import dataclass
from typing import Final

from cluster.detectors.compile import RuleSetSpec
from cluster.detectors.detector import Detector
from cluster.kernels.intervals import binomial_tail
from cluster.kernels.report import ClassEvidence, ColumnEvidence

_UNLIKELY: Final = 0.01
_NAMED: Final = 0.95
_THIN: Final = 0.65
_OUT_OF_CONTEXT: Final = 0.75


@dataclass(frozen=True)
class Case:
    """One detector's evidence with what the names say about it."""

    evidence: ClassEvidence
    detector: Detector
    named: bool
    against: bool
    in_context: bool


@dataclass(frozen=True)
class Finding:
    case: Case
    confidence: float
    whole: bool
    reasons: tuple[str, ...]


def weigh(case: Case, column: ColumnEvidence, spec: RuleSetSpec) -> Finding | None:
    """What the case comes to by the thresholds of the rule set; None if it is no more than chance."""
    if case.detector.years is not None and not case.named and (case.against or not _spread_like_births(column)):
        return None
    if case.detector.range is not None and not case.named:
        return None
    if case.detector.needs_context and not case.in_context:
        return None
    share = case.evidence.prevalence
    needed = case.detector.min_share or spec.min_match_share
    mostly_whole = case.evidence.whole >= 0.5 * case.evidence.matched
    enough = case.evidence.distinct_validated >= min(spec.min_distinct_matches, max(1, case.evidence.distinct))
    if share >= needed and mostly_whole and (enough or case.named):
        return _judge_column(case)
    return _judge_occurrence(case)


def _judge_column(case: Case) -> Finding | None:
    """Most values are the class."""
    e, detector = case.evidence, case.detector
    reasons = [f"{_count(e.validated)} of {_count(e.scanned)} values {_pass(detector)}"]
    looks_random = _looks_random(e)
    if (looks_random or _too_many_fail(e)) and not case.named:
        return None
    if detector.validator is None or e.chance > 0.3:
        # A form alone: telling where hardly anything else looks so, and in need of a name where much does.
        confidence = 0.93 if detector.form == "distinctive" else 0.6
    else:
        tail = binomial_tail(e.distinct_validated, e.distinct_matched, e.chance)
        confidence = 0.97 if tail < 1e-6 else 0.85 if tail < 1e-3 else 0.6
        reasons.append(_chance_words(e))
    if case.named:
        # A permissive form proves little beyond the name; a telling one or a check digit confirms it.
        permissive = detector.form == "common" and (detector.validator is None or e.chance > 0.3)
        confidence = max(confidence, _NAMED if permissive else 0.99)
        reasons.append("the column's name says so")
    if e.distinct_validated < 3 and detector.form == "common" and not case.named:
        # A handful of constants proves little: flags and codes look like anything.
        confidence *= 0.75
        reasons.append(f"only {e.distinct_validated} different values")
    return _finish(case, confidence, reasons, whole=True, looks_random=looks_random)


def _judge_occurrence(case: Case) -> Finding | None:
    """Some values are the class, or hold it in longer text."""
    e, detector = case.evidence, case.detector
    if detector.needs_name or detector.column_only:
        return _judge_thin_column(case) if case.named else None
    reasons = [f"found in {_count(e.validated)} of {_count(e.scanned)} values that {_pass(detector)}"]
    if _codes_of_one_form(e) and not case.named:
        return None
    if detector.form == "distinctive":
        if _looks_random(e, patience=5):
            return None
        confidence = 0.85
        if _fewer_than_chance(e):
            # Most of what has the form is something else, yet what passes stands out from it: a person should look.
            confidence = 0.7
            reasons.append(f"{_count(e.distinct_matched - e.distinct_validated)} others of this form do not pass")
    else:
        if _looks_random(e):
            return None
        tail = binomial_tail(e.distinct_validated, e.distinct_matched, e.chance) if e.chance < 1 else 1.0
        rare_in_text = e.whole < e.matched and e.matched <= 0.05 * e.scanned
        if tail > 1e-3 and not (case.named or rare_in_text):
            return None
        confidence = 0.85 if tail <= 1e-6 else 0.78 if tail <= 1e-3 else 0.5
    if detector.validator is not None and e.chance <= 0.3:
        reasons.append(_chance_words(e))
    if case.named:
        confidence = max(confidence, 0.9)
        reasons.append("the column's name says so")
    if e.validated == 1:
        reasons.append("a single value: an occurrence, not the column")
    return _finish(case, confidence, reasons, whole=False, looks_random=False)


def _judge_thin_column(case: Case) -> Finding | None:
    """A column named for the class of which fewer values than asked for have the form."""
    e = case.evidence
    if e.prevalence < 0.2 or _looks_random(e):
        return _judge_unchecked(case)
    reasons = [
        f"only {_count(e.validated)} of {_count(e.scanned)} values {_pass(case.detector)}",
        "the column's name says so",
    ]
    return _finish(case, _THIN, reasons, whole=e.whole >= e.matched, looks_random=False)


def _judge_unchecked(case: Case) -> Finding | None:
    """A column named for a number and full of its form, of which the check refuses most: made up, or another number."""
    e = case.evidence
    numbers = "[0-9]" in (case.detector.pattern or "") and e.chance <= 0.3
    if not numbers or e.distinct_matched < 3 or e.matched < 0.8 * e.scanned or e.whole < e.matched:
        return None
    reasons = [
        f"{_count(e.matched)} of {_count(e.scanned)} values have the form, {_count(e.validated)} pass the check",
        "the column's name says so",
    ]
    return _finish(case, _THIN, reasons, whole=True, looks_random=False)


def _finish(case: Case, confidence: float, reasons: list[str], *, whole: bool, looks_random: bool) -> Finding:
    if looks_random:
        confidence = min(confidence, _THIN)
        reasons.append("no more values pass the check than chance would let through")
    if case.against:
        confidence *= 0.3 if whole else 0.6
        reasons.append("a word in the column's name speaks against it")
    if not case.in_context:
        confidence *= _OUT_OF_CONTEXT
        reasons.append("nothing around the column is about people")
    if case.detector.review:
        confidence = min(confidence, 0.6)
    return Finding(case, round(confidence, 4), whole, tuple(reasons))


def _looks_random(e: ClassEvidence, patience: int = 1) -> bool:
    """Whether random values of the form would pass the check as often as these did.

    Says no while there are too few distinct values for the check to tell: with chance p, real values and random ones
    differ surely only from log(0.01) / log(p) values on. `patience` asks for so many times more.
    """
    if e.chance >= 1.0:
        return False
    if e.chance <= 0.0 or not e.distinct_matched:
        return False
    needed = patience * math.ceil(math.log(_UNLIKELY) / math.log(e.chance))
    if e.distinct_matched < needed or _fewer_than_chance(e):
        return False
    return binomial_tail(e.distinct_validated, e.distinct_matched, e.chance) > _UNLIKELY


def _too_many_fail(e: ClassEvidence) -> bool:
    """Whether of a form that most random values pass so many fail that they are random ones, few as they may be."""
    failed = e.distinct_matched - e.distinct_validated
    return 0.3 < e.chance < 1.0 and failed > 0.5 * (1 - e.chance) * e.distinct_matched


def _codes_of_one_form(e: ClassEvidence) -> bool:
    """Whether the column is one of codes of the form, of which so few pass the check that chance let them through."""
    if e.whole < 0.5 * e.matched or e.matched < 0.2 * e.scanned:
        return False
    if e.chance > 0.3:
        return _too_many_fail(e)
    return binomial_tail(e.distinct_validated, e.distinct_matched, e.chance) > _UNLIKELY


def _fewer_than_chance(e: ClassEvidence) -> bool:
    """Whether fewer values pass the check than random ones of the form would.

    The rest are then another kind of number, and chance says nothing about the few that do pass.
    """
    failed = e.distinct_matched - e.distinct_validated
    return 0 < e.chance < 1 and binomial_tail(failed, e.distinct_matched, 1 - e.chance) < _UNLIKELY**3


def _spread_like_births(column: ColumnEvidence) -> bool:
    """Whether dates lie as dates of birth do: over decades, most of them long ago, and hardly any of the last years."""
    q = column.profile.quantiles
    if not q or column.profile.distinct < 20:
        return False
    early, middle, late = q["0.05"] // 100, q["0.5"] // 100, q["0.95"] // 100
    return late - early >= 25 and 1930 <= middle <= 2000 and early < 1975 and late < 2018


def _pass(detector: Detector) -> str:
    what = detector.title.split(", in a column")[0]
    what = what[0].lower() + what[1:] if not what[:2].isupper() else what
    return f"have the form of: {what}" + (" and pass its check" if detector.validator else "")


def _chance_words(e: ClassEvidence) -> str:
    expected = e.distinct_matched * e.chance
    return (
        f"{_count(e.distinct_validated)} of {_count(e.distinct_matched)} different candidates pass the check, "
        f"where chance lets {expected:,.3g} through"
    )


def _count(number: int) -> str:
    return f"{number:,}"
