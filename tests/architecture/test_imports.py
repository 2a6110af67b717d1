"""The direction of the house: serve -> actors -> cluster, and a group sees no more of another than its contract."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = {"cluster": 0, "actors": 1, "serve": 2}
GROUPS = {"sources", "rulesets", "scans", "classification", "catalog", "compliance", "orchestrator"}
RAY_ROOMS = ("cluster/runtime/", "serve/jobs/", "serve/models/", "serve/application.py")


def modules() -> list[Path]:
    return sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that the file imports, wherever in it, as dotted names (`from a import b` gives a and a.b)."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: import by the full name"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def broken(path: Path) -> list[str]:
    here = path.relative_to(ROOT).as_posix()
    floor, *rest = here.split("/")
    group = rest[0] if floor == "actors" and rest[0] in GROUPS else None
    wrong = []
    for name in imported(path):
        parts = name.split(".")
        if parts[0] in FLOORS and FLOORS[parts[0]] > FLOORS[floor]:
            wrong.append(f"{here} looks up to {name}")
        foreign = parts[0] == "actors" and len(parts) > 2 and parts[1] in GROUPS and parts[1] != group
        allowed = {"contract", "queries", "worker"} if group == "orchestrator" else {"contract"}
        if group and foreign and parts[2] not in allowed:
            wrong.append(f"{here} reaches into {name}")
        is_actor = here.startswith("actors/") and here.endswith("/actor.py")
        if parts[0] == "ray" and not (is_actor or here.startswith(RAY_ROOMS)):
            wrong.append(f"{here} imports Ray")
    return wrong


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_downward(path: Path) -> None:
    assert broken(path) == []


def test_the_rule_notices_what_it_forbids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_imports.ROOT", tmp_path)
    cases = {
        "cluster/a.py": "import actors.scans.contract",
        "actors/scans/b.py": "from actors.sources import tables",
        "actors/scans/c.py": "import ray",
    }
    for name, text in cases.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        assert broken(path), name


def test_the_command_line_answers_before_it_imports_what_is_heavy() -> None:
    heavy = ("sqlalchemy", "ray", "polars", "pyarrow", "fastapi", "numba")
    told = f"import sys, serve.cli.main; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
