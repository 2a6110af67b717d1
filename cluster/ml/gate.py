"""The gate before a version of a model answers: accuracy, calibration, fairness and speed, each held to a threshold.

Pure: the same figures give the same verdict. A figure that was not measured does not pass.
"""

from functools import cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.ml.figures import DIMENSIONS, Evaluation
from cluster.packs import Pack, load_pack

ModelKind = Literal["columns", "entities", "embedding"]
KINDS: Final[tuple[ModelKind, ...]] = ("columns", "entities", "embedding")
Aspect = Literal["accuracy", "calibration", "fairness", "speed"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Thresholds(_Value):
    """What a kind of models has to reach; explained in `configs/gates.yaml`."""

    macro_f1: float = Field(ge=0, le=1)
    slack: float = Field(ge=0, le=1)
    calibration_error: float = Field(gt=0, le=1)
    odds_gap: float = Field(gt=0, le=1)
    parity_gap: float = Field(gt=0, le=1)
    per_second: float = Field(gt=0)
    waived: dict[str, str] = Field(default_factory=dict)


class GatePack(_Value):
    """`configs/gates.yaml`."""

    gates: dict[ModelKind, Thresholds]


class Check(_Value):
    """One thing that was asked for: what was measured (None: it was not), the bound, and whether it holds."""

    aspect: Aspect
    name: str
    measured: float | None
    bound: Literal["at_least", "at_most"]
    threshold: float
    passed: bool
    detail: str = ""


class Gate(_Value):
    """All checks of one version."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds; no check at all is no pass."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it does not pass, a sentence each."""
        return tuple(_sentence(check) for check in self.checks if not check.passed)


@cache
def thresholds() -> Pack[GatePack]:
    """The thresholds of this installation. Raises PackInvalid."""
    return load_pack("gates.yaml", GatePack)


def gate(
    kind: ModelKind, evaluation: Evaluation | None, per_second: float | None, against: Evaluation | None = None
) -> Gate:
    """Holds the figures of a version to the thresholds of its kind, and to those of the version that answers now.

    The version that answers now counts only if both were measured on the same held-out set: figures of two sets say
    nothing of each other.
    """
    wanted = thresholds().value.gates[kind]
    same = evaluation is not None and against is not None and evaluation.data == against.data
    f1 = evaluation.macro_f1 if evaluation else None
    checks = [_least("accuracy", "macro_f1", f1, wanted.macro_f1)]
    if same and against is not None:
        checks.append(_least("accuracy", "macro_f1_of_the_active", f1, against.macro_f1 - wanted.slack))
    error = evaluation.calibration_error if evaluation else None
    checks.append(_most("calibration", "calibration_error", error, wanted.calibration_error))
    checks += _fair(evaluation, wanted)
    checks.append(_least("speed", "per_second", per_second, wanted.per_second))
    return Gate(checks=tuple(checks))


def _fair(evaluation: Evaluation | None, wanted: Thresholds) -> list[Check]:
    """Both gaps of every dimension whose groups were counted; none counted is one check that fails."""
    told = evaluation.fairness(wanted.odds_gap) if evaluation else {}
    checks = []
    for dimension in DIMENSIONS:
        if (found := told.get(dimension)) is None:
            continue
        worst = f"found least often: {found.worst}" if found.worst else ""
        both = [
            _most("fairness", f"odds_gap.{dimension}", found.odds_gap, wanted.odds_gap, worst),
            _most("fairness", f"parity_gap.{dimension}", found.parity_gap, wanted.parity_gap, worst),
        ]
        why = wanted.waived.get(dimension)
        waived = {"passed": True, "detail": f"waived: {why}"}
        checks += [check if check.passed or why is None else check.model_copy(update=waived) for check in both]
    return checks or [_most("fairness", "odds_gap", None, wanted.odds_gap)]


def _least(aspect: Aspect, name: str, measured: float | None, threshold: float) -> Check:
    passed = measured is not None and measured >= threshold
    return Check(
        aspect=aspect, name=name, measured=measured, bound="at_least", threshold=threshold, passed=passed
    )  # fmt: skip


def _most(aspect: Aspect, name: str, measured: float | None, threshold: float, detail: str = "") -> Check:
    passed = measured is not None and measured <= threshold
    return Check(
        aspect=aspect, name=name, measured=measured, bound="at_most", threshold=threshold, passed=passed, detail=detail
    )  # fmt: skip


def _sentence(check: Check) -> str:
    if check.measured is None:
        return f"{check.name} was not measured."
    told = f" ({check.detail})" if check.detail else ""
    bound = "at least" if check.bound == "at_least" else "at most"
    return f"{check.name} is {check.measured:.4g} and has to be {bound} {check.threshold:.4g}{told}."
