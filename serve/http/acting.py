"""The route by which Sextant does what it recommends, or begins it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from actors.catalog import queries as catalog
from actors.catalog.contract import AnnotateAsset
from actors.compliance import queries
from actors.compliance.contract import OrderEnforcement, RecommendationView
from actors.orchestrator.contract import StartWorkflow
from actors.sources import queries as sources
from cluster.context import Caller
from cluster.errors import Conflict, InvalidInput
from serve.http.doors import Access, Doors
from serve.http.identity import Writer

router = APIRouter(tags=["compliance"])
RecommendationId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$", examples=["3f2a"])]
TAGS = 50


class ActOrder(BaseModel):
    """What the action needs to know: the owner to be named, or the value of the tag."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = None


class Acted(BaseModel):
    """What was begun: a workflow or an order by its id, or how many assets were annotated."""

    model_config = ConfigDict(frozen=True)

    recommendation: str
    workflow_id: str | None = None
    order_id: str | None = None
    assets: int = 0


@router.post("/recommendations/{recommendation_id}/act", operation_id="act_on_recommendation", summary="Do it")
async def act(recommendation_id: RecommendationId, body: ActOrder, doors: Access, caller: Writer) -> Acted:
    """Starts the workflow, places the order, or writes the annotation that the recommendation asks for."""
    caller.require("compliance:write")
    with doors.reading() as session:
        one = queries.get_recommendation(session, recommendation_id, caller=caller)
    verb, _, detail = one.action.partition(":")
    if verb in {"scan", "refresh", "discover", "repair_reading"}:
        started = await doors.send(StartWorkflow(source_id=one.source_id), caller)
        return Acted(recommendation=one.id, workflow_id=started.id)
    if verb == "revoke_public":
        with doors.reading() as session:
            access = sources.access(session, one.source_id)
        order = await doors.send(OrderEnforcement(access=access, close=one.subjects), caller)
        return Acted(recommendation=one.id, order_id=order.id)
    if verb in {"name_owner", "declare_asset"}:
        return Acted(recommendation=one.id, assets=await _annotate(doors, caller, one, detail, body.value))
    raise Conflict("Only a person can do that.", "Its reason says what is needed.")


async def _annotate(doors: Doors, caller: Caller, one: RecommendationView, detail: str, value: str | None) -> int:
    """Names the owner, or adds the tag, on every asset that the recommendation names."""
    if value is None:
        raise InvalidInput("The action needs a value.", "Give the owner to be named, or the value of the tag.")
    for asset_id in one.subjects:
        fields: dict[str, Any] = {"owner": value}
        if detail:
            with doors.reading() as session:
                tags = catalog.get_asset(session, asset_id).tags
            fields = {"tags": tuple(dict.fromkeys((*tags, f"{detail}:{value}")))[:TAGS]}
        command = AnnotateAsset(asset_id=asset_id, **fields)
        await doors.send(command, caller.model_copy(update={"operation_id": f"{caller.operation_id}:{asset_id}"}))
    return len(one.subjects)
