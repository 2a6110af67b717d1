"""Orders: what Sextant does to data itself. Each is planned first, approved by somebody else, and proved afterwards."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actors.compliance.contract.verdicts import GROUP
from cluster.connectors.interface import SourceAccess
from cluster.runtime.commands import Command

OrderKind = Literal["enforcement", "rollback", "retention", "access", "erasure"]
OrderState = Literal["planning", "planned", "approved", "done", "failed", "refused"]
Credential = Annotated[dict[str, SecretStr], Field(max_length=5)]
Ids = Annotated[tuple[str, ...], Field(max_length=500)]


class OrderView(BaseModel):
    """An order and how far it is.

    planning: it is being found out what would be done (`plan`: a dry run); planned: somebody who may decide, and is not
    who asked, can approve it; approved: it is being done; done: `outcome` is the proof; failed: `problem` says why, and
    nothing of it was done where the source allows all or nothing. `subject` is a keyed hash of who it is about. An
    order of kind access ends with its plan: where the person is found.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    kind: OrderKind
    state: OrderState
    sources: tuple[str, ...]
    subject: str | None
    plan: dict[str, Any] | None
    outcome: dict[str, Any] | None
    problem: str | None
    requested_by: str
    approved_by: str | None
    requested_at: datetime
    changed_at: datetime
    due_at: date | None


class _Order(Command[OrderView]):
    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:write"


class OrderEnforcement(_Order):
    """Carries out policies in a PostgreSQL source for the roles that they name; all in force if none is named.

    With `close`, ids of assets, it revokes reading those from PUBLIC, and does nothing else unless policies are named.

    `credential` (username, password) is of an account that owns the tables; without it the source's own is used.
    `take_from_public` lets the order revoke reading from PUBLIC where that would defeat it. Raises Conflict for
    a source that is no PostgreSQL database, InvalidInput if no policy can be carried out there.
    """

    access: SourceAccess
    policies: Ids = ()
    close: Ids = ()
    credential: Credential = Field(default_factory=dict)
    take_from_public: bool = False


class OrderRollback(_Order):
    """Takes back what an enforcement did. Raises NotFound, and Conflict if it did nothing or was taken back."""

    order_id: str
    access: SourceAccess
    credential: Credential = Field(default_factory=dict)


class OrderRetention(_Order):
    """Deletes what a retention says is too old, in a PostgreSQL source. Legal holds win, also over approved orders."""

    retention_id: str
    access: SourceAccess
    credential: Credential = Field(default_factory=dict)


class OrderSubject(_Order):
    """Looks for a person in these sources by values that single them out, and erases what was found if asked to.

    `keys` are such values, such as an address; they are sealed while the order lives, and never shown. Assets under a
    legal hold are kept. It is due a month after it was asked for (GDPR Article 12(3)).
    """

    kind: Literal["access", "erasure"]
    keys: Annotated[
        tuple[Annotated[SecretStr, Field(min_length=4, max_length=500)], ...], Field(min_length=1, max_length=20)
    ]
    accesses: tuple[SourceAccess, ...] = Field(min_length=1, max_length=100)
    credentials: dict[str, Credential] = Field(default_factory=dict, max_length=100)


class DecideOrder(Command[OrderView]):
    """Approves or refuses a planned order. Raises NotFound, Forbidden to who asked for it, Conflict in other states."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:decide"
    order_id: str
    approve: bool


class RecordOrder(Command[OrderView]):
    """Internal: what came of planning an order, or of carrying it out."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:internal"
    order_id: str
    of_state: Literal["planning", "approved"]
    result: dict[str, Any] | None = None
    problem: str | None = None
