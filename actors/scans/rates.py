"""What reading and detecting cost: a small linear model of CPU seconds, learned from every partition that was read.

A portion of an asset is described by figures that are known before it is read (`facts`); its CPU seconds are taken for
their sum with one rate each. The rates are the ridge estimate (Hoerl and Kennedy, 1970) with no rate below 0, drawn
toward the shipped ones, those of portions without a pilot at the speed of this machine; relative errors count, so that
small portions teach as much as large ones. Kept are the sums X'WX and X'Wy alone, which fade, so that a machine that is
no more is forgotten.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from actors.scans.pilots import Pilot
from cluster.formats.compression import codec_of

FACTS: Final = (
    "partition", "pilot_second", "report_second", "read_second", "parquet_byte", "parquet_encoded", "csv_byte",
    "jsonl_byte", "sql_byte", "packed_byte", "bare_column", "bare_number", "bare_text", "bare_byte",
)  # fmt: skip
OF_PILOTS: Final = frozenset({"pilot_second", "report_second", "read_second"})
# Rate in CPU seconds a unit, and how far it may well be off, on the machine that measured them, which is why only their
# proportions are used. The seconds of a pilot are those of the same work, so their rates are 1 but for its differences
# from a scan. The others are of portions without a pilot: from `python -m tests.benchmarks.bench_forecast --calibrate
# --workloads 25 --seed 5000 --most-mb 30` on an AMD EPYC with polars 2.1; `sql_byte` was not measured.
SHIPPED: Final[dict[str, tuple[float, float]]] = {
    "partition": (0, 0.023),
    "pilot_second": (1.0, 0.2),
    "report_second": (1.0, 0.2),
    "read_second": (1.0, 0.2),
    "parquet_byte": (0, 1.4e-07),
    "parquet_encoded": (0, 1.4e-07),
    "csv_byte": (8.7e-09, 2.3e-08),
    "jsonl_byte": (6e-08, 6e-08),
    "sql_byte": (8.7e-09, 2.3e-08),
    "packed_byte": (1.2e-07, 1.2e-07),
    "bare_column": (0.011, 0.011),
    "bare_number": (0, 1.8e-06),
    "bare_text": (0, 1.9e-07),
    "bare_byte": (1.2e-08, 1.2e-08),
}
RIDGE = 1.0
FADE = 0.998  # of what was learned with each partition: half is forgotten after 350
SMALLEST_SECONDS = 0.02  # below this the clock and the interpreter are what is measured
TYPICAL = 0.25  # standard deviation of the logarithm of actual to predicted, until enough was seen
_TRUSTED = 4
_SWEEPS = 60
_TEXTLESS = frozenset({"integer", "number", "boolean", "date", "timestamp"})


@dataclass(frozen=True)
class Portion:
    """Some partitions of one asset as the plan describes them; bytes and rows are None where it does not.

    `family` is parquet, csv, jsonl or sql. `types` counts the columns: those of numbers and times, and the others.
    """

    family: str
    packed: bool
    partitions: int
    bytes: float | None
    rows: float | None
    types: tuple[int, int]
    batch_rows: int
    batch_bytes: int
    pilot: Pilot | None = None


def family_of(kind: str) -> str:
    """The family of a partition's kind, which tells how it is read."""
    parts = kind.split(".")
    if parts[0] == "lakehouse":
        return "parquet"
    return _LIKE.get(parts[1], "sql") if parts[0] == "files" else "sql"


_LIKE = {"parquet": "parquet", "orc": "parquet", "csv": "csv", "jsonl": "jsonl", "avro": "jsonl", "excel": "jsonl"}
"""The family of a format: of those that no forecast has learnt by themselves, that of the nearest."""


def is_packed(kind: str, path: str) -> bool:
    """Whether the bytes of a partition are those of a compressed text file, of which none knows what it unfolds to."""
    return kind.startswith(("files.csv.", "files.jsonl.")) and bool(codec_of(path.lower()))


def rows_of(portion: Portion) -> float:
    """The rows of a portion, estimated where the plan does not say; 0 where nothing tells."""
    if portion.rows is not None:
        return portion.rows
    pilot = portion.pilot
    if pilot is None or portion.bytes is None:
        return 0.0
    per_row = (pilot.stored_bytes or pilot.bytes) / max(1, pilot.rows)
    return portion.bytes / max(per_row, 0.01)


def facts(portion: Portion) -> list[float]:
    """The figures of a portion in the order of `FACTS`. They add up: those of two portions are the sums."""
    found = dict.fromkeys(FACTS, 0.0)
    rows, size, pilot = rows_of(portion), portion.bytes or 0.0, portion.pilot
    columns = sum(portion.types)
    per_row = pilot.bytes / max(1, pilot.rows) if pilot else size / max(1.0, rows)
    plain = rows * per_row if rows else size
    batches = max(portion.partitions, rows / portion.batch_rows, plain / portion.batch_bytes)
    found["partition"] = portion.partitions
    if pilot is not None:
        found["pilot_second"] = portion.partitions * pilot.seconds(rows / max(1, portion.partitions))
        found["report_second"] = portion.partitions * pilot.report_seconds
        found["read_second"] = pilot.read_seconds(rows)
    else:
        found[f"{portion.family}_byte"] = plain
        found["packed_byte"] = size if portion.packed else 0.0
        found["parquet_encoded"] = size if portion.family == "parquet" else 0.0
        found["bare_column"] = columns * batches
        found["bare_number"], found["bare_text"] = rows * portion.types[0], rows * portion.types[1]
        found["bare_byte"] = size
    return [found[name] for name in FACTS]


def types_of(info: dict[str, Any], family: str) -> tuple[int, int]:
    """Columns of numbers and times, and of texts, of an asset as discovery describes it. CSV and JSON hold texts."""
    kinds = [column["type"] for column in info["columns"]]
    bare = 0 if family in ("csv", "jsonl") else sum(kind in _TEXTLESS for kind in kinds)
    return bare, len(kinds) - bare


@dataclass
class Ledger:
    """What was learned: sums over partitions, and the squares of the errors that the forecasts made.

    `errors` is (count, sum of squared log errors) of partitions of assets never read before, and of known assets.
    """

    n: int = 0
    assets: float = 0.0
    gram: list[list[float]] = field(default_factory=lambda: [[0.0] * len(FACTS) for _ in FACTS])
    moment: list[float] = field(default_factory=lambda: [0.0] * len(FACTS))
    rates: list[float] = field(default_factory=lambda: [SHIPPED[name][0] for name in FACTS])
    errors: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0], [0.0, 0.0]])

    def learn(self, x: Sequence[float], seconds: float, weight: float = 1.0) -> None:
        """Takes in one partition: its facts and its CPU seconds. `weight` is lower where it tells little new."""
        expected = self.seconds_of(x)
        if self.n >= _TRUSTED and expected > 0:  # a worker that loaded its libraries meanwhile is no news of the asset
            weight *= min(1.0, 0.5 / max(1e-9, abs(math.log(max(seconds, 1e-4) / expected))))
        weight /= (seconds + SMALLEST_SECONDS) ** 2
        for i, left in enumerate(x):
            row = self.gram[i]
            for j, right in enumerate(x):
                row[j] = row[j] * FADE + weight * left * right
            self.moment[i] = self.moment[i] * FADE + weight * left * seconds
        self.n += 1
        self.rates = fitted(self.gram, self.moment)

    def missed(self, known: bool, logarithm: float) -> None:
        """Takes in by how much the forecast of a partition was wrong: the logarithm of actual to predicted."""
        bucket = self.errors[int(known)]
        bucket[0], bucket[1] = bucket[0] * 0.98 + 1, bucket[1] * 0.98 + min(abs(logarithm), 2.0) ** 2

    def seconds_of(self, x: Sequence[float]) -> float:
        """CPU seconds by the rates alone."""
        return sum(rate * value for rate, value in zip(self.rates, x, strict=True))

    def spread(self, known: bool) -> float:
        """The standard deviation of the logarithm of actual to predicted, for an asset that was read or was not."""
        count, squares = self.errors[int(known)]
        return math.sqrt((squares + _TRUSTED * TYPICAL**2) / (count + _TRUSTED))


def fitted(gram: list[list[float]], moment: list[float]) -> list[float]:
    """The rates that fit the sums best, by coordinate descent; the shipped ones, at this machine's speed, for no sums.

    The objective is convex and coordinates are bounded one by one, so that descent ends at the minimum (Tseng, 2001).
    """
    shipped = [SHIPPED[name][0] for name in FACTS]
    bare = [place for place, name in enumerate(FACTS) if name not in OF_PILOTS]
    along = sum(shipped[i] * moment[i] for i in bare)
    square = sum(shipped[i] * shipped[j] * gram[i][j] for i in bare for j in bare)
    speed = along / square if square > 0 and along > 0 else 1.0
    speeds = [1.0 if name in OF_PILOTS else speed for name in FACTS]  # a pilot was measured on this very machine
    rates = [rate * own for rate, own in zip(shipped, speeds, strict=True)]
    drawn = [RIDGE / (SHIPPED[name][1] * own) ** 2 for name, own in zip(FACTS, speeds, strict=True)]
    target = list(rates)
    for _ in range(_SWEEPS):
        moved = 0.0
        for j, row in enumerate(gram):
            rest = sum(value * rate for value, rate in zip(row, rates, strict=True)) - row[j] * rates[j]
            best = max(0.0, (moment[j] - rest + drawn[j] * target[j]) / (row[j] + drawn[j]))
            moved = max(moved, abs(best - rates[j]) * math.sqrt(row[j] + drawn[j]))
            rates[j] = best
        if moved < 1e-6:
            break
    return rates
