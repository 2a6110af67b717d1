"""Who is asking, and on behalf of what: carried with every command from its door to the row it writes."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from cluster.errors import Forbidden

ALL = "*"
INTERNAL = "internal"
SYSTEM = "system:"
UNRESTRICTED = "access:unrestricted"


def new_id() -> str:
    """A fresh identifier: 32 hexadecimal characters of a random UUID."""
    return uuid.uuid4().hex


class Caller(BaseModel):
    """The principal behind a command, with the permissions its roles grant.

    `operation_id` makes a command repeatable: the same id from the same principal returns the first response.
    `cause` is the sequence number of the event that led to this command, where an event did. `compartments` are those
    whose assets the caller may see (`cluster.security.visibility`); `limited` tells that there are others.
    """

    model_config = ConfigDict(frozen=True)

    principal: str
    permissions: frozenset[str] = frozenset()
    request_id: str = Field(default_factory=new_id)
    operation_id: str = Field(default_factory=new_id)
    cause: int | None = None
    compartments: frozenset[str] = frozenset()
    limited: bool = False

    @property
    def is_system(self) -> bool:
        """Whether this is a group's own loop. No token stands for one: a principal's name holds no colon."""
        return self.principal.startswith(SYSTEM)

    def may(self, permission: str) -> bool:
        """Whether a role grants `permission` ("group:verb"), "group:*" or "*".

        "group:internal" is for the loops of the groups alone: no role reaches it, not by "*" either.
        """
        group, _, verb = permission.partition(":")
        granted = self.permissions & {permission, f"{group}:{ALL}", ALL}
        return bool(granted) and (verb != INTERNAL or self.is_system)

    @property
    def sees_all(self) -> bool:
        """Whether no asset is hidden from this caller, whatever compartments there are."""
        return self.is_system or self.may(UNRESTRICTED)

    def require(self, permission: str) -> None:
        """Raises Forbidden unless the caller may."""
        if not self.may(permission):
            raise Forbidden(
                f"'{self.principal}' may not do this: the permission '{permission}' is missing.",
                "Ask an administrator for a role that grants it.",
            )


def system(group: str, cause: int | None = None) -> Caller:
    """The caller of a group's own loops, which may do everything."""
    return Caller(principal=f"{SYSTEM}{group}", permissions=frozenset({ALL}), cause=cause)
