"""Principals and their API tokens. A token is shown once; the store keeps its SHA-256 (it has 256 random bits)."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from cluster.context import Caller, new_id
from cluster.errors import InvalidInput, NotFound, Unauthenticated
from cluster.security.roles import permissions_of, roles
from cluster.security.visibility import admitted
from cluster.store.tables import Principal, Token

PREFIX = "sxt_"


class TokenView(BaseModel):
    """A token without its secret."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    principal: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class IssuedToken(TokenView):
    """A token just made: the only time `secret` is seen."""

    secret: str


def issue_token(
    session: Session, principal: str, role_names: list[str], days: int | None, secret: str | None = None
) -> IssuedToken:
    """Makes a token for a principal, creating it or replacing its roles. Raises InvalidInput for an unknown role."""
    unknown = sorted(set(role_names) - set(roles()))
    if unknown or not role_names:
        known = ", ".join(sorted(roles()))
        raise InvalidInput(f"Unknown role: {', '.join(unknown) or '(none given)'}.", f"Choose from: {known}.")
    statement = insert(Principal).values(name=principal, roles=sorted(set(role_names)))
    statement = statement.on_conflict_do_update(
        index_elements=[Principal.name], set_={"roles": statement.excluded.roles}
    )
    session.execute(statement)
    secret = secret or PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    token = Token(
        id=new_id(),
        principal=principal,
        secret_hash=_hash(secret),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    session.add(token)
    session.flush()
    return IssuedToken(**TokenView.model_validate(token).model_dump(), secret=secret)


def revoke_token(session: Session, token_id: str) -> TokenView:
    """Makes a token worthless from now on. Raises NotFound."""
    token = session.get(Token, token_id)
    if token is None:
        raise NotFound(f"There is no token '{token_id}'.", "List the tokens to see their ids.")
    token.revoked_at = token.revoked_at or datetime.now(UTC)
    session.flush()
    return TokenView.model_validate(token)


def authenticate(session: Session, secret: str | None) -> Caller:
    """The caller a bearer token stands for. Raises Unauthenticated with the same words for every kind of bad token."""
    refused = Unauthenticated(
        "A valid API token is required.", "Send `Authorization: Bearer <token>`; see `sextant token`."
    )
    if not secret:
        raise refused
    statement = select(Token, Principal).join(Principal, Principal.name == Token.principal)
    row = session.execute(statement.where(Token.secret_hash == _hash(secret))).first()
    if row is None:
        raise refused
    token, principal = row
    if token.revoked_at or (token.expires_at and token.expires_at <= datetime.now(UTC)):
        raise refused
    caller = Caller(principal=principal.name, permissions=permissions_of(principal.roles))
    return admitted(session, caller, principal.roles)


def signs_in(session: Session, principal: str, permission: str, now: datetime) -> bool:
    """Whether the principal is known, may do this, and has a token that is valid at `now`."""
    row = session.get(Principal, principal)
    if row is None or not Caller(principal=row.name, permissions=permissions_of(row.roles)).may(permission):
        return False
    valid = (Token.revoked_at.is_(None), (Token.expires_at.is_(None)) | (Token.expires_at > now))
    return session.scalars(select(Token.id).where(Token.principal == principal, *valid).limit(1)).first() is not None


def list_tokens(session: Session) -> list[TokenView]:
    """All tokens, the newest first."""
    return [
        TokenView.model_validate(token) for token in session.scalars(select(Token).order_by(Token.created_at.desc()))
    ]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
