"""The commands of the classification group."""

from functools import lru_cache

from sqlalchemy import delete, select

from actors.classification import batches, deciding, model_service
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
from actors.classification.decisions import LabelFacts
from actors.classification.labelling import Relabelling
from actors.classification.moving import move_decisions
from actors.classification.observing import Observed, observe
from actors.classification.precedents import Precedents, adjusted, precedents
from actors.classification.tables import Evidence, Label
from actors.classification.verdict import verdict
from cluster.detectors.compile import CompiledRules, RuleSetSpec, compile, load_detector_packs, load_rule_set
from cluster.detectors.taxonomy import Taxonomy, load_taxonomy
from cluster.naming import asset_id
from cluster.runtime.commands import Service, UnitOfWork

service = Service("classification")
model_service.add_to(service)

NOTHING = ClassifyReceipt(columns=0, created=0, changed=0, withdrawn=0, unchanged=0)


@service.handles(ClassifyAssets)
def classify_assets(work: UnitOfWork, command: ClassifyAssets) -> ClassifyReceipt:
    rules, taxonomy = _compiled(command.rules or load_rule_set().value), load_taxonomy().value
    total, known = NOTHING, precedents(work.session)
    for evidence in command.evidence:
        if evidence.partitions and not evidence.partitions_read:
            continue  # nothing could be read of it: that says nothing about its columns
        identifier = asset_id(command.source_id, evidence.asset)
        observed = observe(work, command.source_id, identifier, evidence)
        verdicts = machine_labels(evidence.asset, observed, taxonomy, rules)
        verdicts = _with_precedents(verdicts, identifier, known, rules.spec.automatic_at)
        relabelling = Relabelling(work, command.source_id, identifier, evidence.asset)
        total = _sum(total, relabelling.apply(observed, verdicts, taxonomy))
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


def machine_labels(
    asset: str, observed: list[Observed], taxonomy: Taxonomy, rules: CompiledRules
) -> dict[str, dict[str, LabelFacts]]:
    """The machine's labels of an asset by column and class: a function of what counts as evidence, and of the rules."""
    found: dict[str, dict[str, LabelFacts]] = {}
    names = tuple(seen.evidence.column for seen in observed)
    for seen in observed:
        neighbours = tuple(name for name in names if name != seen.evidence.column)
        labels = verdict(seen.evidence, asset, neighbours, taxonomy, rules)
        found[seen.evidence.column] = {
            label.data_class: LabelFacts(**label.model_dump(exclude={"method"}), method=seen.method(label.data_class))
            for label in labels
        }
    return found


def _with_precedents(
    verdicts: dict[str, dict[str, LabelFacts]], asset: str, known: Precedents, automatic_at: float
) -> dict[str, dict[str, LabelFacts]]:
    return {
        column: {name: adjusted(label, column, asset, known, automatic_at) for name, label in labels.items()}
        for column, labels in verdicts.items()
    }


@lru_cache(maxsize=8)
def _rules(spec: str) -> CompiledRules:
    return compile(RuleSetSpec.model_validate_json(spec), load_detector_packs())


def _compiled(spec: RuleSetSpec) -> CompiledRules:
    return _rules(spec.model_dump_json())


def _sum(one: ClassifyReceipt, other: ClassifyReceipt) -> ClassifyReceipt:
    return ClassifyReceipt(**{name: getattr(one, name) + getattr(other, name) for name in ClassifyReceipt.model_fields})
