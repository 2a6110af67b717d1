"""Endpoints of sources, and the nodes that can reach them."""

import re

from actors.sources import queries
from actors.sources.contract import PlaceSource, SetEndpoints, SourceView
from actors.sources.standing import changed, in_service
from cluster.connectors import check_options, source_kind, split_url
from cluster.connectors.endpoints import REPLICATED
from cluster.errors import InvalidInput
from cluster.runtime.commands import UnitOfWork
from cluster.security.network import check_places

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_./-]{0,61}[A-Za-z0-9])?")


def set_endpoints(work: UnitOfWork, command: SetEndpoints) -> SourceView:
    """Repeating it changes nothing."""
    row = in_service(work, command.source_id)
    before = queries.view(row)
    if command.endpoints and row.kind not in REPLICATED:
        raise InvalidInput(f"Sources of kind '{row.kind}' have no endpoints.", f"They are for {', '.join(REPLICATED)}.")
    endpoints = []
    for endpoint in command.endpoints:
        parts = split_url(endpoint.url)
        options = {**parts.options, **endpoint.options}
        if parts.credential or source_kind(parts.url) != row.kind:
            raise InvalidInput(
                "An endpoint holds a credential, or is of another kind than its source.",
                "Name host, port and database only: the credential of the source is used.",
            )
        check_options(row.kind, options)
        check_places(parts.url, options)
        endpoints.append(endpoint.model_copy(update={"url": parts.url, "options": options}))
    urls = [row.url, *(endpoint.url for endpoint in endpoints)]
    if len(set(urls)) < len(urls):
        raise InvalidInput("Two endpoints are at the same place.", "Name each once, and not the source itself.")
    row.endpoints = [endpoint.model_dump(mode="json") for endpoint in endpoints]
    row.max_lag_seconds = command.max_lag_seconds
    return before if queries.view(row) == before else changed(work, row, before, "endpoints_set")


def place_source(work: UnitOfWork, command: PlaceSource) -> SourceView:
    """Repeating it changes nothing."""
    row = in_service(work, command.source_id)
    before = queries.view(row)
    if not all(_LABEL.fullmatch(text) for pair in command.node_labels.items() for text in pair):
        raise InvalidInput("A label is not one that nodes can have.", "Use letters, digits, '-', '_', '.' and '/'.")
    row.node_labels = command.node_labels
    return before if queries.view(row) == before else changed(work, row, before, "placed")
