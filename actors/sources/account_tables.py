"""Tables of accounts and of what was found in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "sources"}


class Account(Base):
    """A cloud account, a server or a file share. Its credential is in the ground, under the account's id."""

    __tablename__ = "account"
    __table_args__ = (Index("uq_account_name_live", "name", unique=True, postgresql_where="state <> 'retired'"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    provider: Mapped[str]
    url: Mapped[str | None]
    regions: Mapped[list[str]]
    options: Mapped[dict[str, Any]]
    state: Mapped[str]
    has_credential: Mapped[bool]
    created_at: Mapped[datetime]
    listed_at: Mapped[datetime | None]


class AccountDiscovery(Base):
    """A look through an account, asked for and then done."""

    __tablename__ = "account_discovery"
    __table_args__ = (Index(None, "account_id", "requested_at"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("sources.account.id"))
    state: Mapped[str] = mapped_column(index=True)
    complete: Mapped[bool | None]
    resources: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[Any]]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class FoundResource(Base):
    """Something that lies in an account, as the provider described it last."""

    __tablename__ = "resource"
    __table_args__ = (Index(None, "account_id", "native_id", unique=True), Index(None, "url"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("sources.account.id"))
    native_id: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    region: Mapped[str | None]
    engine: Mapped[str | None]
    url: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]]
    ignored: Mapped[bool]
    gone: Mapped[bool]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
