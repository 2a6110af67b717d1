"""Carrying out the named steps of a connection test."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from cluster.connectors.interface import TestStep
from cluster.errors import SextantError

DIAGNOSES: Mapping[str, str] = {
    "source-unreachable": "no-answer",
    "source-auth-failed": "bad-credential",
    "source-denied": "missing-permission",
    "source-object-gone": "not-there",
    "source-unreadable": "unreadable",
    "address-refused": "address-refused",
    "secret-unavailable": "secret-unavailable",
    "configuration-error": "installation",
}
"""What an error means where its connector says nothing closer in its context under `diagnosis`: dns-failure,
port-closed, tls-refused, expired-token, wrong-region, no-database, too-many-connections ..."""
OF_ONE = frozenset({"locked", "timed-out"})
"""Diagnoses of what could not be read just now although its source answered: others of the same source can be."""


def diagnosis_of(error: SextantError) -> str:
    """The diagnosis that goes with an error."""
    return str(error.context.get("diagnosis") or DIAGNOSES.get(error.code, error.code))


class Concern(NamedTuple):
    """A step that went through, with something to be told of: it becomes a warning."""

    summary: str
    remedy: str


class Check(NamedTuple):
    """One step: `run` returns a summary or a Concern, or raises a SextantError."""

    name: str
    category: Literal["gate", "capability"]
    run: Callable[[], str | Concern]


def run_steps(checks: Iterable[Check]) -> Iterator[TestStep]:
    """Yields each step as it ends. After a failed gate the others are skipped. Raises nothing."""
    failed = ""
    for check in checks:
        if failed:
            yield TestStep(
                name=check.name,
                status="skipped",
                category=check.category,
                duration_ms=0.0,
                summary=f"Not tried, because {failed} failed.",
            )
            continue
        step = _run(check)
        if step.status == "failed" and step.category == "gate":
            failed = step.name
        yield step


def _run(check: Check) -> TestStep:
    started = time.perf_counter()

    def ended(status: Literal["passed", "failed", "warning"], summary: str, **more: str) -> TestStep:
        spent = round((time.perf_counter() - started) * 1000, 3)
        return TestStep(
            name=check.name, status=status, category=check.category, duration_ms=spent, summary=summary, **more
        )

    try:
        result = check.run()
    except SextantError as error:
        return ended("failed", error.detail, code=error.code, diagnosis=diagnosis_of(error), remedy=error.remedy)
    if isinstance(result, Concern):
        return ended("warning", result.summary, remedy=result.remedy)
    return ended("passed", result)
