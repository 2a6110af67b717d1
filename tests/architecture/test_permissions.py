"""Who may read may not change: no permission to read lets anybody carry out a command."""

import inspect
from importlib import import_module

import pytest

from cluster.runtime.commands import Command
from cluster.security.roles import roles

GROUPS = ["sources", "rulesets", "scans", "classification", "catalog", "compliance", "orchestrator"]


def commands(group: str) -> list[type[Command]]:
    contract = import_module(f"actors.{group}.contract")
    found = (value for _, value in inspect.getmembers(contract, inspect.isclass) if issubclass(value, Command))
    return [value for value in found if value.__module__.startswith(contract.__name__) and "[" not in value.__name__]


@pytest.mark.parametrize("group", GROUPS)
def test_a_command_asks_for_a_permission_of_its_own_group_to_do_something(group: str) -> None:
    for command in commands(group):
        granted, _, verb = command.permission.partition(":")
        assert granted == group or (group, granted) == ("orchestrator", "access"), command.__name__
        assert verb in {"write", "preview", "tell", "decide", "evaluate", "internal"}, command.__name__


def test_roles_that_only_read_grant_nothing_else() -> None:
    for name in ("auditor", "viewer", "monitor"):
        assert {permission.partition(":")[2] for permission in roles()[name].permissions} == {"read"}, name
