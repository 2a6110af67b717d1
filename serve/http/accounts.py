"""Routes of accounts: clouds, servers and file shares that are looked through for sources."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actors.sources import account_queries
from actors.sources.contract import (
    AccountDiscoveryView,
    AccountView,
    AdoptResource,
    DiscoverAccount,
    IgnoreResource,
    RegisterAccount,
    ResourceStatus,
    ResourceView,
    RetireAccount,
    SourceView,
)
from cluster.connectors import split_url
from cluster.context import Caller
from cluster.security.network import check_places
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]


class Adoption(BaseModel):
    """What to say of the new source beside what is known; the account's credential is used where none is given."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=100)
    options: dict[str, str] = Field(default_factory=dict, max_length=50)
    credential: dict[str, SecretStr] = Field(default_factory=dict, max_length=20)


class Disposal(BaseModel):
    """Whether it is to be left alone."""

    model_config = ConfigDict(extra="forbid")

    ignored: bool


@router.post("/source-accounts", status_code=201, operation_id="register_account", summary="Register an account")
async def register(body: RegisterAccount, response: Response, doors: Access, caller: Writer) -> AccountView:
    """A cloud account (`aws`), a PostgreSQL server or a folder of folders, to be looked through for sources."""
    if caller.may(RegisterAccount.permission):  # others are refused by the command, in the audit log
        url = split_url(body.url.get_secret_value()).url if body.url else "aws://"
        await run_in_threadpool(check_places, url, body.options, ask_dns=True)
    view = await doors.send(body, caller)
    response.headers["Location"] = f"/api/v1/source-accounts/{view.id}"
    return view


@router.get("/source-accounts", operation_id="list_accounts", summary="List accounts")
def list_all(doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[AccountView]:
    """Accounts in the order of their ids."""
    with doors.reading() as session:
        return page(account_queries.list_accounts(session, after, limit + 1), limit, lambda account: account.id)


@router.get("/source-accounts/{account_id}", operation_id="get_account", summary="Read an account")
def get(account_id: Id, doors: Access, caller: MayRead) -> AccountView:
    """The account, and when it was last looked through to the end."""
    with doors.reading() as session:
        return account_queries.get_account(session, account_id)


@router.post("/source-accounts/{account_id}/retire", operation_id="retire_account", summary="Retire an account")
async def retire(account_id: Id, doors: Access, caller: Writer) -> AccountView:
    """It is looked through no more, and its credential is forgotten; sources made of what it holds stay."""
    return await doors.send(RetireAccount(account_id=account_id), caller)


@router.post(
    "/source-accounts/{account_id}/discoveries", status_code=202, operation_id="discover_account",
    summary="Look through an account",
)  # fmt: skip
async def discover(account_id: Id, response: Response, doors: Access, caller: Writer) -> AccountDiscoveryView:
    """Lists what lies in it, in all regions; follow `Location`."""
    view = await doors.send(DiscoverAccount(account_id=account_id), caller)
    response.headers["Location"] = f"/api/v1/source-accounts/{account_id}/discoveries/{view.id}"
    return view


@router.get(
    "/source-accounts/{account_id}/discoveries/{discovery_id}", operation_id="get_account_discovery",
    summary="Read a look through an account",
)  # fmt: skip
def get_discovery(account_id: Id, discovery_id: Id, doors: Access, caller: MayRead) -> AccountDiscoveryView:
    """What is new, changed and gone, and what could not be read."""
    with doors.reading() as session:
        return account_queries.get_account_discovery(session, account_id, discovery_id)


@router.get("/source-resources", operation_id="list_resources", summary="List what lies in accounts")
def resources(
    *,
    doors: Access,
    caller: MayRead,
    account_id: IdFilter = None,
    status: Annotated[ResourceStatus | None, Query(description="new, registered, ignored or gone.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[ResourceView]:
    """With region, size, encryption, key, public access, TLS and tags, in the order of their ids."""
    with doors.reading() as session:
        found = account_queries.list_resources(session, account_id, status, after, limit + 1)
    return page(found, limit, lambda resource: resource.id)


@router.post(
    "/source-resources/{resource_id}/adoption", status_code=201, operation_id="adopt_resource",
    summary="Make a source of it",
)  # fmt: skip
async def adopt(resource_id: Id, body: Adoption, response: Response, doors: Access, caller: Writer) -> SourceView:
    """Registers it with the facts that are known of it. 409 where it is a source already, or gone."""
    command = AdoptResource(resource_id=resource_id, name=body.name, options=body.options, credential=body.credential)
    view = await doors.send(command, caller)
    response.headers["Location"] = f"/api/v1/sources/{view.id}"
    return view


@router.put(
    "/source-resources/{resource_id}/disposal", operation_id="ignore_resource", summary="Leave it alone, or not"
)
async def dispose(resource_id: Id, body: Disposal, doors: Access, caller: Writer) -> ResourceView:
    """What is ignored is no longer new; it is still looked at, and may be adopted."""
    return await doors.send(IgnoreResource(resource_id=resource_id, ignored=body.ignored), caller)
