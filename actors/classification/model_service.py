"""The commands about governed models, as the classification group carries them out."""

from actors.classification import contract, model_gate, model_registry, model_retraining, model_watch
from cluster.runtime.commands import Service


def add_to(service: Service) -> None:
    """Registers the functions with the service of the group."""
    service.handles(contract.RegisterModel)(model_registry.register)
    service.handles(contract.RegisterShipped)(model_registry.register_shipped)
    service.handles(contract.ShadowModel)(model_registry.shadow)
    service.handles(contract.CanaryModel)(model_registry.canary)
    service.handles(contract.PromoteModel)(model_registry.promote)
    service.handles(contract.RollBackModel)(model_registry.roll_back)
    service.handles(contract.RetireModel)(model_registry.retire)
    service.handles(contract.EvaluateModel)(model_gate.ask)
    service.handles(contract.RecordEvaluation)(model_gate.record)
    service.handles(contract.RecordObservations)(model_watch.observe)
    service.handles(contract.RequestRetraining)(model_retraining.request)
    service.handles(contract.DismissRetraining)(model_retraining.dismiss)
    service.handles(contract.BeginRetraining)(model_retraining.begin)
    service.handles(contract.FinishRetraining)(model_retraining.finish)
