"""The figures of a model as values: what a training job writes beside it, what a gate reads and a registry keeps.

They are counts and rates of a generated, held-out set and hold none of its values. `cluster.ml.evaluation` makes them.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cluster.errors import ModelUnusable
from cluster.ml.fairness import Detection, Fairness, fairness

FILE: Final = "evaluation.json"
# What detection has to be equally good for.
DIMENSIONS: Final = ("name_origin", "script", "locale", "source")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassScore(_Value):
    """Precision, recall and F1 of one class; `support` is how often it is there. Nothing told: precision 0."""

    data_class: str
    precision: float
    recall: float
    f1: float
    support: int


class Bin(_Value):
    """Answers whose probability fell into one tenth: how many, their mean probability, and the share of right ones."""

    count: int
    probability: float
    right: float


class Histogram(_Value):
    """Counts in bins between inner `edges`; a value on an edge belongs to the bin above it."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.counts) != len(self.edges) + 1:
            raise ValueError("there is one bin more than there are edges")
        return self


class GroupCount(_Value):
    """How often something is in a group and was found (`found`) or missed, and how often it is not and was told."""

    dimension: str
    group: str
    found: int = 0
    missed: int = 0
    wrong: int = 0
    left: int = 0


class Evaluation(_Value):
    """The figures of one model on one held-out set; `data` is the digest of that set and `seed` what made it."""

    data: str = Field(max_length=128)
    seed: int
    answers: int
    classes: tuple[ClassScore, ...]
    macro_f1: float
    micro_f1: float
    calibration_error: float
    reliability: tuple[Bin, ...]
    groups: tuple[GroupCount, ...] = ()
    reference: dict[str, Histogram] = Field(default_factory=dict)

    def fairness(self, limit: float) -> dict[str, Fairness]:
        """Parity and odds over each dimension of which groups were counted."""
        found: dict[str, list[Detection]] = defaultdict(list)
        for count in self.groups:
            each = {(True, True): count.found, (True, False): count.missed}
            each |= {(False, True): count.wrong, (False, False): count.left}
            for (there, told), times in each.items():
                found[count.dimension] += [Detection(count.group, there, told)] * times
        return {dimension: fairness(detections, limit) for dimension, detections in sorted(found.items())}


class Assessment(_Value):
    """What was measured of a version where it is registered.

    `evaluation` is None where the model brings no figures and they cannot be gained there. per_second: answers in a
    second of CPU time, the best of three rounds; `note` says what was left out and why.
    """

    digest: str
    evaluation: Evaluation | None
    per_second: float | None
    note: str = ""


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Writes the figures into the folder of the model; call it before its manifest is written, which then covers it."""
    (folder / FILE).write_text(evaluation.model_dump_json(indent=1) + "\n", "utf-8")


def read_evaluation(folder: Path) -> Evaluation | None:
    """The figures in the folder of a model, None without any. Raises ModelUnusable for a file that is none."""
    try:
        return Evaluation.model_validate(json.loads((folder / FILE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError):
        raise ModelUnusable(f"The {FILE} of {folder.name} is no evaluation.", "Train the model anew.") from None
