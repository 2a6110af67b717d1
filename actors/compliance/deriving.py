"""What is on record, as facts of a source: pure, so that a verdict that stands on a record can be replayed.

Of an asset: {activities: [entries of the register that cover it, with the `columns` that they cover, their vendors
and their assessment resolved], retention: the shortest period set for it, holds: [names], policies: [{id, name, rule,
actions, roles, effects, columns, priority, applied}]}. Of the source: {register: whether any entry is kept at all,
places: the declarations that some asset carries as a tag ("scope" of "scope:cde"), reviews: {what: the last one},
incidents: [...] or None if none was ever recorded, requests: [...]}.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from actors.compliance.contract import (
    Activity,
    Assessment,
    Attestation,
    FactDraft,
    FactKind,
    Hold,
    Incident,
    Policy,
    Retention,
    Review,
    Vendor,
)
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.selecting import columns_of, labelled, selects

OWN_KINDS: tuple[FactKind, ...] = ("records", "attestation")


@dataclass(frozen=True)
class OnRecord:
    """What is in force, by id. `applied` are (policy, asset, column) that are in force in the source itself."""

    activities: Mapping[str, Activity] = field(default_factory=dict)
    vendors: Mapping[str, Vendor] = field(default_factory=dict)
    assessments: Mapping[str, Assessment] = field(default_factory=dict)
    attestations: Mapping[str, Attestation] = field(default_factory=dict)
    attested_by: Mapping[str, str] = field(default_factory=dict)
    retentions: Mapping[str, Retention] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    reviews: Mapping[str, Review] = field(default_factory=dict)
    requests: Sequence[Mapping[str, Any]] = ()
    applied: frozenset[tuple[str, str, str]] = frozenset()


def derive(facts: FactSet, on_record: OnRecord) -> list[FactDraft]:
    """The facts that follow from what is on record: of the source, of assets that records name, of attestations."""
    return [
        *_of_source(facts, on_record),
        *of_assets(facts, on_record),
        *_attestations(facts, on_record),
    ]


def of_assets(facts: FactSet, on_record: OnRecord) -> list[FactDraft]:
    """The facts of the assets that some record names."""
    vendors = {vendor.name: vendor for vendor in on_record.vendors.values()}
    found = []
    for asset in facts.assets:
        value = {
            "activities": _activities(facts, asset, on_record, vendors),
            "retention": _retention(facts, asset, on_record.retentions),
            "holds": sorted(one.name for one in on_record.holds.values() if _holds(one, facts, asset)),
            "policies": _policies(facts, asset, on_record),
        }
        if any(value.values()):
            found.append(FactDraft(kind="records", subject=asset.subject, value=value))
    return found


def _of_source(facts: FactSet, on_record: OnRecord) -> Iterable[FactDraft]:
    incidents = [
        {"id": key, "name": one.name, "severity": one.severity, "notice_not_needed": bool(one.notice_not_needed)}
        | {name: _time(getattr(one, name)) for name in ("detected_at", "assessed_at", "notified_at")}
        for key, one in sorted(on_record.incidents.items())
        if any(selects(one.targets, facts, asset) for asset in facts.assets)
    ]
    value: dict[str, Any] = {
        "register": bool(on_record.activities),
        "places": places(str(tag).lower() for asset in facts.assets for tag in asset.asset.value.get("tags") or ()),
        "reviews": _reviews(facts, on_record.reviews.values()),
        "incidents": incidents if on_record.incidents else None,
        "requests": [dict(one) for one in on_record.requests if facts.source_id in one["sources"]],
    }
    if any(value.values()) or value["incidents"] is not None:
        yield FactDraft(kind="records", subject=facts.source_id, value=value)


def places(tags: Iterable[str]) -> list[str]:
    """The parts before the colon of tags, sorted, once each."""
    return sorted({tag.partition(":")[0] for tag in tags if ":" in tag})


def _attestations(facts: FactSet, on_record: OnRecord) -> Iterable[FactDraft]:
    newest: dict[str, tuple[date, str]] = {}
    for key, one in on_record.attestations.items():
        if not _concerns(one.sources, facts):
            continue
        subject = f"{one.framework}/{one.control}"
        newest[subject] = max(newest.get(subject, (date.min, "")), (one.expires_at, key))
    for subject, (_, key) in sorted(newest.items()):
        one = on_record.attestations[key]
        value = {"met": one.met, "by": on_record.attested_by.get(key, ""), "expires_at": str(one.expires_at)}
        yield FactDraft(kind="attestation", subject=subject, value=value | {"evidence": len(one.evidence), "id": key})


def _activities(
    facts: FactSet, asset: AssetFacts, on_record: OnRecord, vendors: Mapping[str, Vendor]
) -> list[dict[str, Any]]:
    found = []
    for key, one in sorted(on_record.activities.items()):
        if not selects(one.targets, facts, asset):
            continue
        value = one.model_dump(mode="json", exclude={"kind", "targets", "vendors", "assessment"}, exclude_none=True)
        found.append(
            value
            | {
                "id": key,
                "columns": list(labelled(asset, one.data_categories)),
                "vendors": [_vendor(name, vendors.get(name)) for name in one.vendors],
                "assessment": _assessment(one.assessment, on_record.assessments),
            }
        )
    return found


def _vendor(name: str, known: Vendor | None) -> dict[str, Any]:
    if known is None:
        return {"name": name, "contracts": []}
    ends = str(known.expires_at) if known.expires_at else None
    return {"name": name, "role": known.role, "contracts": list(known.contracts), "expires_at": ends}


def _assessment(name: str | None, known: Mapping[str, Assessment]) -> dict[str, Any] | None:
    found = [one for key, one in known.items() if name in {key, one.name}]
    if not found:
        return None
    newest = max(found, key=lambda one: one.conducted_at)
    return {"reference": newest.reference, "due": str(newest.next_review_at), "risk": newest.residual_risk}


def _retention(facts: FactSet, asset: AssetFacts, known: Mapping[str, Retention]) -> dict[str, Any] | None:
    fitting = [(one.days, key, one) for key, one in known.items() if selects(one.targets, facts, asset)]
    if not fitting:
        return None
    _, key, one = min(fitting, key=lambda entry: entry[:2])
    return {"id": key, "name": one.name, "days": one.days, "clock": one.clock}


def _holds(hold: Hold, facts: FactSet, asset: AssetFacts) -> bool:
    return (hold.until is None or hold.until >= facts.today) and selects(hold.targets, facts, asset)


def _policies(facts: FactSet, asset: AssetFacts, on_record: OnRecord) -> list[dict[str, Any]]:
    found = []
    for key, one in sorted(on_record.policies.items()):
        if not selects(one.targets, facts, asset):
            continue
        columns = columns_of(one.targets, asset)
        masks = any(effect.kind == "mask" for effect in one.effects)
        applied = masks and all((key, asset.subject, column) in on_record.applied for column in columns)
        found.append(
            {
                "id": key,
                "name": one.name,
                "rule": one.rule,
                "actions": list(one.actions),
                "roles": list(one.condition.roles),
                "effects": [effect.kind for effect in one.effects],
                "columns": list(columns),
                "priority": one.priority,
                "applied": applied,
            }
        )
    return found


def _reviews(facts: FactSet, reviews: Iterable[Review]) -> dict[str, dict[str, str]]:
    last: dict[str, Review] = {}
    for one in reviews:
        known = last.get(one.reviewed)
        if _concerns(one.sources, facts) and (known is None or one.done_at > known.done_at):
            last[one.reviewed] = one
    return {what: {"done_at": str(one.done_at), "result": one.result} for what, one in sorted(last.items())}


def _concerns(sources: Sequence[str], facts: FactSet) -> bool:
    return not sources or bool({facts.source_id, facts.source_name} & set(sources))


def _time(value: Any) -> str | None:
    return value.isoformat() if value is not None else None
