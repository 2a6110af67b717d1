"""How many connections a source is best read by, and how many rows at a time: models of what was measured.

Connections follow the universal scalability law (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4): with n of
them the throughput is

    X(n) = L n / (1 + s (n - 1) + k n (n - 1))

where L is what one alone reads, s the share that has to queue for something, and k what they cost each other. It is
linear in 1/L, s/L and k/L once written as n/X, and is fitted by least squares in which none of the three is negative.
X has its peak at sqrt((1 - s) / k). Around a peak it is flat: the advice is the smallest n within 5 % of the best up to
the largest n that was measured, since every connection costs the source memory.

A fetch of r rows takes t(r) = a + c r: what each fetch costs, however small, and what a row costs. The advice is the
smallest power of two for which a is 5 % of the whole, within the memory that a batch may take.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy.typing as npt

NEAR_BEST = 0.95
OVERHEAD = 0.05
LEAST_ROWS, MOST_ROWS = 256, 1_000_000


class PoolPoint(BaseModel):
    """What was read by some connections at once. Latencies are of one batch, in ms."""

    model_config = ConfigDict(frozen=True)

    connections: int
    rows_per_second: float
    bytes_per_second: float
    p50_ms: float
    p95_ms: float


class FetchPoint(BaseModel):
    """What batches of about so many rows took, in ms, by one connection."""

    model_config = ConfigDict(frozen=True)

    rows: float
    ms: float


class ScalabilityFit(BaseModel):
    """The law fitted: `alone` rows a second by one connection, the share that queues, what they cost each other."""

    model_config = ConfigDict(frozen=True)

    alone: float
    queueing: float
    crosstalk: float

    def at(self, connections: float) -> float:
        """Rows a second by so many connections."""
        n = connections
        return self.alone * n / (1 + self.queueing * (n - 1) + self.crosstalk * n * (n - 1))

    @property
    def peak(self) -> float:
        """Where more would read less; infinite where there is no such number."""
        if self.crosstalk <= 0:
            return math.inf
        return math.sqrt(max(0.0, 1 - self.queueing) / self.crosstalk)


class FetchFit(BaseModel):
    """A fetch takes `fixed_ms` and `row_ms` for each row."""

    model_config = ConfigDict(frozen=True)

    fixed_ms: float
    row_ms: float


class Advice(BaseModel):
    """What to set, what the models say of it, and why, in sentences."""

    model_config = ConfigDict(frozen=True)

    connections: int | None
    fetch_rows: int | None
    scalability: ScalabilityFit | None
    fetch: FetchFit | None
    reasons: tuple[str, ...]


def advise(points: Sequence[PoolPoint], fetches: Sequence[FetchPoint], row_bytes: float, batch_bytes: int) -> Advice:
    """The advice that the points support; None for what they do not."""
    law, fetch = fit_scalability(points), fit_fetch(fetches)
    reasons: list[str] = []
    connections = rows = None
    if law is not None:
        connections = _connections(law, points)
        reasons += _why_connections(law, connections)
    else:
        reasons.append("Too few numbers of connections were measured to tell how the source scales.")
    if fetch is not None:
        rows = _rows(fetch, row_bytes, batch_bytes)
        reasons.append(
            f"A fetch costs {fetch.fixed_ms:.2f} ms and {fetch.row_ms * 1000:.2f} µs for each row, so with {rows} rows"
            f" the fixed part is {_overhead(fetch, rows):.1%}."
        )
    else:
        reasons.append("Too few sizes of batches were measured to tell what a fetch costs.")
    return Advice(connections=connections, fetch_rows=rows, scalability=law, fetch=fetch, reasons=tuple(reasons))


def fit_scalability(points: Sequence[PoolPoint]) -> ScalabilityFit | None:
    """The law of the points; None unless three numbers of connections were measured."""
    import numpy as np  # for whoever fits, and not for all who know what an advice is

    usable = [point for point in points if point.rows_per_second > 0]
    if len({point.connections for point in usable}) < 3:
        return None
    n = np.array([point.connections for point in usable], dtype=float)
    y = n / np.array([point.rows_per_second for point in usable])
    terms = np.column_stack([np.ones_like(n), n - 1, n * (n - 1)]) / y[:, None]  # relative errors count alike
    found = _nonnegative(terms, np.ones_like(n))
    if found[0] <= 0:
        return None
    return ScalabilityFit(alone=1 / found[0], queueing=min(1.0, found[1] / found[0]), crosstalk=found[2] / found[0])


def fit_fetch(points: Sequence[FetchPoint]) -> FetchFit | None:
    """The line through the points; None unless two sizes were measured."""
    import numpy as np

    if len({point.rows for point in points}) < 2:
        return None
    rows = np.array([point.rows for point in points], dtype=float)
    ms = np.maximum(np.array([point.ms for point in points], dtype=float), 1e-6)
    found = _nonnegative(np.column_stack([np.ones_like(rows), rows]) / ms[:, None], np.ones_like(rows))
    return FetchFit(fixed_ms=float(found[0]), row_ms=float(found[1]))


def _connections(law: ScalabilityFit, points: Sequence[PoolPoint]) -> int:
    most = max(point.connections for point in points)  # beyond it the law is a guess
    reads = {n: law.at(n) for n in range(1, most + 1)}
    best = max(reads.values())
    return next(n for n in sorted(reads) if reads[n] >= NEAR_BEST * best)


def _why_connections(law: ScalabilityFit, chosen: int) -> list[str]:
    peak = "no peak" if math.isinf(law.peak) else f"a peak at {law.peak:.1f} connections"
    return [
        f"One connection reads {law.alone:,.0f} rows a second; {law.queueing:.1%} of the work queues, and each pair"
        f" costs {law.crosstalk:.2%}: {peak}.",
        f"{chosen} connections read {law.at(chosen):,.0f} rows a second, within 5 % of the best among those measured.",
    ]


def _rows(fetch: FetchFit, row_bytes: float, batch_bytes: int) -> int:
    most = max(LEAST_ROWS, min(MOST_ROWS, int(batch_bytes / max(1.0, row_bytes))))
    if fetch.row_ms <= 0:
        return 1 << int(math.log2(most))
    wanted = fetch.fixed_ms / fetch.row_ms * (1 - OVERHEAD) / OVERHEAD
    return min(1 << int(math.log2(most)), 1 << math.ceil(math.log2(max(LEAST_ROWS, wanted))))


def _overhead(fetch: FetchFit, rows: int) -> float:
    whole = fetch.fixed_ms + fetch.row_ms * rows
    return fetch.fixed_ms / whole if whole > 0 else 0.0


def _nonnegative(terms: "npt.NDArray[Any]", wanted: "npt.NDArray[Any]") -> list[float]:
    """Least squares with no negative coefficient: the best of the fits with some of the terms left out."""
    import numpy as np

    count = terms.shape[1]
    best, least = [0.0] * count, math.inf
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            part = terms[:, chosen]
            found = np.linalg.lstsq(part, wanted, rcond=None)[0]
            error = float(np.square(part @ found - wanted).sum())
            if (found >= -1e-12).all() and error < least - 1e-15:
                least = error
                best = [0.0] * count
                for place, value in zip(chosen, found, strict=True):
                    best[place] = max(0.0, float(value))
    return best
