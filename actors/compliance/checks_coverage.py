"""Checks on how much is known: what was read, and what still awaits a person's decision."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from actors.compliance.contract import FactKind
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.judgement import Judgement, check, columns_of, count, listed, only_a_view

NEEDS: tuple[FactKind, ...] = ("asset", "labels", "coverage")


class Depth(BaseModel):
    """`sample_suffices`: whether a sample is enough to call an asset looked into."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_suffices: bool = False


class Nothing(BaseModel):
    """A check without parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@check("coverage.read", Depth, NEEDS)
def read(facts: FactSet, parameters: Depth) -> Iterable[Judgement]:
    """Every asset was read. One that was tried and could not be read in full fails: it is known not to be known."""
    for asset in facts.assets:
        yield only_a_view(asset) if asset.is_view else _read(asset, parameters)


def _read(asset: AssetFacts, parameters: Depth) -> Judgement:
    covered = asset.coverage.value if asset.coverage else {}
    parts = f"{covered.get('partitions_read', '?')} of {covered.get('partitions', '?')} partitions"
    if asset.unreadable:
        reason = f"It could not be read in full ({asset.unreadable})."
        return Judgement(asset.subject, asset.name, "FAIL", reason, (), asset.facts, "repair_reading")
    if not asset.unread:
        reason = f"All of it was read and classified ({parts})."
        return Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)
    if covered.get("method") == "sample" and parameters.sample_suffices and asset.labels is not None:
        reason = f"A sample of it was read and classified ({parts})."
        return Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)
    reason = f"What it holds is not known in full: {asset.unread}."
    return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), asset.facts, "scan")


@check("coverage.decided", Nothing, NEEDS)
def decided(facts: FactSet, parameters: Nothing) -> Iterable[Judgement]:
    """No label is left in review. Here a pending label fails, as deciding on it is what the control asks for."""
    for asset in facts.assets:
        pending = columns_of(label for label in asset.label_list if not label.settled)
        if asset.is_view:
            yield only_a_view(asset)
        elif pending:
            reason = f"{count(len(pending), 'column')} with labels that nobody has decided on: {listed(pending)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, pending, asset.facts, "decide")
        elif asset.unread:
            reason = f"What it holds is not known in full: {asset.unread}."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), asset.facts, "scan")
        else:
            labelled = count(len(columns_of(asset.label_list)), "labelled column")
            reason = f"No label awaits a decision ({labelled})."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)
