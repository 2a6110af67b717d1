"""The actor of the compliance group: the one writer of facts, findings and recommendations."""

from actors.compliance.service import service
from cluster.runtime.actor import GroupActor


class ComplianceActor(GroupActor):
    """Every command is short and pure over stored facts, so there is nothing to drive in a loop."""

    service = service
