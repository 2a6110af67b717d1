"""Trains the column model anew with what people decided since, as a Ray job that the classification group submits.

    ray job submit -- python -m serve.jobs.retrain RETRAINING_ID [--tables 2500]

The result lies in the folder `models` of the home and is registered as a shadow; whether it ever answers is decided by
the gate and by people. Needs the extra `train`.
"""

import argparse
import asyncio
import hashlib
from pathlib import Path

from actors.classification.contract import FinishRetraining, RetrainingView
from actors.classification.labelled import labelled
from cluster.context import system
from cluster.errors import SextantError
from cluster.runtime.doors import NAMESPACE, send
from cluster.settings import settings
from cluster.store.engine import reading

DECISIONS = "decisions.jsonl"
LONGEST = 1000


def main(arguments: list[str] | None = None) -> None:
    """Trains, and tells the group of the result or of what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m serve.jobs.retrain", description="Trains the column model anew.")
    parser.add_argument("retraining", help="id of the training, as `GET /retrainings` shows it")
    parser.add_argument("--tables", type=int, help="tables to generate, fewer for a trial")
    chosen = parser.parse_args(arguments)
    retraining = chosen.retraining
    import ray

    ray.init(namespace=NAMESPACE, ignore_reinit_error=True, log_to_driver=False)
    try:
        told = FinishRetraining(retraining_id=retraining, folder=trained(retraining, chosen.tables))
    except SextantError as error:
        told = FinishRetraining(retraining_id=retraining, problem=error.detail[:LONGEST])
    except Exception as error:
        # The text of an unexpected error may quote data: only its type is told.
        told = FinishRetraining(retraining_id=retraining, problem=f"The training failed ({type(error).__name__}).")
    done: RetrainingView = asyncio.run(send(told, system("classification")))
    print(f"{done.state}: {done.model_id or done.problem}")


def trained(retraining: str, tables: int | None = None) -> str:
    """The name of the folder of the new model. The seed is made of the id, so that the same training gives the same."""
    from serve.jobs.train_columns import main as train

    name = f"columns-{hashlib.sha256(retraining.encode()).hexdigest()[:12]}"
    out = settings().home / "models" / name
    out.mkdir(parents=True, exist_ok=True)
    decisions = out.with_suffix(f".{DECISIONS}")
    try:
        count = write_decisions(decisions)
        seed = int(hashlib.sha256(retraining.encode()).hexdigest()[:7], 16)
        given = (["--decisions", str(decisions)] if count else []) + (["--tables", str(tables)] if tables else [])
        train(["--out", str(out), "--seed", str(seed), *given])
    finally:
        decisions.unlink(missing_ok=True)
    return name


def write_decisions(path: Path) -> int:
    """Writes the decisions in force with the figures of their columns, one a line; returns how many."""
    count, after = 0, 0
    with path.open("w", encoding="utf-8") as file:
        while True:
            with reading() as session:
                found = labelled(session, after)
            for one in found:
                file.write(one.model_dump_json() + "\n")
            if not found:
                return count
            count, after = count + len(found), found[-1].seq


if __name__ == "__main__":
    main()
