"""How well the CPU seconds of a scan are foretold before it: 25 different files, 5 to learn from, 20 to predict.

    python -m tests.benchmarks.bench_forecast [--draws N] [--least-mb N] [--most-mb N] [--workloads N] [--calibrate]

Each file is written anew, with width, types, length and repetition of texts, share of hits, nulls, format, compression
and size drawn at random; planned, piloted by some batches, and scanned in this process by the code of the worker: the
connector, the batches, the kernels and all detectors of the default rule set. CPU seconds are process time with one
thread. For each draw 5 files are taken at random, what they took is learned, and the other files are predicted from
their plan and pilot alone; printed is how many came within 25 % of what they took, and so did their sum. Files are also
scanned a second time, to show how far the clock of this machine agrees with itself. Nothing is asserted.

`--calibrate` prints the rates that Sextant ships (`actors.scans.rates.SHIPPED`), measured on the family of files
`shipped`, of which none is among those that are predicted (`unseen`). It takes each file with its pilot and without.
"""

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from actors.scans.contract import ScanRules
from actors.scans.learning import Rates, portion
from actors.scans.pilot import pilot_of
from actors.scans.pilots import Pilot
from actors.scans.rates import FACTS, Ledger, facts, fitted
from actors.scans.worker import _compiled, _entities, _reader, scan_partition
from cluster.connectors import open_connector
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
from cluster.settings import settings
from tests.benchmarks import machine, workloads

LEARNED_FROM = 5
TOLERANCE = 0.25


@dataclass(frozen=True)
class Measured:
    """A file that was scanned: what was known before, and the CPU seconds of each partition, first and second time."""

    name: str
    rows: int
    info: AssetInfo
    partitions: tuple[Partition, ...]
    pilot: Pilot | None
    seconds: tuple[float, ...]
    again: float

    @property
    def piloted(self) -> float:
        """The share of the rows that the pilot has read: all of a file that is smaller than a batch."""
        return self.pilot.rows / max(1, self.rows) if self.pilot else 0.0

    def facts(self, place: int) -> list[float]:
        """The facts of one partition, as they are known before it is read."""
        part = self.partitions[place]
        plan = (part.bytes, part.rows_estimate)
        return facts(portion(self.info.model_dump(mode="json"), part.kind, 1, plan, self.pilot))


def measure(family: str, seed: int, folder: Path, sizes: tuple[float, float]) -> Measured:
    """Writes, plans, pilots and scans one file, and deletes it."""
    spec = load_rule_set().value
    rules = ScanRules(name="default", version=1, digest=compile(spec, load_detector_packs()).digest, spec=spec)
    work = workloads.draw(family, seed, folder, sizes)
    access = SourceAccess(source_id="bench", url=folder.resolve().as_uri())
    connector = open_connector(access, {})
    (info,) = connector.enumerate().assets
    parts = tuple(connector.plan(info, settings().partition_bytes // 4))
    pilot = pilot_of(connector, info, parts, _compiled(rules.digest, rules.model_dump_json()), _reader(None))
    connector.close()
    seconds = _scanned(access, parts, rules)
    again = sum(_scanned(access, parts, rules))
    work.path.unlink()
    return Measured(work.name, work.rows, info, parts, pilot, seconds, again)


def _scanned(access: SourceAccess, parts: tuple[Partition, ...], rules: ScanRules) -> tuple[float, ...]:
    """CPU seconds of each partition, in a process that has its model but has read no text with it."""
    _entities.cache_clear()
    _reader.cache_clear()
    _reader(None).warm()
    return tuple(scan_partition(access, part, rules).cpu_seconds for part in parts)


def learned(files: list[Measured]) -> Rates:
    """What is known after these files were scanned, one after the other, each as a source of its own."""
    rates = Rates(Ledger(), {})
    for file in files:
        for place, seconds in enumerate(file.seconds):
            rates.take_in(file.name, file.name, file.facts(place), seconds, seconds)
    return rates


def predicted(rates: Rates, file: Measured) -> float:
    """What a file is expected to take before anything of it was read."""
    return sum(rates.cpu_seconds("new", "new", file.facts(place)) for place in range(len(file.partitions)))


def draw(files: list[Measured], seed: int) -> tuple[list[tuple[Measured, float]], float]:
    """Predictions of all files but the 5 that are learned from, and the error of their sum."""
    order = random.Random(seed).sample(files, len(files))
    rates = learned(order[:LEARNED_FROM])
    found = [(file, predicted(rates, file)) for file in order[LEARNED_FROM:]]
    return found, sum(seconds for _, seconds in found) / sum(sum(file.seconds) for file, _ in found) - 1


def calibrate(files: list[Measured]) -> None:
    """Prints the rates of these files as `SHIPPED` has them."""
    ledger = Ledger()
    bare = [replace(file, pilot=None) for file in files]
    for file in (*files, *bare):
        total = [sum(values) for values in zip(*(file.facts(i) for i in range(len(file.partitions))), strict=True)]
        for _ in range(20):  # often enough that what is shipped now has no say any more
            ledger.learn(total, sum(file.seconds), 1.0)
    seconds = statistics.fmean(sum(file.seconds) for file in files)
    for place, (name, rate) in enumerate(zip(FACTS, fitted(ledger.gram, ledger.moment), strict=True)):
        usual = statistics.fmean(
            sum(file.facts(i)[place] for i in range(len(file.partitions))) for file in (*files, *bare)
        )
        doubt = max(rate, 0.02 * seconds / usual) if usual else rate
        print(f'    "{name}": ({rate:.2g}, {doubt:.2g}),')


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20, help="how often 5 files are drawn to learn from")
    parser.add_argument("--workloads", type=int, default=25, help="files written")
    parser.add_argument("--least-mb", type=float, default=1, help="size of the smallest file as plain text")
    parser.add_argument("--most-mb", type=float, default=80, help="size of the largest")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="which files are drawn")
    parser.add_argument("--calibrate", action="store_true", help="print the rates to ship instead")
    given = parser.parse_args(arguments)
    family = "shipped" if given.calibrate else "unseen"
    print(f"files from seed {given.seed} of family {family}")
    files = []
    for number in range(given.workloads):
        with tempfile.TemporaryDirectory() as folder:
            files.append(measure(family, given.seed + number, Path(folder), (given.least_mb, given.most_mb)))
    if given.calibrate:
        calibrate(files)
    else:
        report(files, given.draws)


def report(files: list[Measured], draws: int) -> None:
    """Prints each file with its errors over the draws, then the draws."""
    errors: dict[str, list[float]] = {file.name: [] for file in files}
    within, sums = [], []
    for seed in range(draws):
        found, total = draw(files, seed)
        for file, seconds in found:
            errors[file.name].append(seconds / sum(file.seconds) - 1)
        within.append(sum(abs(seconds / sum(file.seconds) - 1) <= TOLERANCE for file, seconds in found))
        sums.append(total)
    print(f"{'file':<48}{'parts':>6}{'piloted':>9}{'CPU s':>8}{'again':>8}{'error, median':>15}")
    for file in sorted(files, key=lambda file: file.name):
        took = sum(file.seconds)
        middle = statistics.median(errors[file.name] or [0.0])
        print(
            f"{file.name:<48}{len(file.partitions):>6}{file.piloted:>9.0%}{took:>8.2f}{file.again / took - 1:>+8.0%}"
            f"{middle:>+15.0%}"
        )
    large = [file for file in files if file.piloted < 0.25]
    good = sum(abs(error) <= TOLERANCE for file in large for error in errors[file.name])
    drawn = sum(len(errors[file.name]) for file in large)
    print(
        f"\nOf the {len(large)} files of which the pilot read less than a quarter, {good} of {drawn} predictions hold."
    )
    rest = len(files) - LEARNED_FROM
    agree = sum(abs(file.again / sum(file.seconds) - 1) <= TOLERANCE for file in files)
    print(f"Scanned again, {agree} of {len(files)} files take within 25 % of the first time.")
    print(
        f"Of {draws} draws: of {rest} files predicted, within 25 % are {statistics.median(within):.0f} in the median "
        f"({min(within)} to {max(within)});"
    )
    good = sum(abs(error) <= TOLERANCE for error in sums)
    print(
        f"the sum of all {rest} is within 25 % in {good} of {draws} draws "
        f"(median error {statistics.median(sums):+.0%}, worst {max(sums, key=abs):+.0%})."
    )


if __name__ == "__main__":
    print(machine.describe())
    main()
