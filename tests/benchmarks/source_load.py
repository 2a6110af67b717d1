"""What `bench_source_load` reads from the logs, and how it prints it."""

import random
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from cluster.connectors.pace import WINDOW_SECONDS

RESAMPLED = 2_000
Span = tuple[float, float]


@dataclass(frozen=True)
class Done:
    """A transaction: when it was due, by the wall clock, and the seconds until it was done."""

    due: float
    seconds: float


def transactions(folder: Path) -> list[Done]:
    """Those of pgbench's log: client, number, microseconds, script, end in seconds and microseconds, lag."""
    found = []
    for path in folder.glob("pgbench_log.*"):
        for line in path.read_text("ascii").splitlines():
            words = line.split()
            if words[2].isdigit():
                seconds = int(words[2]) / 1e6
                found.append(Done(int(words[4]) + int(words[5]) / 1e6 - seconds, seconds))
    return found


def inside(done: Sequence[Done], span: Span) -> list[float]:
    """The seconds of those that were due in a span."""
    return [one.seconds for one in done if span[0] <= one.due < span[1]]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def ratio_of(pairs: Sequence[tuple[list[float], list[float]]], share: float) -> float:
    """The quantile of all of the first over that of all of the second."""
    first, second = ([value for pair in pairs for value in pair[side]] for side in (0, 1))
    return quantile(first, share) / quantile(second, share)


def fullest(entries: Sequence[tuple[float, float]], seconds: float) -> float:
    """The most that any half-open window of that length holds of (time, amount), sorted; one begins at an entry."""
    most, held, first = 0.0, 0.0, 0
    for at, amount in entries:
        held += amount
        while entries[first][0] <= at - seconds:
            held -= entries[first][1]
            first += 1
        most = max(most, held)
    return most


def statements(log: Path) -> list[tuple[float, float]]:
    """When the server was given each statement of the role whose statements it logs."""
    found = re.findall(
        r"^(\S+ \S+) UTC \[\d+\] LOG:  (?:statement|execute [^:]*): ", log.read_text("utf-8", "replace"), re.M
    )
    return [(datetime.strptime(at + "+0000", "%Y-%m-%d %H:%M:%S.%f%z").timestamp(), 1.0) for at in found]


def report_latency(done: Sequence[Done], spans: Sequence[tuple[Span, Span]]) -> None:
    """Prints p50 and p95 of the transactions with and without the scan, and their ratios."""
    pairs = [(inside(done, on), inside(done, off)) for on, off in spans]
    alone = [off for _, off in pairs]
    halves = list(zip(alone[::2], alone[1::2], strict=False))
    chance = random.Random(1)
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        values = [[value for pair in pairs for value in pair[side]] for side in (0, 1)]
        drawn = sorted(ratio_of(chance.choices(pairs, k=len(pairs)), share) for _ in range(RESAMPLED))
        low, high = drawn[RESAMPLED // 40], drawn[-RESAMPLED // 40]
        each = statistics.median(quantile(on, share) / quantile(off, share) for on, off in pairs)
        same = f", without against without {ratio_of(halves, share):.2f}" if halves else ""
        print(
            f"  {name}  with the scan {quantile(values[0], share) * 1e3:7.2f} ms, without "
            f"{quantile(values[1], share) * 1e3:7.2f} ms: ratio {ratio_of(pairs, share):.3f} ({low:.2f} to {high:.2f}),"
            f" median of the pairs {each:.3f}{same}"
        )
    print(f"  {len(values[0]):,} transactions with, {len(values[1]):,} without, in {len(pairs)} pairs of windows")


def received(samples: Sequence[tuple[float, int]]) -> list[tuple[float, float]]:
    """What came between two samples of (time, bytes so far). A sample that was taken late covers more than a window: of
    what came since the one before counts the share of one window."""
    return [
        (at, (now - before) * min(1.0, WINDOW_SECONDS / (at - since)))
        for (since, before), (at, now) in pairwise(samples)
    ]


def report_pace(told: dict[str, Any], asked: Sequence[tuple[float, float]], pace: dict[str, float]) -> bool:
    """Prints what was taken against the budget; whether the pace let more through."""
    sizes = [(at, float(size)) for at, size, _ in told["taken"] if size]
    queries = [(at, float(count)) for at, _, count in told["taken"] if count]
    wire = received(told["wire"])
    rate, often = pace["bytes_per_second"], pace["queries_per_second"]
    limits = (rate * WINDOW_SECONDS, max(1.0, often * WINDOW_SECONDS // 1))
    exceeded = False
    for name, entries, limit, second in (
        ("bytes let through", sizes, limits[0], rate),
        ("queries let through", queries, limits[1], often),
        ("bytes received", wire, limits[0], rate),
        ("statements logged", asked, limits[1], often),
    ):
        tenth, whole = fullest(entries, WINDOW_SECONDS), fullest(entries, 1.0)
        exceeded |= tenth > limit or whole > max(1.0, second)
        print(
            f"  {name:20} at most {tenth:12,.0f} of {limit:12,.0f} in 0.1 s, {whole:12,.0f} of {second:12,.0f} in 1 s; "
            f"{sum(amount for _, amount in entries):,.0f} in all"
        )
    return exceeded
