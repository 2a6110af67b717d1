"""Routes of principals and their API tokens."""

import base64
import hmac
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actors.orchestrator.contract import CreateToken, RevokeToken
from cluster.context import Caller
from cluster.security.secrets import derived
from cluster.security.tokens import PREFIX, IssuedToken, TokenView, list_tokens
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, Limit, Page

router = APIRouter(prefix="/tokens", tags=["tokens"])
MayRead = Annotated[Caller, Depends(permitted("access:read"))]


class TokenOrder(BaseModel):
    """Who gets a token, with which roles, and for how many days (for ever if left out)."""

    model_config = ConfigDict(extra="forbid")

    principal: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@\-]*$", examples=["ana"])
    roles: tuple[str, ...] = Field(min_length=1, max_length=20, examples=[["steward"]])
    days: int | None = Field(None, ge=1, le=3650)


def secret_for(caller: Caller) -> str:
    """The secret of the token that this operation makes: a repeated operation shows it again, only to its caller.

    HMAC-SHA-256 with a key of the installation over principal and operation id, so it has 256 bits nobody can guess.
    """
    mark = hmac.digest(derived("token"), f"{caller.principal}\0{caller.operation_id}".encode(), "sha256")
    return PREFIX + base64.urlsafe_b64encode(mark).decode().rstrip("=")


@router.post("", status_code=201, operation_id="create_token", summary="Create a token")
async def create(body: TokenOrder, response: Response, doors: Access, caller: Writer) -> IssuedToken:
    """The response is the only place where `secret` is seen. The roles replace those that the principal had."""
    secret = secret_for(caller)
    command = CreateToken(principal=body.principal, roles=body.roles, days=body.days, secret=SecretStr(secret))
    view = await doors.send(command, caller)
    doors.known_tokens.clear()  # the principal's roles may be others now
    response.headers["Location"] = "/api/v1/tokens"
    return IssuedToken(**view.model_dump(), secret=secret)


@router.get("", operation_id="list_tokens", summary="List tokens")
def list_all(doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[TokenView]:
    """Tokens without their secrets, the newest first."""
    with doors.reading() as session:
        found = sorted(list_tokens(session), key=lambda token: _position(token.created_at, token.id), reverse=True)
    keys = [_position(token.created_at, token.id) for token in found]
    begin = next((index for index, key in enumerate(keys) if after is None or key < after), len(found))
    part = found[begin : begin + limit]
    more = begin + limit < len(found)
    return Page[TokenView](items=tuple(part), next=keys[begin + limit - 1] if more else None)


def _position(created_at: datetime, token_id: str) -> str:
    return f"{created_at.timestamp():020.6f}:{token_id}"


@router.delete("/{token_id}", operation_id="revoke_token", summary="Revoke a token")
async def revoke(token_id: Id, doors: Access, caller: Writer) -> TokenView:
    """The token is worthless at once here, and within three seconds on every other replica."""
    view = await doors.send(RevokeToken(token_id=token_id), caller)
    doors.known_tokens.clear()
    return view
