"""Checks on what people have put on record for their data: owners, and declarations by tags and by the register.

A declaration is an asset tag "<subject>:<value>", such as "retention:365d" or "legal-basis:contract". That there is
none is INSUFFICIENT_EVIDENCE, since it may be on record elsewhere; a declaration that says "none" fails.
"""

from collections.abc import Iterable, Sequence

from pydantic import Field

from actors.compliance.facts import AssetFacts, Fact, FactSet
from actors.compliance.judgement import (
    Judgement,
    Parameters,
    check,
    columns_of,
    count,
    described,
    how_to_tell,
)
from actors.compliance.scoping import scoped


class Declaration(Parameters):
    """`declaration` is the part before the colon; `allowed` the values that are accepted (all if empty).

    `field` is the field of a register entry that says the same: an answer there counts as well.
    """

    declaration: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    field: str = ""
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ("none", "unknown", "tbd")


class Transfer(Parameters):
    """Regions `inside` need no basis; those that begin with one of `outside` do, declared as "<declaration>:..."."""

    inside: tuple[str, ...] = Field(min_length=1)
    outside: tuple[str, ...] = Field(min_length=1)
    declaration: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    allowed: tuple[str, ...] = Field(min_length=1)


def _declared(asset: AssetFacts, declaration: str, field: str = "") -> list[str]:
    prefix = f"{declaration}:"
    tags = [str(tag).lower() for tag in asset.asset.value.get("tags") or ()]
    said = [entry.get(field) for entry in asset.on_record.get("activities") or () if field]
    values = [str(one).lower() for value in said if value for one in (value if isinstance(value, list) else [value])]
    return sorted({*(tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), *values})


@check("governance.owned", Parameters, ("asset", "labels", "coverage"))
def owned(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """A person or a team answers for every asset that holds the data."""
    for asset in facts.assets:
        outside = scoped(asset, parameters, asset.facts)
        columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
        if outside is not None:
            yield outside
        elif asset.asset.value.get("has_owner"):
            reason = f"It has an owner and holds {parameters.data} in {count(len(columns), 'column')}."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)
        else:
            reason = f"Nobody is named as the owner of its {parameters.data} in {count(len(columns), 'column')}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns, asset.facts, "name_owner")


@check("governance.declared", Declaration, ("asset", "labels", "coverage", "records"))
def declared(facts: FactSet, parameters: Declaration) -> Iterable[Judgement]:
    """What the control asks for is on record for every asset that holds the data, with a value that it accepts.

    It is so by a tag of the asset, or by the register of processing.
    """
    for asset in facts.assets:
        outside = scoped(asset, parameters, asset.stand("records"))
        yield outside if outside is not None else _declaration(asset, parameters)


def _declaration(asset: AssetFacts, parameters: Declaration) -> Judgement:
    name, values = parameters.declaration, _declared(asset, parameters.declaration, parameters.field)
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    action, stand = f"declare_asset:{name}", asset.stand("records")
    if not values:
        reason = f"It holds {parameters.data} in {count(len(columns), 'column')}, and no '{name}' is on record."
        return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, stand, action)
    refused = _refused(values, parameters.allowed, parameters.refused)
    if refused:
        reason = f"Its '{name}:{refused[0]}' is not an answer that the control accepts."
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, action)
    reason = f"It holds {parameters.data}, and '{name}:{values[0]}' is on record."
    return Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


def _refused(values: Sequence[str], allowed: Sequence[str], refused: Sequence[str]) -> list[str]:
    return [value for value in values if not value or value in refused or (allowed and value not in allowed)]


@check("governance.expected_place", Declaration, ("asset", "labels", "coverage", "records"))
def expected_place(facts: FactSet, parameters: Declaration) -> Iterable[Judgement]:
    """The data is only where a tag says that it may be. Without any such tag in the source nothing can be judged."""
    anywhere = parameters.declaration in (facts.on_record.get("places") or ())
    for asset in facts.assets:
        stand = (*((facts.records,) if facts.records else ()), *asset.facts)
        outside = scoped(asset, parameters, stand)
        labels = asset.holds(parameters.tags, parameters.unless).labels
        if outside is not None:
            yield outside
        elif not anywhere:
            reason = f"It holds {parameters.data}, and no asset is tagged '{parameters.declaration}:...' as its place."
            action = f"declare_asset:{parameters.declaration}"
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, action)
        elif _refused(_declared(asset, parameters.declaration) or [""], parameters.allowed, parameters.refused):
            reason = f"It holds {parameters.data} where none is expected: {described(labels)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns_of(labels), stand, "investigate")
        else:
            reason = f"It holds {parameters.data}, and it is tagged as a place for it."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("governance.transfer_basis", Transfer, ("source", "asset", "labels", "coverage", "records"))
def transfer_basis(facts: FactSet, parameters: Transfer) -> Iterable[Judgement]:
    """Data kept outside the permitted regions has a basis on record."""
    region = facts.told("region")
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.stand("records"))
        outside = scoped(asset, parameters, stand)
        yield outside if outside is not None else _placed(asset, parameters, region, stand)


def _placed(asset: AssetFacts, parameters: Transfer, region: object, stand: tuple[Fact, ...]) -> Judgement:
    place = str(region or "").lower()
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    transfers = [one for entry in asset.on_record.get("activities") or () for one in entry.get("transfers") or ()]
    basis = sorted({*_declared(asset, parameters.declaration), *(str(one["basis"]) for one in transfers)})
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
