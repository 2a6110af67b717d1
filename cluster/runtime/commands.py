"""Commands: what a group can be told to do, who may say it, and the function that does it.

A command is a pydantic value named by verb and noun in its group's `contract.py`; its function is registered in the
group's `service.py`. The function gets a `UnitOfWork` and either returns a value, after which everything it did is
committed together with its events, its audit entry and its operation id, or raises, after which nothing of it remains.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlalchemy.orm import Session

from cluster.context import Caller
from cluster.errors import Internal, SextantError, all_errors
from cluster.events.feed import EventDraft

R = TypeVar("R", bound=BaseModel)
C = TypeVar("C", bound="Command[Any]")


class Done(BaseModel):
    """The result of a command that has nothing to tell."""

    model_config = ConfigDict(frozen=True)


class Command(BaseModel, Generic[R]):
    """Base of all commands. `R` is the value it results in; `permission` is what the caller needs.

    An `internal` command belongs to the loops of the groups and the orchestrator; no door offers it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: ClassVar[str]
    permission: ClassVar[str]

    @classmethod
    def result_type(cls) -> type[BaseModel]:
        """The class of the result, read from the parameter of `Command[...]`."""
        for base in cls.__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args")
            if arguments:
                result: type[BaseModel] = arguments[0]
                return result
        raise Internal(f"{cls.__name__} does not name its result.")

    def request_hash(self, key: bytes) -> str:
        """A keyed hash of the command, to tell a repeated operation from another one with its id."""
        content = json.dumps([type(self).__name__, self.model_dump()], sort_keys=True, default=_revealed)
        return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()


def _revealed(value: Any) -> Any:
    """What JSON has no form for: secrets as they are, since two commands that differ in one are two commands."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class ErrorValue(BaseModel):
    """An error as a value, since an exception that crosses processes can lose its type on the way."""

    model_config = ConfigDict(frozen=True)

    code: str
    detail: str
    remedy: str = ""
    context: dict[str, Any] = {}

    @classmethod
    def of(cls, error: SextantError) -> "ErrorValue":
        return cls(code=error.code, detail=error.detail, remedy=error.remedy, context=error.context)

    def raised(self) -> SextantError:
        """The error again, to be raised. The writer that refused the command has audited it."""
        error = all_errors().get(self.code, Internal)(self.detail, self.remedy, self.context or None)
        error.audited = True
        return error


class Outcome(BaseModel):
    """What came of a command: its result as plain data, or its error."""

    model_config = ConfigDict(frozen=True)

    value: dict[str, Any] | None = None
    error: ErrorValue | None = None


@dataclass
class UnitOfWork:
    """One command's share of a transaction. `now` is the same instant for all that it writes."""

    session: Session
    caller: Caller
    group: str
    now: datetime
    events: list[EventDraft] = field(default_factory=list)
    audited_entity: str = ""

    def emit(
        self,
        kind: str,
        entity: str,
        before: BaseModel | dict[str, Any] | None = None,
        after: BaseModel | dict[str, Any] | None = None,
    ) -> None:
        """Adds an event "<group>.<kind>" about `entity`; it is published if and only if the command is committed."""
        self.audited_entity = self.audited_entity or entity
        self.events.append(
            EventDraft(
                group=self.group,
                kind=f"{self.group}.{kind}",
                entity=entity,
                before=_plain(before),
                after=_plain(after),
                cause_seq=self.caller.cause,
                principal=self.caller.principal,
                request_id=self.caller.request_id,
            )
        )


def _plain(value: BaseModel | dict[str, Any] | None) -> dict[str, Any] | None:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


@dataclass
class Service:
    """The commands of one group with their functions."""

    group: str
    functions: dict[type[Command[Any]], Callable[[UnitOfWork, Any], BaseModel]] = field(default_factory=dict)

    def handles(
        self, command: type[C]
    ) -> Callable[[Callable[[UnitOfWork, C], BaseModel]], Callable[[UnitOfWork, C], BaseModel]]:
        """Registers the decorated function as the one that carries out `command`."""

        def register(function: Callable[[UnitOfWork, C], BaseModel]) -> Callable[[UnitOfWork, C], BaseModel]:
            if command in self.functions or command.group != self.group:
                raise Internal(f"{command.__name__} is registered twice, or in the wrong group.")
            self.functions[command] = function
            return function

        return register

    def carry_out(self, work: UnitOfWork, command: Command[Any]) -> BaseModel:
        """Checks the permission and runs the function."""
        work.caller.require(command.permission)
        function = self.functions.get(type(command))
        if function is None:
            raise Internal(f"The group '{self.group}' has no function for {type(command).__name__}.")
        return function(work, command)
