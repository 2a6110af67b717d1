"""Measuring in a worker how a source answers: by more and more connections, and in smaller and larger batches."""

import itertools
import statistics
import threading
import time
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from actors.sources.tuning import FetchPoint, PoolPoint
from cluster.connectors.interface import AssetInfo, Connector, Partition, SourceAccess
from cluster.connectors.pool import Pool, PoolFigures
from cluster.errors import SextantError, SourceError

PARTITION_BYTES = 8 << 20
MOST_PARTITIONS = 64
SECONDS = 0.8
PATIENCE = 10.0
BATCHES = (512, 2048, 8192, 32_768)
CONNECTIONS = (1, 2, 4, 8, 16)


class Measured(BaseModel):
    """What was measured, and how the pool was used for it. `row_bytes` is the mean size of a row in memory."""

    model_config = ConfigDict(frozen=True)

    points: tuple[PoolPoint, ...]
    fetches: tuple[FetchPoint, ...]
    row_bytes: float
    pool: PoolFigures


def measure(access: SourceAccess, assets: Sequence[AssetInfo], most: int, batch: tuple[int, int]) -> Measured:
    """Reads parts of the assets again and again, for some seconds in all, and keeps nothing of them.

    `batch` is rows and bytes of a batch. Ends early where more connections read less. Raises SourceError.
    """
    from cluster.connectors import open_connector
    from cluster.connectors.opening import credential_of

    credential = credential_of(access)
    pool = Pool(1, lambda: open_connector(access, credential))
    try:
        with pool.borrowed(PATIENCE) as connector:
            parts = [part for asset in assets for part in connector.plan(asset, PARTITION_BYTES)][:MOST_PARTITIONS]
            if not parts:
                raise SourceError("The source holds nothing that could be read to measure it.", "Discover it first.")
            _fetch(connector, parts, BATCHES[0], batch[1])  # what is read for the first time says how cold it was
            fetches = tuple(_fetch(connector, parts, rows, batch[1]) for rows in BATCHES)
        points: list[PoolPoint] = []
        row_bytes = 0.0
        for count in (number for number in CONNECTIONS if number <= most):
            pool.resize(count)
            point, row_bytes = _together(pool, parts, count, batch)
            points.append(point)
            if len(points) > 2 and point.rows_per_second < 0.8 * max(one.rows_per_second for one in points):
                break
        return Measured(points=tuple(points), fetches=fetches, row_bytes=row_bytes, pool=pool.figures())
    finally:
        pool.shrink(0.0)


def _fetch(connector: Connector, parts: Sequence[Partition], rows: int, most_bytes: int) -> FetchPoint:
    """What a batch of so many rows takes on the average: some readers fetch much at once and cut it up afterwards."""
    batches = read = 0
    begun = time.perf_counter()
    for part in itertools.cycle(parts):
        for batch in connector.read(part, rows, most_bytes):
            batches += 1
            read += batch.num_rows
        seconds = time.perf_counter() - begun
        if seconds > SECONDS / 2:
            break
    return FetchPoint(rows=read / max(1, batches), ms=seconds * 1000 / max(1, batches))


class _Tally:
    """What the readers of one round have read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rows = self.bytes = 0
        self.times: list[float] = []
        self.error: SextantError | None = None


def _together(pool: Pool, parts: Sequence[Partition], count: int, batch: tuple[int, int]) -> tuple[PoolPoint, float]:
    numbers, tally = itertools.count(), _Tally()
    begun = time.perf_counter()
    readers = [
        threading.Thread(target=_read, args=(pool, parts, numbers, begun + SECONDS, batch, tally)) for _ in range(count)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    if tally.error is not None:
        raise tally.error
    seconds = time.perf_counter() - begun
    cut = statistics.quantiles(tally.times, n=20) if len(tally.times) > 1 else [0.0] * 19
    point = PoolPoint(
        connections=count, rows_per_second=tally.rows / seconds, bytes_per_second=tally.bytes / seconds,
        p50_ms=round(cut[9], 3), p95_ms=round(cut[18], 3),
    )  # fmt: skip
    return point, tally.bytes / max(1, tally.rows)


def _read(  # noqa: PLR0917 - the arguments of a thread
    pool: Pool, parts: Sequence[Partition], numbers: "itertools.count[int]", deadline: float, most: tuple[int, int],
    tally: _Tally,
) -> None:  # fmt: skip
    try:
        while time.perf_counter() < deadline:
            part = parts[next(numbers) % len(parts)]
            with pool.borrowed(PATIENCE) as connector:
                begun = time.perf_counter()
                for batch in connector.read(part, *most):
                    now = time.perf_counter()
                    with tally.lock:
                        tally.rows += batch.num_rows
                        tally.bytes += batch.nbytes
                        tally.times.append((now - begun) * 1000)
                    begun = now
    except SextantError as error:
        with tally.lock:
            tally.error = error
