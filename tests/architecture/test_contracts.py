"""What crosses a boundary: errors keep their type, every command has a function, a permission and a result."""

import inspect
import pickle
from importlib import import_module

import pytest

from cluster.errors import SextantError, all_errors
from cluster.runtime.commands import Command, ErrorValue, Service

GROUPS = ["sources", "rulesets", "scans", "classification", "catalog", "compliance", "orchestrator"]


@pytest.mark.parametrize("cls", all_errors().values(), ids=lambda cls: cls.__name__)
def test_errors_survive_pickling_and_travel_as_values(cls: type[SextantError]) -> None:
    error = cls("It happened.", "Do this.", {"source_id": "x"})
    for copy in (pickle.loads(pickle.dumps(error)), ErrorValue.of(error).raised()):
        assert type(copy) is cls
        assert (copy.detail, copy.remedy, copy.context) == (error.detail, error.remedy, error.context)


@pytest.mark.parametrize("group", GROUPS)
def test_every_command_is_carried_out_by_its_group(group: str) -> None:
    contract = import_module(f"actors.{group}.contract")
    service: Service = import_module(f"actors.{group}.service").service
    commands = {
        value
        for _, value in inspect.getmembers(contract, inspect.isclass)
        if issubclass(value, Command) and value.__module__.startswith(contract.__name__) and "[" not in value.__name__
    }
    assert set(service.functions) == commands
    for command in commands:
        assert command.group == group
        assert ":" in command.permission
        assert command.result_type() is not None
