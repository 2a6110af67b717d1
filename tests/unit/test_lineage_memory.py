"""The actors of the catalog and the classification stay small: heavy libraries are not theirs to load."""

import subprocess
import sys

import pytest

HEAVY = {"polars", "pyarrow", "sqlglot", "numpy", "phonenumbers"}


@pytest.mark.parametrize("group", ["catalog", "classification"])
def test_an_actor_does_not_load_what_it_may_never_need(group: str) -> None:
    code = f"import sys, actors.{group}.service; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
