"""Governed models over HTTP: who may do what, and that a refusal says why."""

import shutil
from typing import Any

import pytest

from actors.classification.contract import ClassifyAssets, RecordEvaluation, RecordObservations, RegisterShipped
from actors.classification.realtime import default_rules, evidence_of
from cluster.kernels.report import AssetEvidence
from cluster.ml.assessment import assess
from cluster.ml.packaged import shipped
from cluster.settings import settings


@pytest.fixture(scope="module")
def model(instance: Any) -> str:
    instance.groups.carry_out(RegisterShipped(kind="entities"))
    found: str = instance.groups.carry_out(RegisterShipped(kind="embedding")).id
    return found


def test_the_shipped_models_are_listed_with_their_lineage(instance: Any, model: str) -> None:
    with instance.client("viewer") as client:
        found = client.get("/api/v1/models", params={"state": "active"}).json()["items"]
        one = client.get(f"/api/v1/models/{model}").json()
    assert {each["kind"] for each in found} == {"embedding", "entities"}
    assert one["lineage"]["base"]
    assert one["card"].startswith("# Sentence encoder")


def test_an_evaluation_is_asked_for_done_and_shown(instance: Any, model: str, admin: Any) -> None:
    asked = admin.post(f"/api/v1/models/{model}/evaluations")
    assert (asked.status_code, asked.json()["state"]) == (202, "pending")
    assert admin.get(f"/api/v1/models/{model}/fairness").status_code == 404, "nothing is measured yet"
    told = assess("embedding", str(shipped("embedding")))
    instance.groups.carry_out(RecordEvaluation(evaluation_id=asked.json()["id"], assessment=told))
    (done,) = admin.get(f"/api/v1/models/{model}/evaluations").json()["items"]
    assert done["state"] == "done"
    assert {check["aspect"] for check in done["checks"]} == {"accuracy", "calibration", "fairness", "speed"}
    assert all(check["measured"] is not None for check in done["checks"])
    assert admin.get(f"/api/v1/models/{model}").json()["gate_passed"] is done["passed"]
    assert admin.get(f"/api/v1/models/{model}/figures").json()["reliability"]
    assert set(admin.get(f"/api/v1/models/{model}/fairness").json()["passed"]) == {"locale"}


def test_only_who_may_write_moves_models_and_the_gate_tells_why(instance: Any, admin: Any) -> None:
    home = settings().home / "models"
    shutil.copytree(shipped("entities"), home / "mine", dirs_exist_ok=True)
    (home / "mine" / "extra").write_text("makes it another version")
    from cluster.ml.packaged import write_manifest

    write_manifest(home / "mine", "mine", "2", "Apache-2.0", "here")
    order = {"kind": "entities", "folder": "mine"}
    with instance.client("viewer") as viewer:
        assert viewer.post("/api/v1/models", json=order).status_code == 403
    made = admin.post("/api/v1/models", json=order)
    assert made.status_code == 201
    place = made.headers["Location"]
    refused = admin.post(f"{place}/promotion", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["context"]["reasons"] == ["It was not evaluated."]
    forced = {"override": "Wanted for a trial.", "share": 0.2}
    with instance.client("steward") as steward:
        assert steward.post(f"{place}/canary", json=forced).status_code == 403
    assert admin.post(f"{place}/canary", json=forced).json()["share"] == 0.2
    active = admin.post(f"{place}/rollback", json={"reason": "enough"}).json()
    assert (active["state"], active["place"]) == ("active", "shipped")
    assert admin.post(f"{place}/shadow").json()["state"] == "shadow"
    assert admin.post(f"{place}/retirement").json()["state"] == "retired"
    told: set[tuple[str, str]] = set()
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = admin.get(
            "/api/v1/audit", params={"limit": 200} | ({"after": page["next"]} if page["next"] else {})
        ).json()
        told |= {(entry["action"], entry["outcome"]) for entry in page["items"]}
    assert {("classification.PromoteModel", "conflict"), ("classification.CanaryModel", "forbidden")} <= told


def test_drift_is_read_by_source_and_a_training_is_asked_for_once(instance: Any, admin: Any) -> None:
    columns = tuple(evidence_of({"mail": ["ada@example.org"] * 3, "qty": [1, 2, 3]}, default_rules()).values())
    given = AssetEvidence(
        asset="public.watched", method="census", partitions=1, partitions_read=1, rows=3, bytes=1, rules_digest="r",
        columns=columns,
    )  # fmt: skip
    instance.groups.carry_out(ClassifyAssets(source_id="watched", evidence=(given,)))
    instance.groups.carry_out(RecordObservations(source_id="watched"))
    with instance.client("viewer") as viewer:
        (seen,) = viewer.get("/api/v1/drift", params={"source_id": "watched"}).json()["items"]
        assert seen["scorer"] == "labels"
        assert sum(seen["counts"]["null_share"]) == 2
        assert viewer.get("/api/v1/drift", params={"source_id": "watched", "verdict": "large"}).json()["items"] == []
        order = {"kind": "columns", "reason": "other tables"}
        assert viewer.post("/api/v1/retrainings", json=order).status_code == 403
    asked = admin.post("/api/v1/retrainings", json=order)
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    assert admin.post("/api/v1/retrainings", json=order).json()["id"] == asked.json()["id"]
    assert admin.get("/api/v1/retrainings").json()["items"][0]["id"] == asked.json()["id"]
    assert admin.post(f"/api/v1/retrainings/{asked.json()['id']}/dismissal").status_code == 409
    assert admin.get("/api/v1/models/columns-0123456789abcdef/shadow").status_code == 404


def test_what_a_column_model_goes_by_is_told_and_models_of_texts_have_nothing_of_the_kind(
    instance: Any, model: str
) -> None:
    columns = instance.groups.carry_out(RegisterShipped(kind="columns")).id
    with instance.client("viewer") as viewer:
        told = viewer.get(f"/api/v1/models/{columns}/importance", params={"limit": 5}).json()["features"]
        assert len(told) == 5
        assert list(told.values()) == sorted(told.values(), reverse=True)
        assert 0 < sum(told.values()) <= 1
        assert viewer.get(f"/api/v1/models/{model}/importance").status_code == 404
