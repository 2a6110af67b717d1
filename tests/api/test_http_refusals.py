"""What cannot be trusted is refused or left out, and said, over HTTP: models that are none, patterns without end."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.classification.contract import RegisterShipped
from cluster.ml.packaged import shipped, write_manifest
from cluster.settings import settings
from serve.http import loaded_models

NOTES = [f"Spoke to Margaret Osgood about claim {n}, write to m{n}@example.org by friday" for n in range(30)]
TEXT = "please tell Margaret Osgood in Leeds, margaret@example.org"
DETECTOR = {
    "id": "own.badge", "data_class": "company.badge", "title": "Badge of an employee", "gate": "EMP",
    "form": "distinctive", "examples": {"match": ["EMP-12345"], "reject": ["12345"]},
}  # fmt: skip
CLASS = {"id": "company.badge", "title": "Badge of an employee", "sensitivity": "Confidential", "tags": ["personal"]}


@pytest.fixture
def harmed(instance: Any, admin: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A version of the entity model that answers, and whose files are then harmed; the shipped one comes back."""
    monkeypatch.setattr(loaded_models, "SECONDS", 0.0)
    instance.groups.carry_out(RegisterShipped(kind="entities"))
    folder = settings().home / "models" / f"harmed-{request.param}"
    shutil.copytree(shipped("entities"), folder)
    (folder / "note").write_text(request.param)
    write_manifest(folder, "harmed", "2", "Apache-2.0", "here")
    order = {"kind": "entities", "folder": folder.name}
    place = admin.post("/api/v1/models", json=order).headers["Location"]
    assert admin.post(f"{place}/promotion", json={"override": "Wanted for a test."}).status_code == 200
    _harm(folder, request.param)
    loaded_models._loaded.cache_clear()
    admin.timeout = 240
    deadline = time.monotonic() + 60
    while not admin.post("/api/v1/classify/text", json={"text": "hello", "tiers": [3]}).json()["skipped"]:
        assert time.monotonic() < deadline, "the version that answers is not asked"
    yield place
    admin.post(f"{place}/rollback", json={"reason": "The test is over."})


def _harm(folder: Path, how: str) -> None:
    if how == "missing":
        shutil.rmtree(folder)
        return
    with (folder / "model.int8.onnx").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0\1\2\3")


@pytest.mark.parametrize("harmed", ["missing", "corrupt"], indirect=True)
def test_a_model_that_cannot_be_used_takes_no_part_and_is_said(instance: Any, admin: Any, harmed: str) -> None:
    with instance.client("viewer") as viewer:
        viewer.timeout = 240  # models are loaded, and other work may go on beside
        text = viewer.post("/api/v1/classify/text", json={"text": TEXT}).json()
        body = {"columns": {"remarks": NOTES, "n": list(range(30))}, "tiers": [1, 3]}
        told = viewer.post("/api/v1/classify/columns", json=body)
        lines = viewer.post("/api/v1/classify/batch", json={"texts": [TEXT]}).json()
    for answer in (text, lines, told.json()):
        reasons = {one["tier"]: one["reason"] for one in answer["skipped"]}
        assert "cannot be used" in reasons["language"]
    assert [span["class"] for span in text["spans"]] == ["contact.email"]
    assert {one["tier"] for one in told.json()["columns"]["remarks"]} == {"rules"}
    assert "contact.email" in {one["class"] for one in told.json()["columns"]["remarks"]}


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        ("(?:EMP-)?(?:[0-9]+)+", "Repeat once"), ("(E(M|MM)*)*P-[0-9]{5}", "Repeat once"),
        ("(EMP-[0-9]+)\\1+", "RE2"), ("(?=EMP)(EMP-[0-9]{5})", "RE2"),
    ],
)  # fmt: skip
def test_a_pattern_without_end_is_refused_with_what_to_do(admin: Any, pattern: str, remedy: str) -> None:
    before = admin.get("/api/v1/rule-sets/default").json()["version"]
    body = {"spec": {"detectors": [DETECTOR | {"pattern": pattern}], "classes": [CLASS]}}
    refused = admin.post("/api/v1/rule-sets/default/versions", json=body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    problem = refused.json()
    assert problem["code"] == "invalid-input"
    assert "detectors.0 (own.badge) pattern: " in problem["detail"]
    assert remedy in problem["remedy"]
    assert admin.get("/api/v1/rule-sets/default").json()["version"] == before
