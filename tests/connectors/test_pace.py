"""Pace: no window of a tenth of a second, wherever it begins, holds more than the budget has for it."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting_proxy import CountingProxy, fullest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from source_targets import Bucket, Database, asset_of, run_sqlite

from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.connectors.pace import WINDOW_SECONDS, Pace, Pacer

RATE = 2_000_000.0


class Log:
    """What a pacer has let through, and when."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, int, int]] = []

    def __call__(self, at: float, size: int, queries: int) -> None:
        self.taken.append((at, size, queries))

    def fullest(self, column: int) -> int:
        """The most that any half-open window of a tenth of a second holds; it begins with one of its entries."""
        return max(
            sum(entry[column] for entry in self.taken[place:] if entry[0] < first[0] + WINDOW_SECONDS)
            for place, first in enumerate(self.taken)
        )

    def total(self, column: int) -> int:
        return sum(entry[column] for entry in self.taken)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def paced(clock: Clock, log: Log, **pace: float) -> Pacer:
    return Pacer(Pace.model_validate(pace), log, clock, clock.sleep)


@limits(deadline=None, max_examples=100)
@given(
    rate=st.floats(100, 1e7),
    work=st.lists(st.tuples(st.integers(1, 3_000_000), st.floats(0, 0.3)), min_size=1, max_size=12),
)
def test_any_window_holds_no_more_bytes_than_it_may(rate: float, work: list[tuple[int, float]]) -> None:
    clock, log = Clock(), Log()
    pacer = paced(clock, log, bytes_per_second=rate)

    def fetch(size: int, seconds: float) -> bytes:
        clock.now += seconds  # the bytes may have come at any moment of it
        return b"x" * size

    began, read = clock.now, 0
    for wanted, seconds in work:
        read += len(pacer.read(min(wanted, int(rate)), lambda size, seconds=seconds: fetch(size, seconds)))
    assert log.fullest(1) <= rate * WINDOW_SECONDS
    assert log.total(1) == read
    assert log.taken[0][0] >= began + WINDOW_SECONDS - 1e-6, "the one before may have taken until just now"


@limits(deadline=None, max_examples=50)
@given(rate=st.floats(0.1, 500), pauses=st.lists(st.floats(0, 0.5), min_size=2, max_size=40))
def test_any_window_holds_no_more_queries_than_it_may(rate: float, pauses: list[float]) -> None:
    clock, log = Clock(), Log()
    pacer = paced(clock, log, queries_per_second=rate)
    for pause in pauses:
        clock.now += pause
        pacer.query()
    assert log.fullest(2) <= max(1, int(rate * WINDOW_SECONDS) + 1e-9)


def test_without_limits_nothing_waits() -> None:
    clock, log = Clock(), Log()
    pacer = Pacer(None, log, clock, clock.sleep)
    pacer.query()
    assert pacer.read(1 << 20, lambda size: b"x" * size) == b"x" * (1 << 20)
    assert pacer.batch_bytes(1 << 20) == 1 << 20
    assert (clock.now, pacer.waited) == (1000.0, 0.0)


def test_a_row_larger_than_a_window_is_paid_for_by_waiting() -> None:
    clock, log = Clock(), Log()
    pacer = paced(clock, log, bytes_per_second=1000)
    rows = [pa.record_batch({"x": ["y" * 5000]}) for _ in range(3)]
    assert list(pacer.batches(iter(rows), pacer.batch_bytes(1 << 20))) == rows
    assert log.taken[-1][0] - log.taken[0][0] >= 2 * 5 - 0.1


def described(url: str, path: str) -> AssetInfo:
    parts = split_url(url)
    free = open_connector(SourceAccess(source_id="s", url=parts.url, options=parts.options), parts.credential)
    asset = asset_of(free, path)
    free.close()
    return asset


def read(url: str, pace: Pace, path: str, log: Log, asset: AssetInfo | None = None) -> tuple[list[Partition], int]:
    """Plans and reads an asset as workers do, each over its own connection with the log of all."""
    parts = split_url(url)
    access = SourceAccess(source_id="s", url=parts.url, options=parts.options)
    asset = asset or described(url, path)

    def opened() -> Any:
        return open_connector(access, parts.credential, Pacer(pace, log))

    def planned(asset: AssetInfo) -> list[Partition]:
        connector = opened()
        try:
            return list(connector.plan(asset, 1 << 18))
        finally:
            connector.close()

    partitions, rows = planned(asset), 0
    for partition in partitions:
        connector = opened()
        rows += sum(batch.num_rows for batch in connector.read(partition, 32_768, 16 << 20))
        connector.close()
    return partitions, rows


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_files_are_read_and_planned_within_the_budget(tmp_path: Path, kind: str) -> None:
    table = pa.table({"id": range(20_000), "name": [f"name number {number * 7919}" for number in range(20_000)]})
    file = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(table, file, row_group_size=5000, compression="none")
    else:
        import pyarrow.csv as pc

        with pa.output_stream(str(file)) as out:  # compresses by the name
            pc.write_csv(table, out)
    log = Log()
    partitions, rows = read(str(tmp_path), Pace(bytes_per_second=RATE), f"t.{kind}", log)
    assert rows == 20_000
    assert log.total(1) >= file.stat().st_size, "all of the file passes through the pace"
    assert log.fullest(1) <= RATE * WINDOW_SECONDS
    assert len({at for at, _, _ in log.taken}) > len(partitions)


def test_a_database_is_read_within_the_budget(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id int, name text, note text)",
        "INSERT INTO t SELECT n, 'name ' || n, CASE WHEN n % 3 = 0 THEN repeat('x', 200) END"
        " FROM generate_series(1, 8000) n",
        "ANALYZE t",
    )
    log = Log()
    pace = Pace(bytes_per_second=RATE, queries_per_second=50)
    partitions, rows = read(database.url, pace, "public.t", log)
    assert rows == 8000
    assert len(partitions) > 1
    assert log.total(1) > 8000 * 60
    assert log.fullest(1) <= RATE * WINDOW_SECONDS
    assert log.fullest(2) <= 50 * WINDOW_SECONDS
    assert log.total(2) >= len(partitions) * 3


def test_requests_to_a_store_are_within_the_budget(bucket: Bucket) -> None:
    bucket.put("t.csv", b"id,name\n" + b"".join(b"%d,name %d\n" % (number, number) for number in range(20_000)))
    log, upstream, asset = Log(), urlsplit(bucket.endpoint), described(bucket.url(), "t.csv")
    wire = CountingProxy(str(upstream.hostname), int(upstream.port or 80))
    with wire.serving() as port:
        url = bucket.url().replace(str(upstream.port), str(port))
        _, rows = read(url, Pace(bytes_per_second=RATE, queries_per_second=30), "t.csv", log, asset)
    assert rows == 20_000
    assert log.fullest(1) <= RATE * WINDOW_SECONDS
    assert log.total(2) >= 3
    assert log.fullest(2) <= 30 * WINDOW_SECONDS
    assert fullest(wire.received, WINDOW_SECONDS) <= RATE * WINDOW_SECONDS
    assert sum(size for _, size in wire.received) <= log.total(1), "what comes beside the content is counted too"


def test_a_file_database_is_read_within_the_budget(tmp_path: Path) -> None:
    series = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) "
    file = tmp_path / "t.db"
    run_sqlite(file, "CREATE TABLE t (id INTEGER, name TEXT)", f"INSERT INTO t {series} SELECT n, 'name ' || n FROM s")
    log = Log()
    _, rows = read(f"sqlite://{file}", Pace(bytes_per_second=RATE, queries_per_second=50), "t", log)
    assert rows == 5000
    assert 0 < log.fullest(1) <= RATE * WINDOW_SECONDS
    assert log.total(2) >= 2
