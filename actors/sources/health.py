"""How a source is, judged from probes: states with hysteresis, and latencies in bins that can be added up.

A state changes on several probes, never on one (n of m, as in "Site Reliability Engineering", 2016, chapter 6, and the
load balancers of the large clouds): so one lost packet alarms nobody, and one lucky answer ends no alarm.

    healthy -> degraded .... 2 of the last 5 failed, or answers take three times what is usual, and 20 ms more
    any -> unreachable ..... 3 of the last 5 failed, the last one among them
    unreachable -> degraded  3 in a row went well
    degraded -> healthy .... 5 in a row went well, and answers take less than twice what is usual
    auth_failed ............ said by a connection test, and taken back by one
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

HealthState = Literal["unknown", "healthy", "degraded", "unreachable", "auth_failed"]

REMEMBERED = 5
SUSPECT, DOWN, BACK = 2, 3, 3
SLOW, SETTLED, SLOW_MS = 3.0, 2.0, 20.0
RECENT_WEIGHT, USUAL_WEIGHT = 0.3, 0.02
BINS_PER_OCTAVE = 4
LEAST_MS = 0.05
"""Latencies below are of the first bin. A bin is a quarter of an octave wide: a percentile is right to within 9 %."""


class Standing(BaseModel):
    """What is remembered of a source between two probes. `recent` are the last outcomes, the newest last."""

    model_config = ConfigDict(frozen=True)

    state: HealthState = "unknown"
    recent: tuple[bool, ...] = ()
    recent_ms: float | None = None
    usual_ms: float | None = None
    refused: bool = False
    told: str = ""
    """What was told last of when its credential runs out (`actors.sources.expiry`)."""


def probed(before: Standing, up: bool, ms: float) -> Standing:
    """The standing after one more probe; `ms` counts only where it went well."""
    recent = (*before.recent, up)[-REMEMBERED:]
    recent_ms = _mean(before.recent_ms, ms, RECENT_WEIGHT) if up else before.recent_ms
    usual_ms = before.usual_ms
    if up and before.state in ("unknown", "healthy"):  # what is usual is not learned from what is not
        usual_ms = _mean(before.usual_ms, ms, USUAL_WEIGHT)
    after = before.model_copy(update={"recent": recent, "recent_ms": recent_ms, "usual_ms": usual_ms})
    return after.model_copy(update={"state": _state(before.state, after)})


def refused(before: Standing, refused: bool) -> Standing:
    """The standing after a connection test that was refused for its credential, or was not."""
    after = before.model_copy(update={"refused": refused})
    return after.model_copy(update={"state": _state(before.state, after)})


def _state(before: HealthState, now: Standing) -> HealthState:
    failed = now.recent.count(False)
    good = _in_a_row(now.recent)
    if failed >= DOWN and not now.recent[-1]:
        return "unreachable"
    if before == "unreachable" and good < BACK:
        return "unreachable"
    if now.refused:
        return "auth_failed"
    if not now.recent:
        return "unknown"
    if before in ("degraded", "unreachable"):
        calm = good >= REMEMBERED and not _slow(now, SETTLED)
        return "healthy" if calm else "degraded"
    return "degraded" if failed >= SUSPECT or _slow(now, SLOW) else "healthy"


def _slow(now: Standing, factor: float) -> bool:
    if now.recent_ms is None or now.usual_ms is None:
        return False
    return now.recent_ms > now.usual_ms * factor and now.recent_ms - now.usual_ms > SLOW_MS


def _in_a_row(recent: Sequence[bool]) -> int:
    count = 0
    for up in reversed(recent):
        if not up:
            break
        count += 1
    return count


def _mean(before: float | None, value: float, weight: float) -> float:
    return value if before is None else (1 - weight) * before + weight * value


def bin_of(ms: float) -> int:
    """The bin of a latency."""
    return max(0, math.ceil(BINS_PER_OCTAVE * math.log2(max(ms, LEAST_MS) / LEAST_MS)))


def added(histograms: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of histograms; adding does not depend on the order."""
    total: dict[str, int] = {}
    for histogram in histograms:
        for name, count in histogram.items():
            total[name] = total.get(name, 0) + count
    return total


def percentile(histogram: Mapping[str, int], share: float) -> float | None:
    """The latency in ms below which this share of the probes lies, to within a bin; None without any."""
    total = sum(histogram.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for number in sorted(map(int, histogram)):
        seen += histogram[str(number)]
        if seen >= wanted:
            return round(LEAST_MS * 2 ** ((number - 0.5) / BINS_PER_OCTAVE), 3)
    return None
