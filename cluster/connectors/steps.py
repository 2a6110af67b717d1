"""Running the named steps of a connection test."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from cluster.connectors.interface import TestStep
from cluster.errors import SourceError

Category = Literal["gate", "capability"]
# What a check brings: a summary, or a summary with a remedy, which is a warning.
Check = Callable[[], str | tuple[str, str]]


def run_steps(steps: Sequence[tuple[str, Category, Check]]) -> Iterator[TestStep]:
    """Yields each step as it ends. After a gate that failed the others are skipped. Never raises SourceError."""
    closed = False
    for name, category, check in steps:
        if closed:
            yield TestStep(
                name=name, status="skipped", category=category, duration_ms=0, summary="An earlier step failed."
            )
            continue
        started = time.perf_counter()
        try:
            found = check()
        except SourceError as error:
            closed = category == "gate"
            yield _step(name, category, started, "failed", error.detail, error.remedy, error.code)
        else:
            if isinstance(found, tuple):
                yield _step(name, category, started, "warning", *found)
            else:
                yield _step(name, category, started, "passed", found)


def _step(
    name: str, category: Category, started: float, status: Literal["passed", "failed", "warning"],
    summary: str, remedy: str | None = None, code: str | None = None,
) -> TestStep:  # fmt: skip
    duration = (time.perf_counter() - started) * 1000
    return TestStep(
        name=name, status=status, category=category, duration_ms=duration, summary=summary, remedy=remedy, code=code
    )
