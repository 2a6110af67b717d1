"""Fits the calibration of matches in meaning and prints it, to be written into `configs/meanings.yaml`.

python -m serve.jobs.calibrate_meanings
"""

from cluster.ml.embedding import Embedder
from cluster.ml.meaning import Meaning
from cluster.ml.meaning_calibration import fit


def main() -> None:
    """Prints the line of the pack, and what was seen."""
    calibration, seen = fit(Meaning(Embedder.load()))
    weights = ", ".join(f"{name}: {value}" for name, value in calibration.model_dump().items())
    print(f"calibration: {{{weights}}}")
    print(", ".join(f"{name} {value:.4f}" for name, value in seen.items()))


if __name__ == "__main__":
    main()
