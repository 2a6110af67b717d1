"""What the facets of a dataset tell of its quality: figures, and tests that passed or failed. Values of the data that
they may hold (least, greatest, quantiles, expected and actual) are left where they are.

Formats: dataQualityMetrics 1-0-3, inputStatistics 1-0-0, outputStatistics 1-0-2, dataQualityAssertions 1-1-0, and Great
Expectations' own facet of assertions.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

from actors.catalog.contract import QUALITY_TOLD, Dimension

MOST: Final = 500
LONGEST: Final = 200
MOST_COLUMNS: Final = 10_000
ASSERTIONS: Final = ("dataQualityAssertions", "greatExpectations_assertions")
# Facets of sizes, each with the word before the figures that it tells.
SIZES: Final = {"dataQualityMetrics": "", "inputStatistics": "read_", "outputStatistics": "written_"}
_SIZES: Final = (("rows", "rowCount"), ("bytes", "bytes"), ("bytes", "size"), ("files", "fileCount"))
_DIMENSIONS: Final[tuple[tuple[Dimension, str], ...]] = (
    ("Uniqueness", r"uniq|distinct_count|duplicate"),
    ("Completeness", r"null|missing|row_count|freshness|recency|empty|volume"),
    ("Consistency", r"equal|pair|relationship|foreign|referential"),
    ("Integrity", r"schema|column_(to_)?exist|column_count|of_type|columns_match"),
    ("Validity", r"accepted|in_set|regex|valid|format|json|length|strftime|date"),
)  # fmt: skip


class Assertion(NamedTuple):
    """A test that a tool ran: what kind of test, on which column ("": the whole), and whether it passed."""

    assertion: str
    name: str
    column: str
    passed: bool
    severity: int

    @property
    def dimension(self) -> Dimension:
        """The dimension of quality that the words of the test speak of; accuracy if they name none."""
        words = self.assertion.lower()
        return next((name for name, pattern in _DIMENSIONS if re.search(pattern, words)), "Accuracy")


class Figure(NamedTuple):
    column: str
    metric: str
    value: float


def sizes(body: Mapping[str, Any]) -> dict[str, int] | None:
    """Rows, bytes and files, those that are told."""
    found = {}
    for name, field in _SIZES:
        told = _number(body.get(field))
        if told is not None and told >= 0:
            found[name] = int(told)
    return found or None


def figures(told: Mapping[str, Any]) -> Iterator[Figure]:
    """The figures of a dataset and of its columns, by the names that measured ones have."""
    for facet, before in SIZES.items():
        body = told.get(facet)
        for name, value in ((sizes(body) or {}) if isinstance(body, dict) else {}).items():
            yield Figure("", before + name, float(value))
    body = told.get("dataQualityMetrics")
    columns = body.get("columnMetrics") if isinstance(body, dict) else None
    rows = _number(body.get("rowCount")) if isinstance(body, dict) else None
    for name, metrics in list(columns.items())[:MOST_COLUMNS] if isinstance(columns, dict) else ():
        if isinstance(metrics, dict) and 0 < len(name) <= 1_000:
            yield from _of_column(name, metrics, rows)


def _of_column(name: str, metrics: Mapping[str, Any], rows: float | None) -> Iterator[Figure]:
    for metric, field in (("null_share", "nullCount"), ("distinct_share", "distinctCount")):
        count = _number(metrics.get(field))
        if count is not None and rows and 0 <= count <= rows:
            yield Figure(name, metric, count / rows)
    total, count = _number(metrics.get("sum")), _number(metrics.get("count"))
    if total is not None and count:
        yield Figure(name, "mean", float(f"{total / count:.2g}"))


def assertions(told: Mapping[str, Any]) -> list[Assertion]:
    """The tests that were run. Of several that cannot be told apart, one that failed is what counts."""
    found: dict[tuple[str, str, str], Assertion] = {}
    for facet in ASSERTIONS:
        body = told.get(facet)
        listed = body.get("assertions") if isinstance(body, dict) else None
        for one in listed[:MOST] if isinstance(listed, list) else ():
            read = _assertion(one) if isinstance(one, dict) else None
            if read is not None:
                held = found.get(read[:3])
                found[read[:3]] = read if held is None or held.passed else held
    return list(found.values())


def told_test(asset_id: str, column: str, parameters: Mapping[str, Any]) -> str:
    """The identifier of a test that a tool runs: 32 hexadecimal characters of SHA-256 over what it is."""
    key = json.dumps([asset_id, QUALITY_TOLD, column, parameters], sort_keys=True)
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _assertion(one: Mapping[str, Any]) -> Assertion | None:
    kind, passed = one.get("assertion") or one.get("expectationType"), one.get("success")
    if not isinstance(kind, str) or not kind.strip() or not isinstance(passed, bool):
        return None
    name, column = one.get("name"), one.get("column")
    severity = 4 if str(one.get("severity")).lower() in {"warn", "warning"} else 3
    return Assertion(
        kind.strip()[:LONGEST], name[:LONGEST] if isinstance(name, str) else "",
        column if isinstance(column, str) and len(column) <= 1_000 else "", passed, severity,
    )  # fmt: skip


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18
    return float(value) if fits and isfinite(value) else None
