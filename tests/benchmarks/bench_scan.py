"""Scan throughput: Sextant against a plain polars read of the same files (the floor) and against Presidio.

    python -m tests.benchmarks.bench_scan [--rows N] [--values N] [--repeat N] [--no-peer]

All in one run on one machine, every process with one thread for each native pool:
1. floor: polars reads every file whole and counts nulls. A scan cannot be faster than reading.
2. Sextant: connector, partitions, batches, profile and all detectors of the default rule set, one process.
3. two Sextant processes with half of the partitions each; the ratio is their time against one's.
4. Presidio on a random sample of the same files' text values, extrapolated to all of them by value; once as its manual
   sets it up (with a spaCy model), once with its pattern recognizers only. Sextant's time for all cells, numbers
   included, is set against Presidio's for the text values alone.
Then come columns of short texts (`bench_texts`).
MB/s is of bytes on disk. Figures per core divide by CPU seconds instead of wall seconds, so that they hold on a busy
machine too; those against Presidio are CPU seconds on both sides. Of `--repeat` runs, which alternate between floor,
one and two, the median is printed with the least and the most. Nothing is asserted.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import bench_texts, machine, peer
from tests.benchmarks.bench_texts import TB_AN_HOUR
from tests.benchmarks.corpus import Corpus, build, text_values

ROOT = Path(__file__).resolve().parents[2]


class WorkerFailed(Exception):
    """A measured process ended before its result; the message is the end of its error output."""


def measure(kind: str, corpus: Corpus, workers: int) -> dict[str, Any]:
    """Wall seconds from the start signal until the last of `workers` processes is done, and their counts summed."""
    command = [sys.executable, "-m", "tests.benchmarks.scan_worker", kind, str(corpus.folder)]
    with tempfile.TemporaryFile("w+") as errors:
        running = [
            subprocess.Popen(
                [*command, str(share), str(workers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=machine.environment(),
            )
            for share in range(workers)
        ]
        try:
            wall, results = _run(running)
        except (BrokenPipeError, json.JSONDecodeError):
            for process in running:
                process.kill()
                process.wait()
            errors.seek(0)
            raise WorkerFailed(errors.read()[-2_000:]) from None
    counted: dict[str, Any] = {k: sum(r[k] for r in results) for k in results[0]}
    return counted | {"wall": wall, "rss_mb": max(r["rss_mb"] for r in results)}


def _run(running: list["subprocess.Popen[str]"]) -> tuple[float, list[dict[str, Any]]]:
    """Starts the work in all at once when all are ready; wall seconds until the last result, and the results."""
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()  # ready: imported, connected and planned
    started = time.perf_counter()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [json.loads(process.stdout.readline()) for process in running if process.stdout is not None]
    ended = time.perf_counter()
    for process in running:
        process.wait()
    return ended - started, results


def report(name: str, runs: list[dict[str, Any]], corpus: Corpus) -> tuple[float, float]:
    """Prints one line; returns the median wall seconds and the median CPU seconds of all processes together."""
    walls = [run["wall"] for run in runs]
    middle: float = statistics.median(walls)
    cells = runs[0]["cells"]
    core: float = statistics.median(run["cpu_seconds"] for run in runs)
    print(
        f"{name:<22}{middle:8.2f} s  ({min(walls):.2f} to {max(walls):.2f})"
        f"{corpus.bytes / middle / 1e6:10.1f} MB/s{cells / middle / 1e6:9.2f} M cells/s"
        f"   per core{corpus.bytes / core / 1e6:8.1f} MB/s{cells / core / 1e6:8.2f} M cells/s"
        f"   {max(run['rss_mb'] for run in runs):.0f} MB resident"
    )
    return middle, core


def against_presidio(corpus: Corpus, sextant: float, count: int) -> None:
    """Prints Presidio's CPU time per value, what that makes for all text values, and the ratio to Sextant's."""
    values, total, size = text_values(corpus, count)
    print(f"\nPresidio on {len(values):,} of {total:,} text values ({size / 1e6:.0f} MB), extrapolated by value")
    for kind, words in (("patterns", "patterns only"), ("full", "with spaCy model")):
        share = values if kind == "patterns" else values[:: max(1, len(values) // 1_000)]
        try:
            result = peer.PRESIDIO.measure(kind, share)
        except peer.PeerAbsent as reason:
            print(f"Presidio {words}: not measured, it could not be run here ({reason})")
            continue
        whole = result["cpu_seconds"] / result["values"] * total
        print(
            f"Presidio {words:<18}{whole:8.0f} s for all   {size / whole / 1e6:10.3f} MB/s of text"
            f"   {result['values'] / result['cpu_seconds']:.0f} values/s on {result['values']:,}"
            f" ({result['recognizers']} recognizers)"
            f"   Sextant is {whole / sextant:.0f} times as fast"
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="rows of the event table; other tables scale with it"
    )
    parser.add_argument("--values", type=int, default=5_000, help="text values given to Presidio")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--no-peer", action="store_true", help="leave Presidio out")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sextant-bench-") as folder:
        corpus = build(Path(folder) / "files", given.rows)
        print(f"corpus   {len(corpus.files)} files, {corpus.bytes / 1e6:.0f} MB on disk, {given.rows:,} event rows\n")
        kinds = (("floor", 1), ("scan", 1), ("scan", 2))
        runs: dict[tuple[str, int], list[dict[str, Any]]] = {kind: [] for kind in kinds}
        for _ in range(given.repeat):
            for kind in kinds:
                runs[kind].append(measure(kind[0], corpus, kind[1]))
        floor = report("polars read (floor)", runs["floor", 1], corpus)
        one = report("Sextant, 1 process", runs["scan", 1], corpus)
        two = report("Sextant, 2 processes", runs["scan", 2], corpus)
        print(f"\nSextant takes {one[0] / floor[0]:.1f} times as long as reading, {one[1] / floor[1]:.1f} in CPU time")
        print(f"Two processes are {one[0] / two[0]:.2f} times as fast as one")
        memory = runs["floor", 1][0]["memory"]
        print(
            f"Uncompressed in memory the tables are {memory / 1e6:.0f} MB: {memory / one[1] / 1e6:.0f} MB/s a core, so"
            f" that 1 TB an hour takes {TB_AN_HOUR * one[1] / memory:.1f} cores"
        )
        if not given.no_peer:
            against_presidio(corpus, one[1], given.values)
    brief = ["--rows", str(max(22_000, given.rows * 2 // 5)), "--repeat", str(min(2, given.repeat))]
    bench_texts.main(brief + (["--no-peer"] if given.no_peer else []))


if __name__ == "__main__":
    print(machine.describe())
    main()
