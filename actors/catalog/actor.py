"""The catalog group's actor: it holds nothing and has no loops; every command is done when it returns."""

from typing import ClassVar

from actors.catalog.service import service
from cluster.runtime.actor import GroupActor
from cluster.runtime.commands import Service


class CatalogActor(GroupActor):
    """The only writer of the catalog's tables."""

    service: ClassVar[Service] = service
