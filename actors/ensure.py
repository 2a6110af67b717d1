"""Making sure that all group actors exist."""

from typing import Any

from actors.catalog.actor import CatalogActor
from actors.classification.actor import ClassificationActor
from actors.compliance.actor import ComplianceActor
from actors.orchestrator.actor import OrchestratorActor
from actors.rulesets.actor import RulesetsActor
from actors.scans.actor import ScansActor
from actors.sources.actor import SourcesActor
from cluster.runtime.actor import GroupActor
from cluster.runtime.doors import ensure_actor

ACTORS: tuple[type[GroupActor], ...] = (
    SourcesActor,
    RulesetsActor,
    ScansActor,
    ClassificationActor,
    CatalogActor,
    ComplianceActor,
    OrchestratorActor,
)


def ensure_all() -> dict[str, Any]:
    """The handles of all group actors by group; those that do not exist are made. Needs a joined Ray cluster."""
    return {cls.service.group: ensure_actor(cls) for cls in ACTORS}
