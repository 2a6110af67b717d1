"""Routes of the connectors: which kinds of sources there are, and what can be set about each."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from cluster.connectors.configuration import KINDS, installed, schema_of
from cluster.context import Caller
from cluster.errors import NotFound
from serve.http.identity import permitted
from serve.http.pages import After, Id, Limit, Page, page

router = APIRouter(prefix="/connectors", tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]


class ConnectorView(BaseModel):
    """A kind of source. `installed` is false where its driver, which the extra `extra` brings, is missing here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(examples=["postgresql"])
    title: str
    installed: bool
    extra: str
    configuration: dict[str, Any] = Field(description="JSON Schema of `url`, `options` and `credential`.")


@router.get("", operation_id="list_connectors", summary="List connectors")
def list_all(caller: MayRead, after: After = None, limit: Limit = 50) -> Page[ConnectorView]:
    """The kinds of sources by name, each with the JSON Schema of its configuration."""
    found = [_view(kind) for kind in sorted(KINDS) if after is None or kind > after]
    return page(found[: limit + 1], limit, lambda one: one.kind)


@router.get("/{kind}", operation_id="get_connector", summary="Read a connector")
def get(kind: Id, caller: MayRead) -> ConnectorView:
    """One kind of source."""
    if kind not in KINDS:
        raise NotFound("There is no such connector.", f"There are {', '.join(sorted(KINDS))}.")
    return _view(kind)


def _view(kind: str) -> ConnectorView:
    told = KINDS[kind]
    return ConnectorView(
        kind=kind,
        title=told.title,
        installed=installed(kind),
        extra=told.extra,
        configuration=schema_of(kind),
    )
