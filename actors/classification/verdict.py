"""Tier 1: what a column holds, from its evidence, its name and its neighbours. Pure: the same input, the same labels.

Three questions decide. Are the hits more than chance? A check digit lets a known share of random values pass, so the number of
distinct values that passed is compared with the binomial tail at that chance. Is it the column, or something in it? A
column is a class as a whole if most values are, else the class occurs in it. Does the name agree?
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from cluster.detectors.compile import CompiledRules
from cluster.detectors.detector import Detector
from cluster.detectors.taxonomy import Sensitivity, Taxonomy
from cluster.detectors.words import joined, phrases_of
from cluster.kernels.intervals import binomial_tail
from cluster.kernels.plan import names_match, speaks_against
from cluster.kernels.report import ClassEvidence, ColumnEvidence

_UNLIKELY: Final = 0.01
_SETTLED: Final = 0.9
_SHOWN: Final = 0.3


class Label(BaseModel):
    """A class on a column. `matched` of `scanned` values hold it; `low` and `high` bound the prevalence at 95 %.

    whole_column: the values are the class; false: it occurs in some of them. state: `review` if a person should look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_class: str
    sensitivity: Sensitivity
    tags: tuple[str, ...]
    confidence: float
    prevalence: float
    low: float
    high: float
    matched: int
    scanned: int
    whole_column: bool
    method: Literal["census", "sample"]
    tier: Literal["rules"] = "rules"
    detector: str
    state: Literal["automatic", "review"]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    """One detector's evidence with what the names say about it."""

    evidence: ClassEvidence
    detector: Detector
    named: bool
    against: bool
    in_context: bool


@dataclass(frozen=True)
class _Finding:
    case: _Case
    confidence: float
    whole: bool
    reasons: tuple[str, ...]


def verdict(
    evidence: ColumnEvidence,
    table: str,
    neighbours: tuple[str, ...],
    taxonomy: Taxonomy,
    rules: CompiledRules,
    method: Literal["census", "sample"] = "census",
) -> tuple[Label, ...]:
    """The labels of a column, the surest first; none if nothing is sure enough to be worth a look.

    `table` is the asset's path and `neighbours` the names of its other columns. Classes outside the rule set or not
    reported by the taxonomy give no label.
    """
    findings = [
        finding
        for case in _cases(evidence, table, neighbours, taxonomy, rules)
        if (finding := _judge(case, evidence, rules)) is not None and finding.confidence >= _SHOWN
    ]
    kept = _without_rivals(_best_of_each_class(findings))
    return tuple(_label(finding, taxonomy, rules, method) for finding in kept)


def _cases(
    evidence: ColumnEvidence, table: str, neighbours: Sequence[str], taxonomy: Taxonomy, rules: CompiledRules
) -> list[_Case]:
    phrases = phrases_of(evidence.column)
    around = frozenset().union(phrases_of(_last_name(table)), *(phrases_of(name) for name in neighbours))
    cases = []
    for item in evidence.classes:
        detector = rules.detector(item.detector)
        data_class = taxonomy.classes.get(item.data_class)
        if detector is None or data_class is None or not data_class.reported or not item.validated:
            continue
        cases.append(
            _Case(
                item,
                detector,
                named=names_match(detector, phrases, rules.attribute_words),
                against=speaks_against(detector, phrases, rules.attribute_words),
                in_context=not detector.context or any(joined(c) in around for c in detector.context),
            )
        )
    return cases


def _last_name(path: str) -> str:
    """The name of a table or file without its folders, schema and extension, which are about the source."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    parts = name.split(".")
    known = {"parquet", "csv", "json", "jsonl", "ndjson", "tsv", "gz", "txt"}
    kept = [part for part in parts if part.lower() not in known]
    return kept[-1] if kept else name


def _judge(case: _Case, column: ColumnEvidence, rules: CompiledRules) -> _Finding | None:
    if case.detector.years is not None and not case.named and (case.against or not _spread_like_births(column)):
        return None
    if case.detector.range is not None and not case.named:
        return None
    share = case.evidence.prevalence
    needed = case.detector.min_share or rules.spec.min_match_share
    mostly_whole = case.evidence.whole >= 0.5 * case.evidence.matched
    enough = case.evidence.distinct_validated >= min(rules.spec.min_distinct_matches, max(1, case.evidence.distinct))
    if share >= needed and mostly_whole and (enough or case.named):
        return _judge_column(case)
    return _judge_occurrence(case)


def _judge_column(case: _Case) -> _Finding | None:
    """Most values are the class."""
    e, detector = case.evidence, case.detector
    reasons = [f"{_count(e.validated)} of {_count(e.scanned)} values {_pass(detector)}"]
    looks_random = _looks_random(e)
    if looks_random and not case.named:
        return None
    if detector.validator is None or e.chance > 0.5:
        # A form alone: telling where hardly anything else looks so, and in need of a name where much does.
        confidence = 0.93 if detector.form == "distinctive" else 0.6
    else:
        tail = binomial_tail(e.distinct_validated, e.distinct_matched, e.chance)
        confidence = 0.97 if tail < 1e-6 else 0.85 if tail < 1e-3 else 0.6
        reasons.append(_chance_words(e))
    if case.named:
        confidence = max(confidence, 0.9 if detector.needs_name and detector.validator is None else 0.99)
        reasons.append("the column's name says so")
    if e.distinct_validated < 3 and detector.form == "common" and not case.named:
        # A handful of constants proves little: flags and codes look like anything.
        confidence *= 0.75
        reasons.append(f"only {e.distinct_validated} different values")
    return _finish(case, confidence, reasons, whole=True, looks_random=looks_random)


def _judge_occurrence(case: _Case) -> _Finding | None:
    """Some values are the class, or hold it in longer text."""
    e, detector = case.evidence, case.detector
    if detector.needs_name:
        return _judge_thin_column(case)
    reasons = [f"found in {_count(e.validated)} of {_count(e.scanned)} values that {_pass(detector)}"]
    if detector.form == "distinctive":
        if _looks_random(e, patience=5):
            return None
        confidence = 0.85
    else:
        if _looks_random(e):
            return None
        tail = binomial_tail(e.distinct_validated, e.distinct_matched, e.chance) if e.chance < 1 else 1.0
        rare_in_text = e.whole < e.matched and e.matched <= 0.05 * e.scanned
        if tail > 1e-3 and not (case.named or rare_in_text):
            return None
        confidence = 0.85 if tail <= 1e-6 else 0.78 if tail <= 1e-3 else 0.5
    if detector.validator is not None and e.chance <= 0.5:
        reasons.append(_chance_words(e))
    if case.named:
        confidence = max(confidence, 0.9)
        reasons.append("the column's name says so")
    if e.validated == 1:
        reasons.append("a single value: an occurrence, not the column")
    return _finish(case, confidence, reasons, whole=False, looks_random=False)


def _judge_thin_column(case: _Case) -> _Finding | None:
    """A column named for the class of which fewer values than asked for have the form."""
    e = case.evidence
    if e.prevalence < 0.2 or _looks_random(e):
        return None
    reasons = [
        f"only {_count(e.validated)} of {_count(e.scanned)} values {_pass(case.detector)}",
        "the column's name says so",
    ]
    return _finish(case, 0.5, reasons, whole=e.whole >= e.matched, looks_random=False)


def _finish(case: _Case, confidence: float, reasons: list[str], *, whole: bool, looks_random: bool) -> _Finding:
    if looks_random:
        confidence = min(confidence, 0.5)
        reasons.append("no more values pass the check than chance would let through")
    if case.against:
        confidence *= 0.6
        reasons.append("a word in the column's name speaks against it")
    if not case.in_context:
        confidence *= 0.65
        reasons.append("nothing around the column is about people")
    if case.detector.review:
        confidence = min(confidence, 0.6)
    return _Finding(case, round(confidence, 4), whole, tuple(reasons))


def _looks_random(e: ClassEvidence, patience: int = 1) -> bool:
    """Whether random values of the form would pass the check as often as these did.

    Says no while there are too few distinct values for the check to tell: with chance p, real values and random ones differ
    surely only from log(0.01) / log(p) values on. `patience` asks for so many times more.
    """
    if e.chance >= 1.0:
        return False
    needed = patience * math.ceil(math.log(_UNLIKELY) / math.log(e.chance))
    if e.distinct_matched < needed:
        return False
    return binomial_tail(e.distinct_validated, e.distinct_matched, e.chance) > _UNLIKELY


def _spread_like_births(column: ColumnEvidence) -> bool:
    """Whether dates lie as dates of birth do: over decades, most of them long ago, and hardly any of the last years."""
    q = column.profile.quantiles
    if not q or column.profile.distinct < 20:
        return False
    early, middle, late = q["0.05"] // 100, q["0.5"] // 100, q["0.95"] // 100
    return late - early >= 25 and 1930 <= middle <= 2000 and early < 1975 and late < 2018


def _best_of_each_class(findings: list[_Finding]) -> list[_Finding]:
    best: dict[str, _Finding] = {}
    for finding in sorted(findings, key=_rank):
        best.setdefault(finding.case.evidence.data_class, finding)
    return sorted(best.values(), key=_rank)


def _rank(finding: _Finding) -> tuple[float, bool, float, str]:
    e = finding.case.evidence
    return (-finding.confidence, not finding.whole, -e.prevalence, e.detector)


def _without_rivals(findings: list[_Finding]) -> list[_Finding]:
    """Once it is settled what the column is, lesser readings of the same values go; telling occurrences stay."""
    settled = next((f for f in findings if f.whole and f.confidence >= _SETTLED), None)
    if settled is None:
        return findings
    room = settled.case.evidence.scanned - settled.case.evidence.validated
    return [
        f
        for f in findings
        if f is settled
        or (not f.whole and f.case.detector.form == "distinctive" and _apart(f, room))
        or (f.whole and f.case.named and f.case.evidence.validated > 0 and f.confidence >= settled.confidence)
    ]


def _apart(finding: _Finding, room: int) -> bool:
    """Whether an occurrence can be more than another reading of the settled values: it is rare, or they leave room."""
    e = finding.case.evidence
    return e.validated <= room or e.prevalence <= 0.05


def _label(finding: _Finding, taxonomy: Taxonomy, rules: CompiledRules, method: Literal["census", "sample"]) -> Label:
    e = finding.case.evidence
    return Label(
        data_class=e.data_class,
        sensitivity=taxonomy.of(e.data_class).sensitivity,
        tags=taxonomy.of(e.data_class).tags,
        confidence=finding.confidence,
        prevalence=e.prevalence,
        low=e.low,
        high=e.high,
        matched=e.validated,
        scanned=e.scanned,
        whole_column=finding.whole,
        method=method,
        detector=e.detector,
        state="automatic" if finding.confidence >= rules.spec.automatic_at else "review",
        reasons=finding.reasons,
    )


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
