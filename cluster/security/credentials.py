"""The credentials of sources and accounts, sealed, in one table of the ground.

The group that owns a source writes them. Whoever starts a worker reads them at that moment, so that a credential that
was replaced serves from the next task on, also in work that had begun with the one before.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from cluster.errors import ConfigurationError
from cluster.security import keyring
from cluster.security.references import schemes_of
from cluster.security.secrets import key_of, resealed, rewrapped, seal, unseal
from cluster.store.tables import Credential


class CredentialView(BaseModel):
    """What may be told of a credential: its fields, those that are references by where to, and how old it is."""

    model_config = ConfigDict(frozen=True)

    owner: str
    version: int
    fields: tuple[str, ...]
    references: dict[str, str]
    set_at: datetime
    expires_at: datetime | None
    key_id: str


def put(
    session: Session, owner: str, credential: Mapping[str, str], now: datetime, expires_at: datetime | None = None
) -> bool:
    """Stores the credential in place of the one before, or takes that away where it is empty; whether it is another."""
    row = session.get(Credential, owner)
    if row is not None and _plain(row) == dict(credential) and row.expires_at == expires_at:
        return False
    sealed = seal(credential, owner)
    if sealed is None:
        remove(session, owner)
        return row is not None
    if row is None:
        row = Credential(owner=owner, version=0)
        session.add(row)
    row.sealed, row.version, row.key_id = sealed, row.version + 1, key_of(sealed).hex()
    row.fields, row.references = sorted(credential), schemes_of(credential)
    row.set_at, row.expires_at = now, expires_at
    session.flush()
    return True


def holds(session: Session, owner: str, credential: Mapping[str, str]) -> bool:
    """Whether this is the credential of the owner."""
    row = session.get(Credential, owner)
    return (_plain(row) if row is not None else {}) == dict(credential)


def sealed_of(session: Session, owner: str) -> str | None:
    """The sealed credential as it stands; None where there is none."""
    return session.scalar(select(Credential.sealed).where(Credential.owner == owner))


def describe(session: Session, owner: str) -> CredentialView | None:
    """What may be told of the credential; None where there is none."""
    row = session.get(Credential, owner)
    return None if row is None else _view(row)


def described(session: Session, owners: Collection[str]) -> dict[str, CredentialView]:
    """What may be told of the credentials of these owners."""
    return {row.owner: _view(row) for row in session.scalars(select(Credential).where(Credential.owner.in_(owners)))}


def running_out(session: Session, until: datetime) -> list[CredentialView]:
    """Those that were said to expire by then, or have expired."""
    rows = session.scalars(select(Credential).where(Credential.expires_at <= until).order_by(Credential.owner))
    return [_view(row) for row in rows]


def remove(session: Session, owner: str) -> None:
    """Forgets the credential."""
    session.execute(delete(Credential).where(Credential.owner == owner))
    session.expire_all()


def use_current_key(session: Session, *, new_data_keys: bool = False) -> int:
    """Wraps every data key with the current master key, or makes new ones too; how many were not so before.

    What cannot be opened stays as it is. The versions stay too: nothing that a source sees has changed.
    """
    current, changed = keyring.id_of(keyring.ring().current).hex(), 0
    for row in session.scalars(select(Credential).with_for_update()):
        if row.key_id == current and not new_data_keys:
            continue
        try:
            row.sealed = (resealed if new_data_keys else rewrapped)(row.sealed, row.owner)
        except ConfigurationError:
            continue
        row.key_id, changed = current, changed + 1
    session.flush()
    return changed


def used_keys(session: Session) -> dict[str, int]:
    """How many credentials each master key wraps, by the key's id."""
    counted = select(Credential.key_id, func.count()).group_by(Credential.key_id)
    return {str(key_id): int(count) for key_id, count in session.execute(counted)}


def _plain(row: Credential) -> dict[str, str] | None:
    """The credential in use; None where it can no longer be opened, so that a new one may replace it."""
    try:
        return unseal(row.sealed, row.owner)
    except ConfigurationError:
        return None


def _view(row: Credential) -> CredentialView:
    return CredentialView(
        owner=row.owner, version=row.version, fields=tuple(row.fields), references=row.references, set_at=row.set_at,
        expires_at=row.expires_at, key_id=row.key_id,
    )  # fmt: skip
