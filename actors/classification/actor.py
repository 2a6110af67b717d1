"""The classification group's actor: it holds nothing and has no loops; every command is done when it returns."""

from typing import ClassVar

from actors.classification.service import service
from cluster.runtime.actor import GroupActor
from cluster.runtime.commands import Service


class ClassificationActor(GroupActor):
    """The only writer of the classification's tables."""

    service: ClassVar[Service] = service
