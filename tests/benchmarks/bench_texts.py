"""Cells and megabytes a second of one core on short texts, side by side with what else does that.

    python -m tests.benchmarks.bench_texts [--rows N] [--repeat N] [--values N] [--no-peer]

Texts are of 32 bytes on average, as Parquet and as CSV: all different or of some 2,000 different ones; hits rare (1 in
10,000), in 10 % and in 90 % of the values. "mixed" columns hold hits of all kinds in turn, "of a kind" is a table with
a column for each kind. Sextant runs with 30 detectors that match every column, and with all of the default rule set.
Figures are the least CPU seconds of `--repeat` runs, all in one process with one thread for each native pool. MB are of
text, not of the file. The naive loop and the peers get a sample, which is stated, and are extrapolated by value.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from tests.benchmarks import machine, peer
from tests.benchmarks.strings import KINDS, SEED, texts
from tests.benchmarks.texts_worker import NAIVE_VALUES

ROOT: Final = Path(__file__).resolve().parents[2]
TB_AN_HOUR: Final = 1e12 / 3600
LOW: Final = 2_000
SHARES: Final = (("rare", 0.0001), ("10 %", 0.1), ("90 %", 0.9))
TENTH: Final = "10 % mixed, high distinct"
LINE: Final = "{:<34}{:>8}{:>10}{:>9}{:>9}{:>10}{:>11}{:>10}{:>9}{:>9}"


def tables(rows: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each table with its name: hits, distribution of hits over columns, and distinct values."""
    for name, share in SHARES:
        mixed = texts(rows, share)
        yield f"{name} mixed, high distinct", mixed.to_frame()
        yield f"{name} mixed, low distinct", mixed.head(LOW).sample(rows, with_replacement=True, seed=SEED).to_frame()
        if share > SHARES[0][1]:
            each = rows // len(KINDS)
            yield (
                f"{name} of a kind, high distinct",
                pl.DataFrame([texts(each, share, (kind,)).alias(f"c{place}") for place, kind in enumerate(KINDS)]),
            )


def measured(folder: Path, detectors: str, repeat: int) -> list[dict[str, Any]]:
    """The lines of `texts_worker`."""
    command = [sys.executable, "-m", "tests.benchmarks.texts_worker", str(folder), detectors, str(repeat)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=machine.environment(), check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def against_peers(values: list[str], sextant: float) -> None:
    """Prints the rate of each peer on some values of the mixed column with 10 % hits, beside Sextant's on all of it."""
    print(f"\nPeers on values of the mixed column with 10 % hits; Sextant, on all of it, {sextant:,.0f} values/s")
    kinds = (
        (peer.PIICLEANER, "patterns", "piicleaner", len(values)),
        (peer.DATAPROFILER, "labels", "DataProfiler, labels", 1_000),
        (peer.DATAPROFILER, "profile", "DataProfiler, profile only", len(values)),
        (peer.PRESIDIO, "patterns", "Presidio, patterns only", 2_000),
        (peer.PRESIDIO, "full", "Presidio with spaCy model", 500),
    )
    for package, kind, words, count in kinds:
        try:
            result = package.measure(kind, values[:count])
        except peer.PeerAbsent as reason:
            print(f"{words:<28}not measured, it could not be run here ({reason})")
            continue
        rate = result["values"] / result["cpu_seconds"]
        of = f"{result['values']:,}" + (f" ({result['recognizers']} recognizers)" if result["recognizers"] else "")
        print(f"{words:<28}{rate:>12,.0f} values/s on {of}   Sextant is {sextant / rate:,.0f} times as fast")


def grid(folder: Path, named: dict[str, str], repeat: int) -> float:
    """Prints a line for each file and set of detectors; gives the values/s on the mixed column with 10 % hits."""
    heads = "CPU time", "", "M cells/s", "MB/s", "kernels", "polars", "naive", "detection", "of naive", "cores for"
    print(LINE.format(*heads))
    print(LINE.format("", "", "", "", "M cells/s", "M cells/s", "M cells/s", "/ polars", "loop", "1 TB/h"))
    tenth = 0.0
    for detectors in ("30", "all"):
        print(f"{detectors} detectors")
        for line in measured(folder, detectors, repeat):
            place, form = line["file"].split(".")
            cells, scan = line["cells"], line["scan"]
            if named[place] == TENTH and form == "parquet":
                tenth = cells / scan
            figures = (
                f"{cells / scan / 1e6:.2f}",
                f"{line['bytes'] / scan / 1e6:.1f}",
                f"{cells / line['kernels'] / 1e6:.2f}",
                f"{cells / line['floor'] / 1e6:.1f}",
                f"{cells / line['naive'] / 1e6:.4f}",
                f"{(scan - line['floor']) / line['floor']:.1f}",
                f"{line['naive'] / scan:.0f} x",
                f"{TB_AN_HOUR * scan / line['bytes']:.1f}",
            )
            print(LINE.format("  " + named[place], form, *figures))
    return tenth


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000, help="cells of each table")
    parser.add_argument("--repeat", type=int, default=2, help="runs of each measurement")
    parser.add_argument("--values", type=int, default=20_000, help="most values given to a peer")
    parser.add_argument("--no-peer", action="store_true", help="leave the peers out")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sextant-bench-") as folder:
        named = {}
        for place, (name, table) in enumerate(tables(given.rows)):
            named[f"{place:02d}"] = name
            table.write_parquet(Path(folder) / f"{place:02d}.parquet", row_group_size=100_000)
            table.write_csv(Path(folder) / f"{place:02d}.csv")
        print(f"\nShort texts: {given.rows:,} cells a table, one core; naive loop on {NAIVE_VALUES:,} values")
        tenth = grid(Path(folder), named, given.repeat)
        if not given.no_peer:
            place = next(place for place, name in named.items() if name == TENTH)
            values = pl.read_parquet(Path(folder) / f"{place}.parquet")["text"].head(given.values).to_list()
            against_peers(values, tenth)


if __name__ == "__main__":
    print(machine.describe())
    main()
