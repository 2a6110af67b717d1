"""Characters of free text a CPU second of one core, tier 1 alone and with the language model, beside Presidio.

    python -m tests.benchmarks.bench_spans [--texts N] [--repeat N] [--no-peer]

Short texts: those written by hand in `configs/training/check`, and generated ones of templates that no model was
trained on; long ones: the same texts joined to some 20,000 characters. All different, so that no cache answers. Least
CPU seconds of `--repeat` runs, one thread for each native pool, all in one run. Presidio is its default analyzer with
en_core_web_sm (`peer.py` installs it).
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from tests.benchmarks import machine, peer

os.environ.update(machine.ONE_THREAD)

from actors.classification.realtime import classify_text, default_rules
from actors.classification.tiers import Models
from cluster.ml.entities import TextEntities
from cluster.ml.entity_check import checked_texts
from cluster.ml.entity_examples import Maker
from cluster.ml.entity_pools import Pools

SEED: Final = 7
JOINED: Final = 120  # short texts in a long one


def made(count: int) -> list[str]:
    """Texts written by hand, then generated ones, all different."""
    written = [example.text for example in checked_texts()]
    maker = Maker(Pools(SEED), SEED, "held_out")
    return [*written, *(example.text for example in islice(maker, max(0, count - len(written))))]


def seconds(run: Callable[[], object], repeat: int) -> float:
    """The least CPU seconds of some runs."""
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        run()
        best = min(best, time.process_time() - began)
    return best


def measure(name: str, texts: Sequence[str], repeat: int, compared: bool) -> None:
    """Prints the rates on some texts, and how many times that of Presidio they are."""
    characters = sum(map(len, texts))
    default_rules()
    rules = characters / seconds(lambda: classify_text(texts, ["rules"]), repeat)
    # A new model each time: what it has read it keeps.
    models = [Models(entities=TextEntities.load()) for _ in range(repeat)]
    both = characters / seconds(lambda: classify_text(texts, ["rules", "language"], models=models.pop()), repeat)
    print(f"{name}: {len(texts):,} texts, {characters:,} characters")
    rates = {"tier 1 alone": rules, "tiers 1 and 3": both}
    if compared:
        try:
            result = peer.PRESIDIO.measure("full", list(texts))
            rates["Presidio"] = characters / result["cpu_seconds"]
        except peer.PeerAbsent as reason:
            print(f"  Presidio was not measured: it could not be run here ({reason})")
    for who, rate in rates.items():
        times = f"{rate / rates['Presidio']:8.1f} times Presidio" if "Presidio" in rates else ""
        print(f"  {who:<14}{rate:>12,.0f} characters a CPU second{times}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave Presidio out")
    given = parser.parse_args(arguments)
    texts = made(given.texts)
    measure("short", texts, given.repeat, not given.no_peer)
    long = ["\n\n".join(texts[start : start + JOINED]) for start in range(0, len(texts), JOINED)]
    measure("long", long, given.repeat, not given.no_peer)


if __name__ == "__main__":
    print(machine.describe())
    main()
