"""Trains the column model as a Ray job, or as a plain process, and writes its folder.

    ray job submit -- python -m serve.jobs.train_columns [--tables 1500] [--seed 1] [--decisions FILE] [--out FOLDER]

One thread. The same seed, packages and rules give the same bytes; the manifest names the digest of the data and of the
generator, which tell what differs otherwise. Decisions are JSON lines of approved columns with their stored evidence.
"""

import argparse
import time
from pathlib import Path

from cluster.detectors.compile import compile, load_rule_set
from cluster.ml.column_decisions import examples_of_decisions, read_decisions
from cluster.ml.column_export import export
from cluster.ml.column_matrix import joined, names_for
from cluster.ml.column_names import KnownNames
from cluster.ml.column_training import ROUNDS, Workshop, held_out_examples, train, training_examples
from cluster.ml.embedding import Embedder

TABLES = 1_500


def main(arguments: list[str] | None = None) -> None:
    """Trains, tunes, measures on held-out tables, and prints the model card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tables", type=int, default=TABLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--decisions", type=Path)
    parser.add_argument("--out", type=Path, default=Path("configs/models/columns"))
    chosen = parser.parse_args(arguments)
    rules = compile(load_rule_set().value)
    shop = Workshop.of(rules, Embedder.load())
    examples = training_examples(shop, chosen.tables, chosen.seed)
    _say(f"{len(examples.truths)} columns for training")
    decisions = examples_of_decisions(
        read_decisions(chosen.decisions) if chosen.decisions else (), shop.layout, shop.known, shop.embedder
    )
    tuning = held_out_examples(shop, max(chosen.tables // 5, 10), chosen.seed + 1)
    held_out = held_out_examples(shop, max(chosen.tables // 5, 10), chosen.seed + 2)
    _say(f"{len(tuning.truths)} columns for tuning, {len(held_out.truths)} for evaluation")
    trained = train(
        joined([examples, decisions]) if decisions else examples, tuning, shop.layout, chosen.seed, chosen.rounds
    )
    known = KnownNames.of(names_for(training=False), shop.embedder)
    manifest = export(
        trained, known, held_out, chosen.out, seed=chosen.seed, tables=chosen.tables, rounds=chosen.rounds,
        columns=len(examples.truths), decisions=len(decisions.truths) if decisions else 0, rules=rules.digest,
    )  # fmt: skip
    print((chosen.out / "card.md").read_text("utf-8"))
    _say(f"{chosen.out}: {manifest.name} {manifest.digest}")


def _say(line: str) -> None:
    print(f"{time.process_time():.0f} CPU seconds: {line}", flush=True)


if __name__ == "__main__":
    main()
