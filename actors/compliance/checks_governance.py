"""Checks on what people have put on record for their data: owners, and declarations made by tags of assets.

A declaration is an asset tag "<subject>:<value>", such as "retention:365d" or "legal-basis:contract". That there is
none is INSUFFICIENT_EVIDENCE, since it may be on record elsewhere; a declaration that says "none" fails.
"""

from collections.abc import Iterable, Sequence

from pydantic import Field

from actors.compliance.facts import AssetFacts, Fact, FactSet
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


class Declaration(Parameters):
    """`declaration` is the part before the colon; `allowed` the values that are accepted (all if empty)."""

    declaration: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ("none", "unknown", "tbd")


class Transfer(Parameters):
    """Regions `inside` need no basis; those that begin with one of `outside` do, declared as "<declaration>:..."."""

    inside: tuple[str, ...] = Field(min_length=1)
    outside: tuple[str, ...] = Field(min_length=1)
    declaration: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    allowed: tuple[str, ...] = Field(min_length=1)


def _scoped(asset: AssetFacts, parameters: Parameters, stand: tuple[Fact, ...]) -> Judgement | None:
    """The judgement where the asset is not known to hold the data; None where it does."""
    holding = asset.holds(parameters.tags, parameters.unless)
    if holding.state == "held":
        return None
    if asset.is_view:
        return only_a_view(asset)
    if holding.state == "review":
        return awaiting(asset, parameters.data, holding.labels, stand)
    if holding.state == "unknown":
        return undecided(asset, parameters.data, stand)
    return without(asset, parameters.data, stand)


def _declared(asset: AssetFacts, declaration: str) -> list[str]:
    prefix = f"{declaration}:"
    tags = [str(tag).lower() for tag in asset.asset.value.get("tags") or ()]
    return sorted(tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix))


@check("governance.owned", Parameters, ("asset", "labels", "coverage"))
def owned(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """A person or a team answers for every asset that holds the data."""
    for asset in facts.assets:
        scoped = _scoped(asset, parameters, asset.facts)
        columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
        if scoped is not None:
            yield scoped
        elif asset.asset.value.get("has_owner"):
            reason = f"It has an owner and holds {parameters.data} in {count(len(columns), 'column')}."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)
        else:
            reason = f"Nobody is named as the owner of its {parameters.data} in {count(len(columns), 'column')}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns, asset.facts, "name_owner")


@check("governance.declared", Declaration, ("asset", "labels", "coverage"))
def declared(facts: FactSet, parameters: Declaration) -> Iterable[Judgement]:
    """What the control asks for is on record as a tag of every asset that holds the data, with a value it accepts."""
    for asset in facts.assets:
        scoped = _scoped(asset, parameters, asset.facts)
        yield scoped if scoped is not None else _declaration(asset, parameters)


def _declaration(asset: AssetFacts, parameters: Declaration) -> Judgement:
    name, values = parameters.declaration, _declared(asset, parameters.declaration)
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    action = f"declare_asset:{name}"
    if not values:
        reason = f"It holds {parameters.data} in {count(len(columns), 'column')}, and no tag '{name}:...' is on it."
        return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, asset.facts, action)
    refused = _refused(values, parameters.allowed, parameters.refused)
    if refused:
        reason = f"Its tag '{name}:{refused[0]}' is not an answer that the control accepts."
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, asset.facts, action)
    reason = f"It holds {parameters.data}, and '{name}:{values[0]}' is on record."
    return Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)


def _refused(values: Sequence[str], allowed: Sequence[str], refused: Sequence[str]) -> list[str]:
    return [value for value in values if not value or value in refused or (allowed and value not in allowed)]


@check("governance.expected_place", Declaration, ("asset", "labels", "coverage"))
def expected_place(facts: FactSet, parameters: Declaration) -> Iterable[Judgement]:
    """The data is only where a tag says that it may be. Without any such tag in the source nothing can be judged."""
    scope = next((asset for asset in facts.assets if _declared(asset, parameters.declaration)), None)
    for asset in facts.assets:
        stand = asset.facts if scope is None or scope is asset else (scope.asset, *asset.facts)
        scoped = _scoped(asset, parameters, stand)
        labels = asset.holds(parameters.tags, parameters.unless).labels
        if scoped is not None:
            yield scoped
        elif scope is None:
            reason = f"It holds {parameters.data}, and no asset is tagged '{parameters.declaration}:...' as its place."
            action = f"declare_asset:{parameters.declaration}"
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, action)
        elif _refused(_declared(asset, parameters.declaration) or [""], parameters.allowed, parameters.refused):
            reason = f"It holds {parameters.data} where none is expected: {described(labels)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns_of(labels), stand, "investigate")
        else:
            reason = f"It holds {parameters.data}, and it is tagged as a place for it."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("governance.transfer_basis", Transfer, ("source", "asset", "labels", "coverage"))
def transfer_basis(facts: FactSet, parameters: Transfer) -> Iterable[Judgement]:
    """Data kept outside the permitted regions has a basis on record."""
    region = facts.told("region")
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.facts)
        scoped = _scoped(asset, parameters, stand)
        yield scoped if scoped is not None else _placed(asset, parameters, region, stand)


def _placed(asset: AssetFacts, parameters: Transfer, region: object, stand: tuple[Fact, ...]) -> Judgement:
    place = str(region or "").lower()
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    basis = _declared(asset, parameters.declaration)
    if place in parameters.inside:
        reason = f"It holds {parameters.data}, and the region '{place}' is inside."
        return Judgement(asset.subject, asset.name, "PASS", reason, (), stand)
    if basis and not _refused(basis, parameters.allowed, ()):
        reason = f"It holds {parameters.data}, and '{parameters.declaration}:{basis[0]}' is on record."
        return Judgement(asset.subject, asset.name, "PASS", reason, (), stand)
    if place and place.startswith(parameters.outside):
        reason = f"It holds {parameters.data} in the region '{place}', which is outside, and no basis is on record."
        action = f"declare_asset:{parameters.declaration}"
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, action)
    how, action = how_to_tell("region")
    reason = f"The region '{place}' is not a known one." if place else f"The region of the source is not known.{how}"
    return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, action)
