"""Routes of the compliance group."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from actors.compliance import queries
from actors.compliance.contract import (
    AdviceReceipt,
    AdviseSource,
    EvaluateSource,
    EvaluationView,
    Explained,
    FactKind,
    FactView,
    FindingView,
    FrameworkView,
    Posture,
    RecommendationView,
    Severity,
    Verdict,
)
from actors.sources import queries as sources
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, AfterNumber, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["compliance"])
MayRead = Annotated[Caller, Depends(permitted("compliance:read"))]
MaySee = Annotated[Caller, Depends(permitted("compliance:read", scoped=True))]
FrameworkKey = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$", examples=["gdpr"])]
Framework = Annotated[str | None, Query(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$")]


class SourceVerdicts(BaseModel):
    """Findings of a source by framework and verdict. Equal data gives an equal digest, whatever run reached it."""

    model_config = ConfigDict(frozen=True)

    source_id: str
    frameworks: dict[str, dict[Verdict, int]]
    digest: str


class EvaluationOrder(BaseModel):
    """Which frameworks to evaluate; all if none is named."""

    model_config = ConfigDict(extra="forbid")

    frameworks: tuple[str, ...] = Field((), max_length=50, examples=[["gdpr"]])


def existing(session: Session, source_id: str) -> None:
    """Raises NotFound for a source of which no fact was ever recorded, and which is not registered either."""
    if not queries.told_of(session, source_id):
        sources.get_source(session, source_id)


@router.get("/frameworks", operation_id="list_frameworks", summary="List frameworks")
def frameworks(doors: Access, caller: MaySee) -> Page[FrameworkView]:
    """The frameworks with their controls."""
    with doors.reading() as session:
        return Page[FrameworkView](items=tuple(queries.frameworks(session)))


@router.get("/frameworks/{key}", operation_id="get_framework", summary="Read a framework")
def framework(key: FrameworkKey, doors: Access, caller: MaySee) -> FrameworkView:
    """One framework with its controls."""
    with doors.reading() as session:
        return queries.framework(session, key)


@router.get("/findings", operation_id="list_findings", summary="List findings")
def findings(
    *,
    doors: Access,
    caller: MaySee,
    source_id: IdFilter = None,
    framework: Framework = None,
    verdict: Annotated[Verdict | None, Query()] = None,
    severity: Annotated[Severity | None, Query()] = None,
    assignee: Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[FindingView]:
    """Standing verdicts with the facts that they stand on."""
    with doors.reading() as session:
        found = queries.findings(
            session, source_id=source_id, framework=framework, verdict=verdict, severity=severity,
            assignee=assignee, after=after, limit=limit + 1, caller=caller
        )  # fmt: skip
    return page(found, limit, lambda finding: finding.id)


@router.get("/findings/{finding_id}", operation_id="get_finding", summary="Read a finding")
def finding(finding_id: Id, doors: Access, caller: MaySee) -> FindingView:
    """One verdict with its reason, its remediation and the versions of the facts behind it."""
    with doors.reading() as session:
        return queries.get_finding(session, finding_id, caller=caller)


@router.get("/findings/{finding_id}/replay", operation_id="replay_finding", summary="Reach a finding again")
def replay(finding_id: Id, doors: Access, caller: MaySee) -> FindingView:
    """The verdict decided again from the stored versions of its facts and its rule; equal to the one that stands."""
    with doors.reading() as session:
        return queries.replay(session, finding_id, caller=caller)


@router.get("/sources/{source_id}/posture", operation_id="get_posture", summary="Read the posture of a source")
def posture(source_id: Id, doors: Access, caller: MaySee, framework: Framework = None) -> Page[Posture]:
    """The verdict of every control, by framework. A control without evidence never passes."""
    with doors.reading() as session:
        existing(session, source_id)
        keys = [framework] if framework else [known.key for known in queries.frameworks(session)]
        return Page[Posture](items=tuple(queries.posture(session, source_id, key, caller=caller) for key in keys))


@router.get("/sources/{source_id}/controls", operation_id="explain_control", summary="Explain a control for a source")
def explain_control(
    *,
    source_id: Id,
    doors: Access,
    caller: MaySee,
    framework: Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$")],
    control: Annotated[str, Query(min_length=1, max_length=60)],
    limit: Limit = 50,
) -> Page[Explained]:
    """What its checks say of each subject for the facts as they stand, also where it does not apply, and why."""
    with doors.reading() as session:
        existing(session, source_id)
        told = queries.explain(session, source_id, framework, control, limit=limit, caller=caller)
    return Page[Explained](items=tuple(told))


@router.get("/sources/{source_id}/verdicts", operation_id="get_verdicts", summary="Count the findings of a source")
def verdicts(source_id: Id, doors: Access, caller: MaySee) -> SourceVerdicts:
    """How many findings stand by framework and verdict, and the digest of all of them."""
    with doors.reading() as session:
        existing(session, source_id)
        counted = queries.verdicts_by_framework(session, source_id, caller=caller)
        digest = queries.digest(session, source_id, counted, caller)
    return SourceVerdicts(source_id=source_id, frameworks=counted, digest=digest)


@router.get("/sources/{source_id}/recommendations", operation_id="list_recommendations", summary="What to do next")
def recommendations(
    source_id: Id, doors: Access, caller: MaySee, after: AfterNumber = None, limit: Limit = 50
) -> Page[RecommendationView]:
    """Recommendations, the one that removes most risk first."""
    with doors.reading() as session:
        existing(session, source_id)
        found = queries.recommendations(session, source_id, after, limit + 1, caller=caller)
    return page(found, limit, lambda one: str(one.rank))


@router.get("/sources/{source_id}/facts", operation_id="list_facts", summary="Read the facts of a source")
def facts(
    *,
    source_id: Id,
    doors: Access,
    caller: MaySee,
    kind: Annotated[FactKind | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[FactView]:
    """What the controls are decided from, in its current version."""
    with doors.reading() as session:
        existing(session, source_id)
        found = queries.facts(session, source_id, kind=kind, after=after, limit=limit + 1, caller=caller)
    return page(found, limit, lambda fact: f"{fact.kind}/{fact.subject}")


@router.post("/sources/{source_id}/evaluations", operation_id="evaluate_source", summary="Evaluate the controls")
async def evaluate(source_id: Id, body: EvaluationOrder, doors: Access, caller: Writer) -> EvaluationView:
    """Decides every control again from the facts that are stored."""
    return await doors.send(EvaluateSource(source_id=source_id, frameworks=body.frameworks), caller)


@router.post("/sources/{source_id}/advice", operation_id="advise_source", summary="Rank the recommendations again")
async def advise(source_id: Id, doors: Access, caller: Writer) -> AdviceReceipt:
    """Makes the recommendations from the standing findings again."""
    return await doors.send(AdviseSource(source_id=source_id), caller)
