"""Routes of orders: enforcement and its rollback, deletion by age, requests of data subjects."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actors.compliance import queries
from actors.compliance.contract import (
    DecideOrder,
    OrderEnforcement,
    OrderRetention,
    OrderRollback,
    OrderSubject,
    OrderView,
)
from actors.compliance.contract.orders import Credential, Ids, OrderKind, OrderState
from actors.sources import queries as sources
from cluster.connectors.interface import SourceAccess
from cluster.errors import Conflict
from serve.http.compliance import MayRead
from serve.http.doors import Access, Doors
from serve.http.identity import Writer
from serve.http.pages import After, Limit, Page, page

MOST_SOURCES = 100  # of one order

router = APIRouter(tags=["compliance"])
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$", examples=["3f2a"])]
SourceId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:\-]+$")]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _OnSource(_Order):
    source_id: SourceId
    credential: Credential = Field(
        default_factory=dict, description="username and password of an account that may; else the source's own."
    )


class EnforcementOrder(_OnSource):
    """Which policies to carry out; all in force if none is named."""

    policies: Ids = ()
    close: Annotated[Ids, Field(description="Ids of assets whose reading is revoked from PUBLIC.")] = ()
    take_from_public: bool = Field(False, description="Revoke reading from PUBLIC where that would defeat the order.")


class RollbackOrder(_OnSource):
    """To take back what an enforcement did."""


class RetentionOrder(_OnSource):
    """Which retention to carry out."""

    retention_id: Annotated[str, Field(pattern=r"^[0-9a-f]{1,32}$")]


class SubjectOrder(_Order):
    """Whom to look for, by values that single them out; in which sources, all that are in service if none is named."""

    kind: Literal["access", "erasure"]
    keys: Annotated[
        tuple[Annotated[SecretStr, Field(min_length=4, max_length=500)], ...], Field(min_length=1, max_length=20)
    ]
    sources: Annotated[tuple[SourceId, ...], Field(max_length=100)] = ()
    credentials: dict[str, Credential] = Field(
        default_factory=dict, max_length=100, description="By source, of accounts that may delete."
    )


class OrderDecision(_Order):
    """Whether the planned order is to be carried out."""

    approve: bool


@router.get("/orders", operation_id="list_orders", summary="List orders")
def list_orders(
    *,
    doors: Access,
    caller: MayRead,
    kind: Annotated[OrderKind | None, Query()] = None,
    state: Annotated[OrderState | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[OrderView]:
    """Orders with their plans, who decided on them, and the proof of what was done."""
    with doors.reading() as session:
        found = queries.list_orders(session, kind, state, after, limit + 1)
    return page(found, limit, lambda order: order.id)


@router.get("/orders/{order_id}", operation_id="get_order", summary="Read an order")
def get_order(order_id: OrderId, doors: Access, caller: MayRead) -> OrderView:
    """One order: its plan is a dry run, its outcome the proof, of an erasure the signed certificate."""
    with doors.reading() as session:
        return queries.get_order(session, order_id)


@router.post("/orders/{order_id}/decision", operation_id="decide_order", summary="Approve or refuse an order")
async def decide_order(order_id: OrderId, body: OrderDecision, doors: Access, caller: Writer) -> OrderView:
    """Whoever may decide, and did not ask for it. What is approved is carried out at once."""
    return await doors.send(DecideOrder(order_id=order_id, approve=body.approve), caller)


@router.post("/orders/enforcements", operation_id="order_enforcement", summary="Order an enforcement", status_code=202)
async def enforce(body: EnforcementOrder, doors: Access, caller: Writer) -> OrderView:
    """Plans column grants, masking views and row-level security that carry policies out in a PostgreSQL source."""
    caller.require("compliance:write")
    command = OrderEnforcement(
        access=_access(doors, body.source_id), policies=body.policies, close=body.close,
        credential=body.credential,
        take_from_public=body.take_from_public,
    )  # fmt: skip
    return await doors.send(command, caller)


@router.post("/orders/{order_id}/rollback", operation_id="order_rollback", summary="Order a rollback", status_code=202)
async def roll_back(order_id: OrderId, body: RollbackOrder, doors: Access, caller: Writer) -> OrderView:
    """Plans to take back what an enforcement did, the last step first."""
    caller.require("compliance:write")
    access = _access(doors, body.source_id)
    return await doors.send(OrderRollback(order_id=order_id, access=access, credential=body.credential), caller)


@router.post("/orders/retentions", operation_id="order_retention", summary="Order a deletion by age", status_code=202)
async def retain(body: RetentionOrder, doors: Access, caller: Writer) -> OrderView:
    """Plans the deletion of rows that are older than a retention allows; the plan is the list of what is due."""
    caller.require("compliance:write")
    access = _access(doors, body.source_id)
    command = OrderRetention(retention_id=body.retention_id, access=access, credential=body.credential)
    return await doors.send(command, caller)


@router.post("/orders/subjects", operation_id="order_subject", summary="Order a search for a person", status_code=202)
async def subject(body: SubjectOrder, doors: Access, caller: Writer) -> OrderView:
    """Plans a request of a data subject: where the person is, and for an erasure what would be done there."""
    caller.require("compliance:write")
    chosen = body.sources or _in_service(doors)
    if not chosen:
        raise Conflict("There is no source to look in.", "Register the sources that may hold the person first.")
    if len(chosen) > MOST_SOURCES:
        raise Conflict(f"There are {len(chosen)} sources.", f"Name those to look in, at most {MOST_SOURCES} an order.")
    accesses = tuple(_access(doors, source) for source in chosen)
    command = OrderSubject(kind=body.kind, keys=body.keys, accesses=accesses, credentials=body.credentials)
    return await doors.send(command, caller)


def _in_service(doors: Doors) -> tuple[str, ...]:
    """The ids of all sources that are not retired."""
    found: list[str] = []
    after: str | None = None
    with doors.reading() as session:
        while page_of := sources.list_sources(session, after):
            found += [one.id for one in page_of if one.state != "retired"]
            after = page_of[-1].id
    return tuple(found)


def _access(doors: Doors, source_id: str) -> SourceAccess:
    with doors.reading() as session:
        return sources.access(session, source_id)
