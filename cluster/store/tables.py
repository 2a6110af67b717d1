"""Tables of the ground: incarnations of groups, operations, events, the audit chain, principals, compartments."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "ground"}


class GroupEpoch(Base):
    """The current incarnation of a group's actor; a writer with an older epoch is refused."""

    __tablename__ = "group_epoch"
    __table_args__ = SCHEMA
    group: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Operation(Base):
    """A command that was carried out, with its response, so that a repeated one is answered and not done twice."""

    __tablename__ = "operation"
    __table_args__ = (Index(None, "at"), SCHEMA)
    principal: Mapped[str] = mapped_column(primary_key=True)
    operation_id: Mapped[str] = mapped_column(primary_key=True)
    command: Mapped[str]
    request_hash: Mapped[str]
    response: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Event(Base):
    """One fact of what happened, in the order of commit."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "kind", "seq"), Index(None, "entity", "seq"), SCHEMA)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    group: Mapped[str]
    kind: Mapped[str]
    entity: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    cause_seq: Mapped[int | None] = mapped_column(BigInteger)
    principal: Mapped[str]
    request_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Credential(Base):
    """A sealed credential and what may be told of it; `references` says by field in which store of secrets it is."""

    __tablename__ = "credential"
    __table_args__ = SCHEMA
    owner: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    sealed: Mapped[str]
    key_id: Mapped[str]
    fields: Mapped[list[str]]
    references: Mapped[dict[str, Any]]
    set_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who tried what, with which outcome; each entry carries the hash of the one before it."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "principal", "seq"), SCHEMA)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    principal: Mapped[str]
    action: Mapped[str]
    entity: Mapped[str]
    outcome: Mapped[str]
    request_id: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class Principal(Base):
    """A person or a program, with its roles."""

    __tablename__ = "principal"
    __table_args__ = SCHEMA
    name: Mapped[str] = mapped_column(primary_key=True)
    roles: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Token(Base):
    """An API token; only its SHA-256 is kept."""

    __tablename__ = "token"
    __table_args__ = SCHEMA
    id: Mapped[str] = mapped_column(primary_key=True)
    principal: Mapped[str] = mapped_column(ForeignKey("ground.principal.name"))
    secret_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class CompartmentMember(Base):
    """Who may see the assets of a compartment: the name of a principal, or "role:" and the name of a role."""

    __tablename__ = "compartment_member"
    __table_args__ = SCHEMA
    compartment: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)


class Concealed(Base):
    """An asset that lies in a compartment; one that lies in several is seen by those alone who may see them all."""

    __tablename__ = "concealed"
    __table_args__ = (Index(None, "compartment"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    compartment: Mapped[str] = mapped_column(primary_key=True)
