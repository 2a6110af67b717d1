"""How sure the rules are against how often they are right, on generated tables and on made hard negatives.

    python -m tests.benchmarks.bench_rules [--tables N] [--seed N]

Tables are those of `cluster.ml.column_examples` from names, places and seeds that no training table has; negatives are
those of `tests.unit.hard_negatives`. Of each column its surest label counts, and is right if it names the class of it.
Printed are for each confidence how many labels have it and the share that is right, the expected calibration error over
ten bins, precision of automatic labels, the share of columns of classes that they settle, and kinds of mistakes. The
constants of `actors/classification/weighing.py` are set by this output.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from actors.classification.realtime import default_rules, evidence_of
from actors.classification.verdict import Label, verdict
from cluster.detectors.taxonomy import load_taxonomy
from cluster.ml.column_examples import tables
from cluster.ml.column_names import NONE
from tests.benchmarks import machine
from tests.unit.hard_negatives import hard_negatives


@dataclass(frozen=True)
class Judged:
    """A column's true class, `NONE` if it has none, and its surest label."""

    truth: str
    label: Label | None


def of_tables(count: int, seed: int) -> Iterator[Judged]:
    """The columns of generated tables."""
    for table in tables(count, seed, held_out=True):
        columns = {column.name: column for column in table.columns}
        evidence = evidence_of({name: column.values for name, column in columns.items()}, default_rules())
        for name, column in columns.items():
            around = tuple(other for other in columns if other != name)
            labels = verdict(evidence[name], table.name, around, load_taxonomy().value, default_rules())
            yield Judged(column.truth, next(iter(labels), None))


def of_negatives(seed: int) -> Iterator[Judged]:
    """The made hard negatives."""
    for column in hard_negatives(seed):
        evidence = evidence_of({column.name: column.values}, default_rules())[column.name]
        labels = verdict(evidence, column.table, column.neighbours, load_taxonomy().value, default_rules())
        yield Judged(NONE, next(iter(labels), None))


def told(title: str, judged: list[Judged]) -> None:
    """Prints the figures of some columns."""
    right: dict[float, list[bool]] = defaultdict(list)
    mistakes: Counter[tuple[str, str, str]] = Counter()
    for one in judged:
        if one.label is not None:
            right[one.label.confidence].append(one.label.data_class == one.truth)
            if one.label.data_class != one.truth:
                mistakes[one.truth, one.label.data_class, one.label.state] += 1
    print(f"\n{title}: {len(judged):,} columns, {sum(map(len, right.values())):,} with a label")
    for confidence, held in sorted(right.items()):
        print(f"  confidence {confidence:.3f}  {len(held):>5} labels  {sum(held) / len(held):.3f} right")
    automatic = [one for one in judged if one.label is not None and one.label.state == "automatic"]
    hits = sum(one.label is not None and one.label.data_class == one.truth for one in automatic)
    of_class = sum(one.truth != NONE for one in judged)
    print(f"  expected calibration error {calibration_error(right):.3f}")
    print(f"  automatic {len(automatic)}, precision {hits / max(1, len(automatic)):.4f}", end="")
    print(f", settled of the columns of classes {hits / max(1, of_class):.3f}")
    for (truth, data_class, state), count in mistakes.most_common(12):
        print(f"  {count:>4} {state:<9} {truth} called {data_class}")


def calibration_error(right: dict[float, list[bool]]) -> float:
    """The mean distance of confidence and share of right labels over ten bins, by the labels in each."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, held in right.items():
        bins[min(9, int(confidence * 10))] += [(confidence, one) for one in held]
    total = sum(map(len, bins.values()))
    distances = (abs(sum(c for c, _ in some) - sum(held for _, held in some)) for some in bins.values())
    return sum(distances) / total if total else 0.0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=300, help="generated tables")
    parser.add_argument("--seed", type=int, default=501, help="of tables and negatives")
    given = parser.parse_args(arguments)
    told("generated tables", list(of_tables(given.tables, given.seed)))
    told("hard negatives", list(of_negatives(given.seed)))


if __name__ == "__main__":
    print(machine.describe())
    main()
