"""A scan of many gigabytes by a whole instance: how fast it is, and how much memory its workers have at most.

    python -m tests.benchmarks.bench_volume --gb 20 [--folder DIR]

Writes that many gigabytes of CSV and as many of Parquet (counted as the bytes of the same rows in CSV), scans each with
an instance of its own, and looks at the resident memory of every scan worker five times a second. The files and the
instance are removed at the end. Exit code 1 if a worker was above 1 GiB or a row was lost.
"""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from actors.scans.contract import ScanView
from cluster.runtime.ray_head import processes
from serve.client import Sextant
from tests.benchmarks import machine
from tests.benchmarks.instance import own_instance

LIMIT_MB = 1024
FILE_ROWS = 2_000_000
SAMPLES_A_SECOND = 5
WORKER = "scan_partition"


def rows_of(number: int, rows: int) -> pl.DataFrame:
    """Rows as a shop has them, about 110 bytes each in CSV: ids, addresses, phones, times, amounts, words."""
    chance = np.random.default_rng(number)
    ids = np.arange(number * rows, (number + 1) * rows)
    frame = pl.DataFrame({"id": ids, "n": chance.integers(0, 10**7, rows), "day": chance.integers(0, 3650, rows)})
    return frame.select(
        "id",
        email=pl.format("person{}@example{}.org", "n", pl.col("n") % 97),
        phone=pl.format("+49 30 {}", pl.col("n") % 9_000_000 + 1_000_000),
        ordered_at=pl.date(2015, 1, 1) + pl.duration(days="day"),
        amount=(pl.col("n") % 100_000) / 100,
        note=pl.format("order {} of {} was sent to the address on file", "id", "n"),
    )


def written(folder: Path, kind: str, gigabytes: float) -> tuple[int, int]:
    """Writes files of one kind; how many rows and how many bytes of CSV they are."""
    folder.mkdir()
    size = rows = number = 0
    while size < gigabytes * 1e9:
        count = min(FILE_ROWS, max(10_000, int((gigabytes * 1e9 - size) / 110)))
        frame = rows_of(number, count)
        size += int(frame.head(1000).write_csv().__len__() / 1000 * count)
        path = folder / f"orders_{number:04d}.{kind}"
        frame.write_csv(path) if kind == "csv" else frame.write_parquet(path, row_group_size=250_000)
        rows, number = rows + count, number + 1
    return rows, size


@contextmanager
def watched(name: str, peaks: dict[int, float]) -> Iterator[None]:
    """Keeps the highest resident memory, in MB, of each scan worker of an instance for as long as it is open."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1 / SAMPLES_A_SECOND):
            for process in processes(name):
                with contextlib.suppress(psutil.Error):
                    if WORKER in " ".join(process.cmdline()):
                        peaks[process.pid] = max(peaks.get(process.pid, 0.0), process.memory_info().rss / 2**20)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def scanned(sextant: Sextant, folder: Path) -> tuple[ScanView, float]:
    """The census of a folder, and how many seconds it took."""
    source = sextant.register(folder.as_uri())
    discovery = sextant.http.call("POST", f"/sources/{source.id}/discoveries").json()
    while sextant.http.call("GET", f"/sources/{source.id}/discoveries/{discovery['id']}").json()["state"] in {
        "queued",
        "running",
    }:
        time.sleep(0.2)
    begun = time.perf_counter()
    scan = sextant.scans.start(source.id)
    for scan in sextant.scans.follow(scan.id):  # noqa: B020 - the last one is wanted
        print(f"\r  {scan.state}: {scan.rows:,} rows", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return scan, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gb", type=float, default=20.0, help="gigabytes of each kind")
    parser.add_argument("--folder", type=Path, help="where the files are written; a temporary folder if left out")
    chosen = parser.parse_args()
    print(machine.describe())
    place = Path(tempfile.mkdtemp(prefix="sextant-volume-", dir=chosen.folder))
    wrong = False
    try:
        with own_instance() as (url, token, home), Sextant(url, token) as sextant:
            name = json.loads((home / "run" / "instance.json").read_text("utf-8"))["name"]
            for kind in ("csv", "parquet"):
                rows, size = written(place / kind, kind, chosen.gb)
                peaks: dict[int, float] = {}
                with watched(name, peaks):
                    scan, seconds = scanned(sextant, place / kind)
                highest = max(peaks.values(), default=0.0)
                wrong |= highest > LIMIT_MB or (scan.state, scan.rows) != ("succeeded", rows)
                print(
                    f"{kind:8} {size / 1e9:6.1f} GB of table data, {rows:,} rows: {scan.state} in {seconds:,.0f} s, "
                    f"{size / 1e6 / seconds:.0f} MB/s; {len(peaks)} workers, at most {highest:.0f} MB resident"
                )
                shutil.rmtree(place / kind)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
