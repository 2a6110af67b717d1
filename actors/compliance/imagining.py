"""What if: the same facts with imagined changes, judged by the same functions. Nothing is stored."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from actors.compliance import risk
from actors.compliance.contract import Verdict
from actors.compliance.contract.risk import Change, Imagined, WhatIf
from actors.compliance.facts import AssetFacts, Cited, Fact, FactSet
from actors.compliance.packs import Framework
from actors.compliance.selecting import columns_of, selects
from cluster.errors import InvalidInput

TELLABLE = (
    "tls", "encrypted_at_rest", "public_access", "authenticated", "superuser", "audit_logging", "region", "environment",
)  # fmt: skip


def what_if(facts: FactSet, changes: Sequence[Change], frameworks: Sequence[Framework]) -> WhatIf:
    """The difference that the changes would make. Raises InvalidInput for a change that lacks what it needs."""
    after = imagined(facts, changes)
    before_risk, after_risk = risk.of_source(facts), risk.of_source(after)
    before, then = _verdicts(facts, frameworks), _verdicts(after, frameworks)
    moved = [
        Imagined(framework=key[0], control=key[1], before=before[key], after=then[key])
        for key in before
        if before[key] != then[key]
    ]
    return WhatIf(
        risk_before=before_risk.score,
        risk_after=after_risk.score,
        total_before=before_risk.total,
        total_after=after_risk.total,
        controls=tuple(moved),
    )


def imagined(facts: FactSet, changes: Iterable[Change]) -> FactSet:
    """The facts as they would be after the changes."""
    made = facts
    for change in changes:
        made = _on_source(made, change) if change.kind == "source_fact" else _on_assets(made, change)
    return made


def _on_source(facts: FactSet, change: Change) -> FactSet:
    if change.name not in TELLABLE:
        raise InvalidInput("There is no such fact of a source.", f"Choose from: {', '.join(TELLABLE)}.")
    value = (facts.source.value if facts.source else {}) | {change.name: change.value}
    every = [fact for fact in _all(facts) if fact.cited.kind != "source"]
    return FactSet(facts.source_id, [*every, _fact("source", facts.source_id, value)], facts.now)


def _on_assets(facts: FactSet, change: Change) -> FactSet:
    if change.targets is None:
        raise InvalidInput(f"To imagine '{change.kind}', name the data by `targets`.", "Give a selector.")
    found = [fact for fact in _all(facts) if fact.cited.subject not in facts.by_subject]
    for asset in facts.assets:
        if selects(change.targets, facts, asset):
            found += _changed(asset, change, columns_of(change.targets, asset))
        else:
            found += asset.stand("profile", "flows", "records")
    return FactSet(facts.source_id, found, facts.now)


def _changed(asset: AssetFacts, change: Change, columns: tuple[str, ...]) -> list[Fact]:
    told = {fact.cited.kind: dict(fact.value) for fact in asset.stand("profile", "flows", "records")}
    own = told["asset"]
    if change.kind == "revoke_public":
        own["grants"] = [one for one in own.get("grants") or () if not one.get("public")]
    elif change.kind == "name_owner":
        own["has_owner"] = True
    elif change.kind == "tag":
        own["tags"] = sorted({*(own.get("tags") or ()), str(change.value)})
    elif change.kind == "drop_columns" and "labels" in told:
        kept = {name: labels for name, labels in told["labels"]["columns"].items() if name not in columns}
        told["labels"] = told["labels"] | {"columns": kept}
    elif change.kind == "mask":
        told["records"] = _masked(told.get("records") or {}, columns)
    return [_fact(kind, asset.subject, value) for kind, value in told.items()]


def _masked(records: dict[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    mask = {
        "id": "imagined", "name": "imagined", "rule": "prohibition", "actions": ["read"], "roles": ["others"],
        "effects": ["mask"], "columns": list(columns), "priority": 0, "applied": True,
    }  # fmt: skip
    empty: dict[str, Any] = {"activities": [], "retention": None, "holds": [], "policies": []}
    return empty | records | {"policies": [*(records.get("policies") or ()), mask]}


def _all(facts: FactSet) -> list[Fact]:
    of_source = [fact for fact in (facts.source, facts.records) if fact is not None]
    return [
        *of_source,
        *facts.attestations.values(),
        *(fact for asset in facts.assets for fact in asset.stand("profile", "flows", "records")),
    ]


def _fact(kind: Any, subject: str, value: dict[str, Any]) -> Fact:
    return Fact(Cited(kind, subject, 0, "imagined"), value)


def _verdicts(facts: FactSet, frameworks: Iterable[Framework]) -> dict[tuple[str, str], Verdict]:
    """The verdict of every control over the source."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for framework in frameworks:
        for use in framework.uses:
            key = (use.framework, use.control.id)
            found[key] |= {judgement.verdict for judgement in use.check.function(facts, use.parameters)}
    order: tuple[Verdict, ...] = ("FAIL", "INSUFFICIENT_EVIDENCE", "PASS", "NOT_APPLICABLE")
    return {key: next((one for one in order if one in said), "INSUFFICIENT_EVIDENCE") for key, said in found.items()}
