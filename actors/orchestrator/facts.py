"""Gathering what the groups know of a source as facts for the compliance group."""

from typing import Any

from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.classification import queries as classification
from actors.compliance.contract import FactDraft
from actors.scans import queries as scans
from actors.sources import queries as sources
from actors.sources.contract import InventoryItem


def known_facts(session: Session, source_id: str) -> tuple[FactDraft, ...]:
    """What is known before anything was read: the source itself and its assets as listed."""
    source = sources.get_source(session, source_id)
    value: dict[str, Any] = source.facts.model_dump(mode="json") if source.facts else {}
    value |= {"name": source.name, "url": source.url, "kind": source.kind}
    words = catalog.curation(session, source_id)
    assets = [_asset(item, words.get(item.asset_id)) for item in sources.present(session, source_id)]
    return (FactDraft(kind="source", subject=source_id, value=value), *assets)


def all_facts(session: Session, source_id: str) -> tuple[FactDraft, ...]:
    """The same, with the labels of every column and how far each asset was scanned."""
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
    return (*known, *found)


def _asset(item: InventoryItem, words: dict[str, Any] | None) -> FactDraft:
    words = words or {}
    value = {
        "path": item.path,
        "kind": item.info.kind,
        "status": item.status,
        "owner": words.get("owner"),
        "has_owner": bool(words.get("owner")),
        "tags": sorted(words.get("tags") or ()),
        "grants": [grant.model_dump() for grant in item.info.grants],
        "columns": [column.name for column in item.info.columns],
        "problem": item.info.problem,
    }
    return FactDraft(kind="asset", subject=item.asset_id, value=value)


def _labels(session: Session, source_id: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    names = {
        "data_class", "sensitivity", "tags", "matched", "scanned", "prevalence", "state", "origin", "whole_column",
    }  # fmt: skip
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for label in classification.labels_of_source(session, source_id):
        fact = label.model_dump(mode="json", include=names)
        found.setdefault(label.asset_id, {}).setdefault(label.column, []).append(fact)
    for columns in found.values():
        for facts in columns.values():
            facts.sort(key=lambda fact: str(fact["data_class"]))
    return found
