"""Roles: named sets of permissions, from `configs/roles.yaml`."""

from collections.abc import Iterable
from functools import cache

from pydantic import BaseModel, ConfigDict

from cluster.packs import load_pack


class Role(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    permissions: frozenset[str]


class RolePack(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: dict[str, Role]


@cache
def roles() -> dict[str, Role]:
    """All roles by name."""
    return load_pack("roles.yaml", RolePack).value.roles


def permissions_of(role_names: Iterable[str]) -> frozenset[str]:
    """What the roles grant together; a role that no longer exists grants nothing."""
    known = roles()
    return frozenset(permission for name in role_names if name in known for permission in known[name].permissions)
