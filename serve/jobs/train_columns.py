"""Trains the column model as a Ray job, or as a plain process, and writes its folder.

    ray job submit -- python -m serve.jobs.train_columns [--tables 2500] [--seed 1] [--decisions FILE] [--out FOLDER]

Two processes make the tables, one thread trains. The same seed, packages and rules give the same bytes; the manifest
names the digest of the data and of the generator, which tell what differs otherwise. Decisions are JSON lines of
approved columns with their stored evidence. Needs the extra `train`.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from cluster.detectors.compile import compile, load_rule_set
from cluster.ml.column_decisions import examples_of_decisions, read_decisions
from cluster.ml.column_export import export
from cluster.ml.column_matrix import Examples, joined, names_for
from cluster.ml.column_names import KnownNames
from cluster.ml.column_training import PART, ROUNDS, Workshop, part, train
from cluster.ml.embedding import Embedder

TABLES = 2_500


def main(arguments: list[str] | None = None) -> None:
    """Trains, tunes, measures on held-out tables, and prints the model card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tables", type=int, default=TABLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--decisions", type=Path)
    parser.add_argument("--out", type=Path, default=Path("configs/models/columns"))
    chosen = parser.parse_args(arguments)
    shop = _workshop()
    with ProcessPoolExecutor(chosen.processes, get_context("spawn")) as pool:
        examples = _made(pool, chosen.tables, chosen.seed, held_out=False)
        tuning = _made(pool, chosen.tables // 5, chosen.seed + 1, held_out=True)
        held_out = _made(pool, chosen.tables // 5, chosen.seed + 2, held_out=True)
    _say(
        f"{len(examples.truths)} columns for training, {len(tuning.truths)} for tuning, {len(held_out.truths)} held out"
    )
    decisions = examples_of_decisions(
        read_decisions(chosen.decisions) if chosen.decisions else (), shop.layout, shop.known, shop.embedder
    )
    trained = train(
        joined([examples, decisions]) if decisions else examples, tuning, shop.layout, chosen.seed, chosen.rounds
    )
    known = KnownNames.of(names_for(training=False), shop.embedder)
    manifest = export(
        trained, known, held_out, chosen.out, seed=chosen.seed, tables=chosen.tables, rounds=chosen.rounds,
        columns=len(examples.truths), decisions=len(decisions.truths) if decisions else 0, rules=shop.rules.digest,
    )  # fmt: skip
    print((chosen.out / "card.md").read_text("utf-8"))
    _say(f"{chosen.out}: {manifest.name} {manifest.digest}")


def _made(pool: ProcessPoolExecutor, count: int, seed: int, *, held_out: bool) -> Examples:
    starts = range(0, max(count, 1), PART)
    return joined(list(pool.map(_part, repeat(seed), starts, repeat(held_out))))


def _part(seed: int, start: int, held_out: bool) -> Examples:
    return part(_workshop(), seed, start, held_out)


@cache
def _workshop() -> Workshop:
    return Workshop.of(compile(load_rule_set().value), Embedder.load())


def _say(line: str) -> None:
    print(f"{time.process_time():.0f} CPU seconds: {line}", flush=True)


if __name__ == "__main__":
    main()
