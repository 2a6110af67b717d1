"""Pools hold their bounds, count what happens, and the tuner finds what it was given to find."""

import math
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from actors.sources.measuring import measure
from actors.sources.tuning import (
    FetchPoint,
    PoolPoint,
    ScalabilityFit,
    advise,
    fit_fetch,
    fit_scalability,
)
from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.connectors.pool import Pool
from cluster.errors import SourceUnreachable, TooManyRequests


class Opened:
    """Stands for a connector."""

    def __init__(self, made: list["Opened"]) -> None:
        self.closed, self.answers = False, True
        made.append(self)

    def close(self) -> None:
        self.closed = True


def pool_of(size: int, made: list[Any]) -> Pool:
    return Pool(size, lambda: Opened(made), lambda one: one.answers)  # type: ignore[arg-type, return-value, attr-defined]  # as above


def test_what_is_given_back_is_lent_again_unless_it_failed_or_is_dead() -> None:
    made: list[Any] = []
    pool = pool_of(2, made)
    with pool.borrowed(1) as first:
        pass
    with pool.borrowed(1) as second:
        assert second is first
    with pytest.raises(SourceUnreachable), pool.borrowed(1):
        raise SourceUnreachable("It was lost.", "Try again.")
    assert made[0].closed
    with pool.borrowed(1):
        pass
    made[1].answers = False
    with pool.borrowed(1) as third:
        assert third is made[2]
    figures = pool.figures()
    assert (figures.opened, figures.reused, figures.discarded, figures.in_use, figures.idle) == (3, 2, 2, 0, 1)
    pool.shrink(0.0)
    assert made[2].closed


def test_a_pool_is_never_larger_than_its_size_and_waiting_has_an_end() -> None:
    made: list[Any] = []
    pool, lock, now = pool_of(3, made), threading.Lock(), [0, 0]

    def use() -> None:
        with pool.borrowed(10):
            with lock:
                now[0] += 1
                now[1] = max(now)
            time.sleep(0.005)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = pool.figures()
    assert now[1] == len(made) == 3
    assert (figures.opened + figures.reused, figures.waiters, figures.in_use) == (20, 0, 0)
    assert figures.most_waiters > 3
    with pool.borrowed(1), pool.borrowed(1), pool.borrowed(1), pytest.raises(TooManyRequests), pool.borrowed(0.01):
        pass
    assert pool.figures().timeouts == 1


def test_one_that_cannot_be_opened_takes_no_place() -> None:
    def refuse() -> Any:
        raise SourceUnreachable("It does not answer.", "Look why.")

    pool = Pool(1, refuse)
    for _ in range(3):
        with pytest.raises(SourceUnreachable), pool.borrowed(0.1):
            pass
    assert pool.figures().in_use == 0


def points(law: ScalabilityFit, numbers: list[int], noise: float = 0.0) -> list[PoolPoint]:
    return [
        PoolPoint(
            connections=n,
            rows_per_second=law.at(n) * (1 + noise * (-1) ** place),
            bytes_per_second=1.0,
            p50_ms=1.0,
            p95_ms=1.0,
        )
        for place, n in enumerate(numbers)
    ]


@limits(deadline=None)
@given(st.floats(100, 1e6), st.floats(0, 0.6), st.floats(0, 0.2))
def test_the_law_is_found_again(alone: float, queueing: float, crosstalk: float) -> None:
    law = ScalabilityFit(alone=alone, queueing=queueing, crosstalk=crosstalk)
    found = fit_scalability(points(law, [1, 2, 4, 8, 16]))
    assert found is not None
    for n in range(1, 17):
        assert found.at(n) == pytest.approx(law.at(n), rel=1e-3)


@limits(deadline=None)
@given(st.floats(0, 0.5), st.floats(0, 0.1), st.floats(0, 0.03))
def test_the_advice_reads_nearly_as_much_as_the_best_and_is_no_larger_than_needed(
    queueing: float, crosstalk: float, noise: float
) -> None:
    law = ScalabilityFit(alone=1000.0, queueing=queueing, crosstalk=crosstalk)
    advice = advise(points(law, [1, 2, 4, 8, 16], noise), [], 100.0, 1 << 24)
    assert advice.connections is not None
    best = max(law.at(n) for n in range(1, 17))
    assert law.at(advice.connections) >= 0.85 * best
    if advice.connections > 1:
        assert law.at(advice.connections - 1) < 1.01 * best * 0.99
    assert advice.reasons


@limits(deadline=None)
@given(st.floats(0.05, 50), st.floats(1e-5, 0.05), st.floats(1, 10_000))
def test_a_fetch_is_large_enough_that_its_fixed_part_is_small_and_fits_into_memory(
    fixed: float, row: float, row_bytes: float
) -> None:
    fetches = [FetchPoint(rows=rows, ms=fixed + row * rows) for rows in (512, 2048, 8192, 32_768)]
    found = fit_fetch(fetches)
    assert found is not None
    assert found.row_ms == pytest.approx(row, rel=1e-3)
    advice = advise([], fetches, row_bytes, 1 << 24)
    assert advice.fetch_rows is not None
    assert math.log2(advice.fetch_rows).is_integer()
    small = fixed / (fixed + row * advice.fetch_rows) <= 0.0501
    full = 2 * advice.fetch_rows > min(1_000_000, max(256, (1 << 24) / row_bytes))
    assert small or full


def test_little_measured_is_no_advice() -> None:
    law = ScalabilityFit(alone=1000.0, queueing=0.1, crosstalk=0.0)
    advice = advise(points(law, [1, 2]), [FetchPoint(rows=512, ms=1.0)], 100.0, 1 << 24)
    assert (advice.connections, advice.fetch_rows) == (None, None)
    assert len(advice.reasons) == 2


def test_a_real_source_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.sources.measuring.SECONDS", 0.1)
    lines = "\n".join(f"{number},person{number}@example.org" for number in range(20_000))
    (tmp_path / "people.csv").write_text(f"id,email\n{lines}\n")
    access = SourceAccess(source_id="s", url=tmp_path.as_uri())
    connector = open_connector(access, {})
    assets = connector.enumerate().assets
    connector.close()
    measured = measure(access, assets, 4, (4096, 1 << 20))
    assert [point.connections for point in measured.points][:2] == [1, 2]
    assert all(point.rows_per_second > 0 for point in measured.points)
    assert (measured.pool.in_use, measured.pool.timeouts) == (0, 0)
    assert measured.pool.opened <= 4
    assert advise(measured.points, measured.fetches, measured.row_bytes, 1 << 24).fetch_rows is not None
    small, *_, large = measured.fetches
    assert small.rows < large.rows
    assert small.ms < large.ms, "all of the time is counted, also that of what is read ahead"
