"""Correlating what the groups know: insights that no group could have alone, each citing its members.

Scores are for ranking only. Sensitivity counts Public 0, Internal 1, Confidential 2, Restricted 3; a finding counts
by its severity (low 1, medium 2, high 4, critical 8).
"""

import hashlib
import json
from collections import defaultdict
from typing import Any

from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.classification import queries as classification
from actors.classification.contract import LabelView
from actors.compliance import queries as compliance
from actors.compliance.contract import FindingView
from actors.orchestrator.contract import InsightView
from actors.sources import queries as sources

WEIGHT = {"low": 1, "medium": 2, "high": 4, "critical": 8}
RANK = {"Public": 0, "Internal": 1, "Confidential": 2, "Restricted": 3}
SPREAD = 3


def correlate(session: Session, source_id: str) -> tuple[InsightView, ...]:
    """All insights of a source, in a stable order: equal state gives equal insights."""
    labels = [label for label in classification.labels_of_source(session, source_id) if label.state != "rejected"]
    failing = compliance.failing(session, source_id)
    found = [*_hot_spots(source_id, labels, failing), *_spread(source_id, labels)]
    found += _exposed_by_views(session, source_id, labels)
    return tuple(sorted(found, key=lambda insight: (-insight.score, insight.id)))


def _hot_spots(source_id: str, labels: list[LabelView], failing: list[FindingView]) -> list[InsightView]:
    """Assets where failed controls and sensitive columns meet: severity weight times summed sensitivity."""
    sensitive: dict[str, list[LabelView]] = defaultdict(list)
    for label in labels:
        if RANK.get(label.sensitivity, 0) >= RANK["Confidential"]:
            sensitive[label.asset_id].append(label)
    broken: dict[str, list[FindingView]] = defaultdict(list)
    for finding in failing:
        broken[finding.subject].append(finding)
    found = []
    for asset_id in sensitive.keys() & broken.keys():
        columns = sorted({label.column for label in sensitive[asset_id]})
        controls = sorted({f"{finding.framework} {finding.control}" for finding in broken[asset_id]})
        score = sum(WEIGHT[finding.severity] for finding in broken[asset_id]) * sum(
            RANK[label.sensitivity] for label in sensitive[asset_id]
        )
        name = sensitive[asset_id][0].asset
        title = f"{name}: {len(columns)} sensitive columns under {len(controls)} failed controls"
        found.append(_insight(source_id, "hot_spot", title, score, asset=name, columns=columns, controls=controls))
    return found


def _spread(source_id: str, labels: list[LabelView]) -> list[InsightView]:
    """Classes of restricted data that are kept in many assets, each one more place to protect."""
    places: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        if label.sensitivity == "Restricted" and label.whole_column:
            places[label.data_class].add(label.asset)
    found = []
    for data_class, assets in places.items():
        if len(assets) >= SPREAD:
            title = f"{data_class} is kept in {len(assets)} assets"
            found.append(
                _insight(source_id, "spread", title, len(assets), data_class=data_class, assets=sorted(assets))
            )
    return found


def _exposed_by_views(session: Session, source_id: str, labels: list[LabelView]) -> list[InsightView]:
    """Restricted columns that reach a view unmasked, found by joining labels with column lineage."""
    names = {item.asset_id: item.path for item in sources.all_items(session, source_id)}
    reached: dict[str, set[str]] = defaultdict(set)
    restricted = {(label.asset_id, label.column): label for label in labels if label.sensitivity == "Restricted"}
    for edge in catalog.edges_of_source(session, source_id):
        label = restricted.get((edge.from_asset, edge.from_column or ""))
        if label and edge.transformation == "DIRECT" and not edge.masking and edge.subtype != "AGGREGATION":
            reached[edge.to_asset].add(f"{label.asset}.{label.column}")
    found = []
    for view, columns in reached.items():
        name = names.get(view, view)
        title = f"{name} shows {len(columns)} restricted columns unmasked"
        found.append(_insight(source_id, "unmasked_view", title, 3 * len(columns), view=name, columns=sorted(columns)))
    return found


def _insight(source_id: str, kind: str, title: str, score: float, **members: Any) -> InsightView:
    content = json.dumps([source_id, kind, title, members], sort_keys=True)
    identifier = hashlib.sha256(content.encode()).hexdigest()[:32]
    return InsightView(id=identifier, source_id=source_id, kind=kind, title=title, score=score, members=members)
