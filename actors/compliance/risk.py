"""Risk = 100 x likelihood x impact, for every column that carries a label that was not rejected. Pure over facts.

likelihood = 0.35 exposure + 0.20 breadth + 0.20 unencrypted + 0.10 unmasked + 0.15 staleness
impact     = 0.50 sensitivity + 0.30 subjects + 0.20 special

Each factor is from 0 to 1. exposure: everybody may read it. breadth: principals that may read it, of 20. unencrypted:
half for the storage, half for the connection. unmasked: no mask is in force on the column. staleness: 1 unread, 0.5
sampled or broken. sensitivity: Internal 0.1, Confidential 0.5, Restricted 1. subjects: log10 of distinct values plus
one, of 10^6. special: special categories, health, criminal records, authentication data. What is not known counts 0.5,
and is marked as assumed. The share of a factor is its Shapley value: for a product of two sums, each term shares its
part equally between both sides, so that the shares add up to the score.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from actors.compliance.checks_access import READ, reported
from actors.compliance.contract.risk import ColumnRisk, RiskFactor, RiskGroup, RiskView
from actors.compliance.facts import AssetFacts, FactSet, covers

LIKELIHOOD = {"exposure": 0.35, "breadth": 0.20, "unencrypted": 0.20, "unmasked": 0.10, "staleness": 0.15}
IMPACT = {"sensitivity": 0.50, "subjects": 0.30, "special": 0.20}
SENSITIVITY = {"Public": 0.0, "Internal": 0.1, "Confidential": 0.5, "Restricted": 1.0}
SPECIAL = ("gdpr.special_category", "gdpr.criminal", "phi", "pci.sad")
READERS, SUBJECTS = 20, 6
UNKNOWN = 0.5
WORST = 20
GROUPS = 200


class Factor(NamedTuple):
    """A factor from 0 to 1, and whether it is assumed."""

    value: float
    assumed: bool = False


def of_source(facts: FactSet) -> RiskView:
    """The risk of a source and of what is in it."""
    columns = list(of_columns(facts))
    by_factor: dict[str, float] = defaultdict(float)
    for column in columns:
        for factor in column.factors:
            by_factor[factor.name] += factor.share
    return RiskView(
        source_id=facts.source_id,
        score=max((column.score for column in columns), default=0.0),
        total=round(sum(column.score for column in columns), 2),
        columns=len(columns),
        unknown=sum(1 for asset in facts.assets if asset.unread and not asset.is_view),
        by_factor={name: round(by_factor[name], 2) for name in (*LIKELIHOOD, *IMPACT)},
        assets=_groups((column.asset_id, column.asset, column) for column in columns),
        domains=_groups(_by_domain(facts, columns)),
        worst=tuple(sorted(columns, key=lambda one: (-one.score, one.asset, one.column))[:WORST]),
    )


def of_columns(facts: FactSet) -> Iterator[ColumnRisk]:
    """The risk of every labelled column, by asset and column."""
    for asset in facts.assets:
        likelihood = _likelihood(facts, asset)
        masked = {
            column for one in asset.on_record.get("policies") or () if one["applied"] for column in one["columns"]
        }
        for column in sorted({label.column for label in asset.label_list}):
            own = likelihood | {"unmasked": Factor(0.0 if column in masked else 1.0)}
            yield _risk(asset, column, own, _impact(asset, column))


def _risk(asset: AssetFacts, column: str, likely: dict[str, Factor], grave: dict[str, Factor]) -> ColumnRisk:
    likelihood = sum(LIKELIHOOD[name] * factor.value for name, factor in likely.items())
    impact = sum(IMPACT[name] * factor.value for name, factor in grave.items())
    factors = [
        *(_factor(name, likely[name], LIKELIHOOD[name], impact) for name in LIKELIHOOD),
        *(_factor(name, grave[name], IMPACT[name], likelihood) for name in IMPACT),
    ]
    return ColumnRisk(
        asset_id=asset.subject,
        asset=asset.name,
        column=column,
        score=round(100 * likelihood * impact, 4),
        likelihood=round(likelihood, 4),
        impact=round(impact, 4),
        factors=tuple(factors),
    )


def _factor(name: str, factor: Factor, weight: float, other_side: float) -> RiskFactor:
    share = round(100 * weight * factor.value * other_side / 2, 4)
    return RiskFactor(name=name, value=round(factor.value, 4), weight=weight, share=share, assumed=factor.assumed)


def _likelihood(facts: FactSet, asset: AssetFacts) -> dict[str, Factor]:
    stored, moved = _not(facts.told("encrypted_at_rest")), _not(facts.told("tls"))
    if (facts.told("extra") or {}).get("loopback") is True and moved.value:
        moved = Factor(0.0)
    return {
        "exposure": _exposure(facts, asset),
        "breadth": _breadth(facts, asset),
        "unencrypted": Factor((stored.value + moved.value) / 2, stored.assumed or moved.assumed),
        "staleness": _staleness(asset),
    }


def _exposure(facts: FactSet, asset: AssetFacts) -> Factor:
    open_to_all = any(one.get("public") for one in _readers(asset))
    if open_to_all or facts.told("public_access"):
        return Factor(1.0)
    told = facts.told("public_access")
    return Factor(0.0) if told is False or reported(facts, asset) else Factor(UNKNOWN, True)


def _breadth(facts: FactSet, asset: AssetFacts) -> Factor:
    readers = _readers(asset)
    if any(one.get("public") for one in readers):
        return Factor(1.0)
    if not reported(facts, asset):
        return Factor(UNKNOWN, True)
    return Factor(min(len({str(one.get("grantee")) for one in readers}) / READERS, 1.0))


def _readers(asset: AssetFacts) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = asset.asset.value.get("grants") or []
    return [one for one in grants if str(one.get("privilege", "")).upper() in READ]


def _staleness(asset: AssetFacts) -> Factor:
    method = (asset.coverage.value if asset.coverage else {}).get("method")
    if not asset.unread:
        return Factor(0.0)
    return Factor(0.5 if method in {"sample", "census"} else 1.0)


def _impact(asset: AssetFacts, column: str) -> dict[str, Factor]:
    labels = (asset.labels.value.get("columns") or {}).get(column) or () if asset.labels else ()
    told = [one for one in labels if one.get("state") != "rejected"]
    tags = [tag for one in told for tag in one.get("tags") or ()]
    known = [SENSITIVITY[one["sensitivity"]] for one in told if one.get("sensitivity") in SENSITIVITY]
    return {
        "sensitivity": Factor(max(known)) if known else Factor(UNKNOWN, True),
        "subjects": _subjects(asset, column),
        "special": Factor(1.0 if covers(SPECIAL, tags) else 0.0),
    }


def _subjects(asset: AssetFacts, column: str) -> Factor:
    profiles = (asset.profile.value.get("columns") or {}) if asset.profile else {}
    distinct = (profiles.get(column) or {}).get("distinct")
    rows = (asset.coverage.value if asset.coverage else {}).get("rows")
    number = distinct if distinct is not None else rows
    if number is None:
        return Factor(UNKNOWN, True)
    return Factor(min(math.log10(number + 1) / SUBJECTS, 1.0), distinct is None)


def _not(told: Any) -> Factor:
    return Factor(UNKNOWN, True) if told is None else Factor(0.0 if told else 1.0)


def _by_domain(facts: FactSet, columns: Iterable[ColumnRisk]) -> Iterator[tuple[str, str, ColumnRisk]]:
    for column in columns:
        tags = facts.by_subject[column.asset_id].asset.value.get("tags") or ()
        for tag in tags:
            if str(tag).lower().startswith("domain:"):
                name = str(tag).partition(":")[2].lower()
                yield name, name, column


def _groups(parts: Iterable[tuple[str, str, ColumnRisk]]) -> tuple[RiskGroup, ...]:
    found: dict[str, list[ColumnRisk]] = defaultdict(list)
    names: dict[str, str] = {}
    for key, name, column in parts:
        found[key].append(column)
        names[key] = name
    groups = [
        RiskGroup(
            id=key,
            name=names[key],
            score=max(column.score for column in columns),
            total=round(sum(column.score for column in columns), 2),
            columns=len(columns),
        )
        for key, columns in found.items()
    ]
    return tuple(sorted(groups, key=lambda one: (-one.total, one.name))[:GROUPS])
