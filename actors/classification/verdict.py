"""Tier 1: what a column holds, from its evidence, its name and its neighbours.

Pure: the same input gives the same labels. Each detector's evidence is weighed by itself (`weighing`); of what remains
the best reading of each class is kept, and readings that a settled column leaves no room for are dropped.
"""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from actors.classification.weighing import Case, Finding, weigh
from cluster.detectors.compile import CompiledRules
from cluster.detectors.taxonomy import Sensitivity, Taxonomy
from cluster.detectors.words import joined, phrases_of
from cluster.kernels.plan import names_match, speaks_against, speaks_for
from cluster.kernels.report import ColumnEvidence

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


def verdict(
    evidence: ColumnEvidence,
    table: str,
    neighbours: tuple[str, ...],
    taxonomy: Taxonomy,
    rules: CompiledRules,
    *,
    method: Literal["census", "sample"] = "census",
) -> tuple[Label, ...]:
    """The labels of a column, the surest first; none if nothing is sure enough to be worth a look.

    `table` is the asset's path and `neighbours` the names of its other columns. Classes outside the rule set or not
    reported by the taxonomy give no label.
    """
    findings = [
        finding
        for case in _cases(evidence, table, neighbours, taxonomy, rules)
        if (finding := weigh(case, evidence, rules.spec)) is not None and finding.confidence >= _SHOWN
    ]
    kept = _without_rivals(_best_of_each_class(findings))
    return tuple(_label(finding, taxonomy, rules, method) for finding in kept)


def _cases(
    evidence: ColumnEvidence, table: str, neighbours: Sequence[str], taxonomy: Taxonomy, rules: CompiledRules
) -> list[Case]:
    phrases = phrases_of(evidence.column)
    around = frozenset().union(phrases_of(_last_name(table)), *(phrases_of(name) for name in neighbours))
    cases = []
    for item in evidence.classes:
        detector = rules.detector(item.detector)
        data_class = taxonomy.classes.get(item.data_class)
        if detector is None or data_class is None or not data_class.reported or not item.validated:
            continue
        cases.append(
            Case(
                item,
                detector,
                named=names_match(detector, phrases, rules.attribute_words),
                against=speaks_against(detector, phrases) and not speaks_for(detector, phrases),
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


def _best_of_each_class(findings: list[Finding]) -> list[Finding]:
    best: dict[str, Finding] = {}
    for finding in sorted(findings, key=_rank):
        best.setdefault(finding.case.evidence.data_class, finding)
    return sorted(best.values(), key=_rank)


def _rank(finding: Finding) -> tuple[float, bool, float, str]:
    e = finding.case.evidence
    return (-finding.confidence, not finding.whole, -e.prevalence, e.detector)


def _without_rivals(findings: list[Finding]) -> list[Finding]:
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


def _apart(finding: Finding, room: int) -> bool:
    """Whether an occurrence can be more than another reading of the settled values: it is rare, or they leave room."""
    e = finding.case.evidence
    return e.validated <= room or e.prevalence <= 0.05


def _label(finding: Finding, taxonomy: Taxonomy, rules: CompiledRules, method: Literal["census", "sample"]) -> Label:
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
