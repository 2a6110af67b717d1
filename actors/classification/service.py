"""The commands of the classification group."""

from sqlalchemy import delete, select

from actors.classification import batches, deciding, model_service, model_shadows
from actors.classification.answers import answers_of, forget
from actors.classification.contract import (
    ClassifyAssets,
    ClassifyReceipt,
    DecideLabel,
    DecideLabels,
    DecisionBatch,
    ForgetAssets,
    LabelView,
    MoveDecisions,
    UndoDecisions,
    WithdrawDecision,
)
from actors.classification.feedback import feedback
from actors.classification.labelling import Relabelling
from actors.classification.machine import machine_labels, with_feedback
from actors.classification.moving import move_decisions
from actors.classification.observing import observe
from actors.classification.tables import Evidence, Label
from cluster.detectors.compile import compiled, load_rule_set, taxonomy_of
from cluster.detectors.taxonomy import load_taxonomy
from cluster.naming import asset_id
from cluster.runtime.commands import Service, UnitOfWork

service = Service("classification")
model_service.add_to(service)

NOTHING = ClassifyReceipt(columns=0, created=0, changed=0, withdrawn=0, unchanged=0)


@service.handles(ClassifyAssets)
def classify_assets(work: UnitOfWork, command: ClassifyAssets) -> ClassifyReceipt:
    rules = compiled(command.rules or load_rule_set().value)
    taxonomy = taxonomy_of(rules.spec)
    total, known = NOTHING, feedback(work.session)
    # Where nothing could be read of an asset, that says nothing about its columns.
    given = [evidence for evidence in command.evidence if evidence.partitions_read or not evidence.partitions]
    told = answers_of(work, command.source_id, [evidence.asset for evidence in given], command.guesses)
    for evidence in given:
        identifier = asset_id(command.source_id, evidence.asset)
        observed = observe(work, command.source_id, identifier, evidence)
        verdicts = machine_labels(evidence.asset, observed, told.get(evidence.asset, {}), taxonomy, rules)
        verdicts = with_feedback(verdicts, identifier, known, rules.spec.automatic_at)
        relabelling = Relabelling(work, command.source_id, identifier, evidence.asset)
        total = _sum(total, relabelling.apply(observed, verdicts, taxonomy))
    model_shadows.record(work, command.source_id, command.shadows)
    return total


@service.handles(ForgetAssets)
def forget_assets(work: UnitOfWork, command: ForgetAssets) -> ClassifyReceipt:
    total = NOTHING
    for identifier in command.assets:
        mine = (Label.asset_id == identifier, Label.source_id == command.source_id)
        asset = work.session.scalars(select(Label.asset).where(*mine)).first()
        work.session.execute(
            delete(Evidence).where(Evidence.asset_id == identifier, Evidence.source_id == command.source_id)
        )
        forget(work.session, command.source_id, identifier)
        if asset is not None:
            forgetting = Relabelling(work, command.source_id, identifier, asset)
            total = _sum(total, forgetting.apply((), {}, load_taxonomy().value))
    return total


@service.handles(MoveDecisions)
def moved(work: UnitOfWork, command: MoveDecisions) -> ClassifyReceipt:
    return NOTHING.model_copy(update={"changed": move_decisions(work, command)})


@service.handles(DecideLabel)
def decide_label(work: UnitOfWork, command: DecideLabel) -> LabelView:
    return deciding.decide(work, command)


@service.handles(DecideLabels)
def decide_labels(work: UnitOfWork, command: DecideLabels) -> DecisionBatch:
    return batches.decide_many(work, command)


@service.handles(UndoDecisions)
def undo_decisions(work: UnitOfWork, command: UndoDecisions) -> DecisionBatch:
    return batches.undo(work, command)


@service.handles(WithdrawDecision)
def withdraw_decision(work: UnitOfWork, command: WithdrawDecision) -> LabelView:
    return deciding.withdraw(work, command)


def _sum(one: ClassifyReceipt, other: ClassifyReceipt) -> ClassifyReceipt:
    return ClassifyReceipt(**{name: getattr(one, name) + getattr(other, name) for name in ClassifyReceipt.model_fields})
