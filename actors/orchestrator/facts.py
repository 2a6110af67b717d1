"""Gathering what the groups know of a source as facts for the compliance group."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC
from typing import Any

from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.classification import queries as classification
from actors.classification.contract import LabelView
from actors.compliance.contract import FactDraft
from actors.scans import queries as scans
from actors.sources import queries as sources
from actors.sources.contract import InventoryItem
from cluster.errors import NotFound

NAMES = {"data_class", "sensitivity", "tags", "matched", "scanned", "prevalence", "state", "origin", "whole_column"}


def known_facts(session: Session, source_id: str) -> tuple[FactDraft, ...]:
    """What is known before anything was read: the source itself and its assets as listed."""
    source = sources.get_source(session, source_id)
    value: dict[str, Any] = source.facts.model_dump(mode="json") if source.facts else {}
    value |= {"name": source.name, "url": source.url, "kind": source.kind}
    words = catalog.curation(session, source_id)
    assets = [_asset(item, words.get(item.asset_id)) for item in sources.present(session, source_id)]
    return (FactDraft(kind="source", subject=source_id, value=value), *assets)


def all_facts(session: Session, source_id: str) -> tuple[FactDraft, ...]:
    """The same, with labels, how far each asset was scanned, profiles of its columns, and where its data flows."""
    known = known_facts(session, source_id)
    labels = _labels(session, source_id)
    coverage = scans.coverage(session, source_id)
    found: list[FactDraft] = []
    for item in sources.present(session, source_id):
        if item.info.kind == "view":
            continue  # a view holds no data of its own; what flows into it is governed where it is stored
        covered = coverage.get(item.asset_id, {"method": "none", "partitions": 0, "partitions_read": 0})
        found.append(FactDraft(kind="coverage", subject=item.asset_id, value=covered | {"path": item.path}))
        if covered["method"] != "none":
            columns = labels.get(item.asset_id, {})
            found.append(FactDraft(kind="labels", subject=item.asset_id, value={"columns": columns}))
    return (*known, *found, *_profiles(session, source_id), *_flows(session, source_id))


def labels_of(session: Session, source_id: str, assets: Iterable[str]) -> tuple[FactDraft, ...]:
    """The labels of these assets, of those that were scanned."""
    found = []
    for asset_id in sorted(assets):
        columns: dict[str, list[dict[str, Any]]] = {}
        for label in classification.labels_of_asset(session, asset_id):
            columns.setdefault(label.column, []).append(_label(label))
        found.append(FactDraft(kind="labels", subject=asset_id, value={"columns": columns}))
    return tuple(found)


def assets_of(session: Session, source_id: str, assets: Collection[str]) -> tuple[FactDraft, ...]:
    """These assets as listed, with what people said of them."""
    words = catalog.curation(session, source_id)
    items = sources.items(session, assets)
    return tuple(_asset(item, words.get(item.asset_id)) for item in items if item.status == "present")


def _asset(item: InventoryItem, words: dict[str, Any] | None) -> FactDraft:
    words = words or {}
    value = {
        "path": item.path,
        "kind": item.info.kind,
        "status": item.status,
        "owner": words.get("owner"),
        "has_owner": bool(words.get("owner")),
        "tags": sorted(words.get("tags") or ()),
        "db_owner": item.info.owner,
        "grants": [grant.model_dump() for grant in item.info.grants],
        "columns": [column.name for column in item.info.columns],
        "foreign_keys": [key.model_dump() for key in item.info.foreign_keys],
        "problem": item.info.problem,
    }
    if item.info.modified_at is not None:
        value["modified_at"] = item.info.modified_at.astimezone(UTC).date().isoformat()
    return FactDraft(kind="asset", subject=item.asset_id, value=value)


def _profiles(session: Session, source_id: str) -> Iterator[FactDraft]:
    names = ("rows", "nulls", "unreadable", "distinct", "min", "max")
    columns: dict[str, dict[str, Any]] = {}
    for asset_id, column, profile in catalog.profiles(session, source_id):
        columns.setdefault(asset_id, {})[column] = {name: profile.get(name) for name in names}
    for asset_id, found in columns.items():
        yield FactDraft(kind="profile", subject=asset_id, value={"columns": found})


def _flows(session: Session, source_id: str) -> Iterator[FactDraft]:
    told: dict[str, dict[str, Any]] = {}
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def note(asset_id: str, way: str, end: tuple[str, str, str], masking: bool) -> None:
        far, source, name = end
        value = {"asset": far, "source": source, "source_name": name, "masking": masking}
        if source not in told:
            told[source] = _told(session, source)
        found.setdefault(asset_id, {"out": [], "in": []})[way].append(value | told[source])

    for flow in catalog.flows(session, source_id):
        if flow.from_source == source_id:
            note(flow.from_asset, "out", (flow.to_asset, flow.to_source, flow.to_source_name), flow.masking)
        if flow.to_source == source_id:
            note(flow.to_asset, "in", (flow.from_asset, flow.from_source, flow.from_source_name), flow.masking)
    for asset_id, value in found.items():
        yield FactDraft(kind="flows", subject=asset_id, value=value)


def _told(session: Session, source_id: str) -> dict[str, Any]:
    """What the source at the other end of a flow tells of itself; a dataset of other tools tells nothing."""
    try:
        facts = sources.get_source(session, source_id).facts
    except NotFound:
        facts = None
    return {"tls": facts.tls if facts else None, "region": facts.region if facts else None}


def _label(label: LabelView) -> dict[str, Any]:
    return label.model_dump(mode="json", include=NAMES)


def _labels(session: Session, source_id: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for label in classification.labels_of_source(session, source_id):
        found.setdefault(label.asset_id, {}).setdefault(label.column, []).append(_label(label))
    return found
