"""Policies: who may do what with which data, on which conditions, and what has to be done besides."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from actors.compliance.contract.selector import Selector

Action = Literal["read", "write", "export", "join", "retain", "delete"]
MaskMethod = Literal["null", "full", "last4", "email", "year", "hash"]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(max_length=100)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Effect(_Value):
    """What follows where the policy applies. `method` is for mask, `days` for delete_after, `to` for notify.

    Masks: null (nothing), full (as many stars), last4, email (its domain stays), year (of a date), hash (SHA-256,
    which is no anonymisation: whoever can list the values can find them).
    """

    kind: Literal["mask", "deny", "log", "notify", "delete_after"]
    method: MaskMethod = "full"
    days: int | None = Field(None, ge=1, le=36_500)
    to: Word | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Effect":
        if self.kind == "delete_after" and self.days is None:
            raise ValueError("delete_after needs days")
        return self


class Condition(_Value):
    """When the policy applies; what is left out is no condition. Hours are of the day in UTC, `until` excluded."""

    purposes: Words = ()
    regions: Words = ()
    roles: Words = ()
    from_hour: int | None = Field(None, ge=0, le=23)
    until_hour: int | None = Field(None, ge=1, le=24)

    @model_validator(mode="after")
    def _both_hours(self) -> "Condition":
        if (self.from_hour is None) != (self.until_hour is None):
            raise ValueError("give both hours or none")
        if self.from_hour is not None and self.until_hour is not None and self.from_hour >= self.until_hour:
            raise ValueError("from_hour has to be before until_hour")
        return self


class RowFilter(_Value):
    """Only rows whose `column` is one of `values` are seen."""

    column: Word
    values: Words = Field(min_length=1)


class Policy(_Value):
    """A rule over data. `includes` are the ids of policies whose targets and conditions it narrows further.

    permission: the actions are allowed. prohibition: they are denied, or masked if it has a mask effect.
    obligation: they are allowed if the effects are carried out. Between policies that say opposite things the higher
    `priority` wins; between equal ones the prohibition.
    """

    kind: Literal["policy"] = "policy"
    name: Word
    description: Annotated[str, Field(max_length=1000)] = ""
    targets: Selector
    rule: Literal["permission", "prohibition", "obligation"]
    actions: tuple[Action, ...] = Field(("read",), min_length=1, max_length=6)
    condition: Condition = Condition()
    effects: tuple[Effect, ...] = Field((), max_length=10)
    rows: RowFilter | None = None
    includes: Words = ()
    priority: int = Field(0, ge=0, le=1000)

    @model_validator(mode="after")
    def _says_what_follows(self) -> "Policy":
        if self.rule == "obligation" and not self.effects:
            raise ValueError("an obligation needs an effect")
        if self.rule == "permission" and any(effect.kind == "deny" for effect in self.effects):
            raise ValueError("a permission cannot deny")
        return self


class AccessRequest(_Value):
    """Somebody wants to do something: with an asset, or one of its columns."""

    source_id: Word
    asset_id: Word
    column: Word | None = None
    action: Action = "read"
    roles: Words = ()
    purpose: Word | None = None
    region: Word | None = None
    at: datetime | None = None


class Decision(_Value):
    """permit, mask (by `method`) or deny, by which policies, and what has to be done besides.

    `governed` is false where no policy is about the data: it is then permitted, and nothing vouches for that.
    """

    outcome: Literal["permit", "mask", "deny"]
    method: MaskMethod | None
    obligations: tuple[Effect, ...]
    rows: tuple[RowFilter, ...]
    policies: tuple[str, ...]
    governed: bool
    reason: str


class Contradiction(_Value):
    """Two policies of equal priority that say opposite things of the same data for the same people."""

    permission: str
    prohibition: str
    actions: tuple[str, ...]
    assets: tuple[str, ...]
    reason: str
