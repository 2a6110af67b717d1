"""Routes of the rule sets group."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict

from actors.rulesets import queries
from actors.rulesets.contract import ReviseRuleSet, RuleSetView
from cluster.context import Caller
from cluster.detectors.compile import RuleSetSpec
from serve.http.doors import Access
from serve.http.etags import etag
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Limit, Page, page

router = APIRouter(prefix="/rule-sets", tags=["rule sets"])
MayRead = Annotated[Caller, Depends(permitted("rulesets:read"))]
Name = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$", examples=["default"])]


class Revision(BaseModel):
    """The whole rule set as it shall be."""

    model_config = ConfigDict(extra="forbid")

    spec: RuleSetSpec


@router.get("", operation_id="list_rule_sets", summary="List rule sets")
def list_all(doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[RuleSetView]:
    """The current version of every rule set, in the order of their names."""
    with doors.reading() as session:
        return page(queries.list_rule_sets(session, after, limit + 1), limit, lambda found: found.name)


@router.get("/{name}", operation_id="get_rule_set", summary="Read a rule set")
def get(name: Name, response: Response, doors: Access, caller: MayRead) -> RuleSetView:
    """The current version."""
    with doors.reading() as session:
        view = queries.current(session, name)
    response.headers["ETag"] = etag(view.version)
    return view


@router.get("/{name}/versions", operation_id="list_rule_set_versions", summary="List the versions of a rule set")
def versions(name: Name, doors: Access, caller: MayRead) -> Page[RuleSetView]:
    """All versions that there were, the latest first."""
    with doors.reading() as session:
        return Page[RuleSetView](items=tuple(queries.versions(session, name)))


@router.post("/{name}/versions", status_code=201, operation_id="revise_rule_set", summary="Make a new version")
async def revise(name: Name, body: Revision, response: Response, doors: Access, caller: Writer) -> RuleSetView:
    """Makes a new version of the rule set, or the first one. An unchanged specification makes none."""
    view = await doors.send(ReviseRuleSet(name=name, spec=body.spec), caller)
    response.headers["Location"] = f"/api/v1/rule-sets/{name}"
    response.headers["ETag"] = etag(view.version)
    return view
