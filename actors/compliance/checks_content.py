"""Checks on what assets hold. PASS and NOT_APPLICABLE need a census without problems; a sample is never enough."""

from collections.abc import Iterable

from pydantic import Field

from actors.compliance.facts import AssetFacts, Fact, FactSet, Label, covers
from actors.compliance.judgement import (
    Judgement,
    Parameters,
    awaiting,
    check,
    columns_of,
    count,
    described,
    how_to_tell,
    only_a_view,
    undecided,
    without,
)

MASK = "mask"


class InEnvironment(Parameters):
    """`production` are the names of environments where live data may be; any other environment must not hold it."""

    production: tuple[str, ...] = ("production", "prod", "live")


class WhereDeclared(Parameters):
    """`declared_by` are the asset tags by which somebody claims that the data is not there.

    Data with a tag in `unsure` may be permitted, depending on what cannot be seen in the facts: a person has to look.
    """

    declared_by: tuple[str, ...] = Field(min_length=1)
    unsure: tuple[str, ...] = ()


def _absent(asset: AssetFacts, parameters: Parameters, where: str = "", more: tuple[Fact, ...] = ()) -> Judgement:
    """PASS if a census found none of the data, FAIL if there is some."""
    facts = (*more, *asset.facts)
    holding = asset.holds(parameters.tags, parameters.unless)
    if holding.state == "held":
        reason = f"It holds {parameters.data}{where}: {described(holding.labels)}."
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns_of(holding.labels), facts, MASK)
    if holding.state == "review":
        return awaiting(asset, parameters.data, holding.labels, facts)
    if holding.state == "unknown":
        return undecided(asset, parameters.data, facts)
    reason = f"A census found no {parameters.data}{where}."
    return Judgement(asset.subject, asset.name, "PASS", reason, (), facts)


@check("content.absent", Parameters, ("asset", "labels", "coverage"))
def absent(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """The data is stored in no asset."""
    for asset in facts.assets:
        yield only_a_view(asset) if asset.is_view else _absent(asset, parameters)


@check("content.absent_outside_production", InEnvironment, ("source", "asset", "labels", "coverage"))
def absent_outside_production(facts: FactSet, parameters: InEnvironment) -> Iterable[Judgement]:
    """The data is in no asset of a source that is not a production one."""
    environment = facts.told("environment")
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.facts)
        holding = asset.holds(parameters.tags, parameters.unless)
        if asset.is_view:
            yield only_a_view(asset)
        elif environment is None and holding.state == "absent":
            yield without(asset, parameters.data, stand)
        elif environment is None:
            how, action = how_to_tell("environment")
            reason = f"The environment of the source is not known.{how}"
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, action)
        elif str(environment).lower() in parameters.production:
            reason = "The source is a production one."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        else:
            yield _absent(asset, parameters, f" in the environment '{environment}'", source)


@check("content.absent_where_declared", WhereDeclared, ("asset", "labels", "coverage"))
def absent_where_declared(facts: FactSet, parameters: WhereDeclared) -> Iterable[Judgement]:
    """The data is in no asset that a tag declares to be free of it."""
    for asset in facts.assets:
        tags = {str(tag).lower() for tag in asset.asset.value.get("tags") or ()}
        declared = sorted(tags.intersection(parameters.declared_by))
        holding = asset.holds(parameters.tags, parameters.unless)
        labels = holding.labels if holding.state == "held" else ()
        if not declared:
            reason = "No tag declares it to be free of such data."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), asset.facts)
        elif labels and all(covers(parameters.unsure, label.tags) for label in labels):
            reason = f"It may hold {parameters.data}, which depends on their values: {described(labels)}."
            columns = columns_of(labels)
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, asset.facts, "look")
        else:
            yield _absent(asset, parameters, f" although the tag '{declared[0]}' declares it free of them")


@check("content.not_in_free_text", Parameters, ("asset", "labels", "coverage"))
def not_in_free_text(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """The data stays in columns made for it: none of it is found inside longer text of other columns."""
    for asset in facts.assets:
        holding = asset.holds(parameters.tags, parameters.unless)
        stray = _stray(holding.labels)
        if asset.is_view:
            yield only_a_view(asset)
        elif holding.state == "held" and stray:
            reason = f"{parameters.data.capitalize()} stray into text that was not made for it: {described(stray)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns_of(stray), asset.facts, "redact")
        elif holding.state == "review":
            yield awaiting(asset, parameters.data, holding.labels)
        elif asset.unread:
            yield undecided(asset, f"stray {parameters.data}")
        elif holding.state == "absent":
            yield without(asset, parameters.data)
        else:
            columns = count(len(columns_of(holding.labels)), "column")
            reason = f"A census found {parameters.data} only in columns made for it ({columns})."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)


@check("content.not_only_disk_encrypted", Parameters, ("source", "asset", "labels", "coverage"))
def not_only_disk_encrypted(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Where storage is encrypted as a whole, the data is also unreadable to whoever reads the asset."""
    encrypted = facts.told("encrypted_at_rest")
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.facts)
        if asset.is_view:
            yield only_a_view(asset)
        elif encrypted is None and asset.holds(parameters.tags, parameters.unless).state == "absent":
            yield without(asset, parameters.data, stand)
        elif encrypted is None:
            how, action = how_to_tell("encrypted_at_rest")
            reason = f"Whether the storage of the source is encrypted is not known.{how}"
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, action)
        elif encrypted is False:
            reason = "The storage is not encrypted as a whole, so nothing rests on that alone."
            yield Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), stand)
        else:
            yield _absent(asset, parameters, " that is readable although the storage is encrypted", source)


def _stray(labels: Iterable[Label]) -> tuple[Label, ...]:
    return tuple(label for label in labels if not label.whole_column)
