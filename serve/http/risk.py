"""Routes of risk: of a source and its assets, of the estate, over time, and what if."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from actors.catalog import queries as catalog
from actors.compliance import queries
from actors.compliance.contract import Change, ColumnRisk, RiskSample, RiskView, WhatIf
from serve.http.compliance import MaySee, existing
from serve.http.doors import Access
from serve.http.pages import Id, Limit, Page

router = APIRouter(tags=["compliance"])


class WhatIfOrder(BaseModel):
    """Changes to be imagined one after the other, and the frameworks to judge them by; none for risk alone."""

    model_config = ConfigDict(extra="forbid")

    changes: Annotated[tuple[Change, ...], Field(min_length=1, max_length=50)]
    frameworks: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=20)] = ()


@router.get("/sources/{source_id}/risk", operation_id="get_risk", summary="Read the risk of a source")
def of_source(source_id: Id, doors: Access, caller: MaySee) -> RiskView:
    """Likelihood times impact, by asset and domain, with the share of each factor: see docs/compliance.md."""
    with doors.reading() as session:
        existing(session, source_id)
        return queries.risk_of_source(session, source_id, caller=caller)


@router.get("/sources/{source_id}/risk/{asset_id}", operation_id="get_asset_risk", summary="Read the risk of an asset")
def of_asset(source_id: Id, asset_id: Id, doors: Access, caller: MaySee) -> Page[ColumnRisk]:
    """The risk of every labelled column of an asset, with what it is made of."""
    with doors.reading() as session:
        found = queries.risk_of_asset(session, source_id, asset_id, caller=caller)
        if not found:
            existing(session, source_id)
            catalog.get_asset(session, asset_id, caller)
    return Page[ColumnRisk](items=tuple(found))


@router.get("/risk", operation_id="list_risk", summary="Read the risk of the estate")
def of_estate(doors: Access, caller: MaySee) -> Page[RiskSample]:
    """The newest sample of each source, the heaviest first."""
    with doors.reading() as session:
        return Page[RiskSample](items=tuple(queries.risk_of_estate(session, caller=caller)))


@router.get("/sources/{source_id}/risk-trend", operation_id="get_risk_trend", summary="Read the risk over time")
def trend(
    source_id: Id, doors: Access, caller: MaySee, days: Annotated[int, Query(ge=1, le=3650)] = 90, limit: Limit = 100
) -> Page[RiskSample]:
    """One sample a day, the newest first."""
    with doors.reading() as session:
        existing(session, source_id)
        return Page[RiskSample](items=tuple(queries.risk_trend(session, source_id, days, limit, caller=caller)))


@router.post("/sources/{source_id}/what-if", operation_id="imagine_changes", summary="Ask what if")
def what_if(source_id: Id, body: WhatIfOrder, doors: Access, caller: MaySee) -> WhatIf:
    """What changes would do to risk and verdicts. Nothing is changed."""
    with doors.reading() as session:
        existing(session, source_id)
        return queries.what_if(session, source_id, body.changes, body.frameworks, caller=caller)
