"""The governed models of an instance, for driver scripts: `sextant.models`.

model = sextant.models.register("columns", "columns-2")
sextant.models.evaluate(model.id)
sextant.models.canary(model.id, 0.1)
sextant.models.promote(model.id)
"""

from collections.abc import Iterator

from actors.classification.contract import (
    EvaluationSummary,
    ModelDetail,
    ModelState,
    ModelView,
    ObservationView,
    RetrainingView,
    ShadowReport,
)
from cluster.ml.figures import Evaluation
from cluster.ml.gate import ModelKind
from serve.typed import Typed


class Models(Typed):
    """Registering, measuring and promoting versions of models."""

    def all(self, kind: ModelKind | None = None, state: ModelState | None = None) -> Iterator[ModelView]:
        """Versions by id, those of one kind or state if it is given."""
        return self._pages(ModelView, "/models", {"kind": kind, "state": state})

    def get(self, model_id: str) -> ModelDetail:
        """One version with its card and its newest evaluation. Raises NotFound."""
        return self._one(ModelDetail, "GET", f"/models/{model_id}")

    def register(self, kind: ModelKind, folder: str) -> ModelView:
        """Registers the model in a folder of `models` in the home of the instance."""
        return self._one(ModelView, "POST", "/models", {"kind": kind, "folder": folder})

    def evaluate(self, model_id: str) -> EvaluationSummary:
        """Asks for an evaluation; `evaluations` tells when it is done."""
        return self._one(EvaluationSummary, "POST", f"/models/{model_id}/evaluations")

    def evaluations(self, model_id: str) -> list[EvaluationSummary]:
        """The evaluations of a version, the newest first."""
        return list(self._pages(EvaluationSummary, f"/models/{model_id}/evaluations"))

    def figures(self, model_id: str) -> Evaluation:
        """All that was measured of a version. Raises NotFound before its first evaluation."""
        return self._one(Evaluation, "GET", f"/models/{model_id}/figures")

    def shadow(self, model_id: str) -> ModelView:
        """Lets a version be asked without answering."""
        return self._one(ModelView, "POST", f"/models/{model_id}/shadow")

    def canary(self, model_id: str, share: float, override: str | None = None) -> ModelView:
        """Lets a version answer for a share of the assets. Raises Conflict with the reasons of the gate."""
        return self._one(ModelView, "POST", f"/models/{model_id}/canary", {"share": share, "override": override})

    def promote(self, model_id: str, override: str | None = None) -> ModelView:
        """Makes a version the one that answers. Raises Conflict with the reasons of the gate."""
        return self._one(ModelView, "POST", f"/models/{model_id}/promotion", {"override": override})

    def roll_back(self, model_id: str, reason: str) -> ModelView:
        """Takes a version back; returns the one that answers afterwards."""
        return self._one(ModelView, "POST", f"/models/{model_id}/rollback", {"reason": reason})

    def retire(self, model_id: str) -> ModelView:
        """Puts a version that does not answer out of use."""
        return self._one(ModelView, "POST", f"/models/{model_id}/retirement")

    def importance(self, model_id: str) -> dict[str, float]:
        """What a column model goes by: features with their share of its gain. Raises NotFound for models of texts."""
        found: dict[str, float] = self.http.call("GET", f"/models/{model_id}/importance").json()["features"]
        return found

    def shadow_report(self, model_id: str) -> ShadowReport:
        """How a shadow answered beside the version that answers."""
        return self._one(ShadowReport, "GET", f"/models/{model_id}/shadow")

    def drift(self, source_id: str | None = None, verdict: str | None = None) -> Iterator[ObservationView]:
        """What sources looked like by day and how far that moved, the newest first; moderate or large moves only if so
        asked."""
        return self._pages(ObservationView, "/drift", {"source_id": source_id, "verdict": verdict})

    def retrain(self, kind: ModelKind, reason: str) -> RetrainingView:
        """Asks for a training; its result is registered as a shadow."""
        return self._one(RetrainingView, "POST", "/retrainings", {"kind": kind, "reason": reason})

    def retrainings(self) -> list[RetrainingView]:
        """Trainings that were proposed or asked for, the newest first."""
        return list(self._pages(RetrainingView, "/retrainings"))
