"""Classes, detectors and explanations over HTTP; no value that is sent comes back."""

from typing import Any

import pytest

from actors.classification.contract import ClassifyAssets
from actors.classification.realtime import default_rules, evidence_of
from cluster.kernels.report import AssetEvidence

MAILS = [f"person{number}@example.org" for number in range(30)]


@pytest.fixture
def viewer(instance: Any) -> Any:
    with instance.client("viewer") as client:
        yield client


def everything(client: Any, path: str, **params: Any) -> list[Any]:
    found, after = [], None
    while True:
        page = client.get(path, params=params | ({"after": after} if after else {})).json()
        found += page["items"]
        after = page["next"]
        if after is None:
            return found


def test_classes_and_detectors_are_listed_whole_and_one_by_one(viewer: Any) -> None:
    classes = everything(viewer, "/api/v1/classes", limit=7)
    ids = [one["id"] for one in classes]
    assert ids == sorted(set(ids))
    mail = viewer.get("/api/v1/classes/contact.email").json()
    assert mail == next(one for one in classes if one["id"] == "contact.email")
    assert "contact.email" in mail["detectors"]
    assert set(mail["meanings"]) == set(mail["tags"])
    detectors = everything(viewer, "/api/v1/detectors", data_class="contact.email")
    assert [one["id"] for one in detectors] == mail["detectors"]
    assert viewer.get(f"/api/v1/detectors/{mail['detectors'][0]}").json() == detectors[0]
    assert viewer.get("/api/v1/classes/no.such").status_code == 404
    restricted = everything(viewer, "/api/v1/classes", sensitivity="Restricted")
    assert restricted == [one for one in classes if one["sensitivity"] == "Restricted"]


def test_a_detector_is_tried_and_no_value_comes_back(viewer: Any) -> None:
    values = [*MAILS, None, "none", 7, f"write to {MAILS[0]} now"]
    answer = viewer.post("/api/v1/detectors/contact.email/trials", json={"values": values, "name": "mail"})
    told = answer.json()
    assert [hit["index"] for hit in told["hits"]] == [*range(30), 33]
    assert [hit["whole"] for hit in told["hits"]] == [True] * 30 + [False]
    assert told["evidence"]["validated"] == 31
    assert told["classes"][0]["class"] == "contact.email"
    assert "example.org" not in answer.text
    assert viewer.post("/api/v1/detectors/no.such/trials", json={"values": ["x"]}).status_code == 404


def test_a_column_a_text_and_a_stored_label_are_explained(viewer: Any, instance: Any) -> None:
    body = {"columns": {"mail": MAILS, "qty": [1, 2]}, "column": "mail", "table": "people", "tiers": [1]}
    told = viewer.post("/api/v1/classify/explain", json=body).json()
    assert (told["class"], told["local"]["weights"][0]["part"]) == ("contact.email", "evidence of contact.email")
    assert viewer.post("/api/v1/classify/explain", json=body | {"column": "no"}).status_code == 422
    text = {"text": f"write to {MAILS[0]}", "tiers": [1], "class": "contact.email"}
    words = viewer.post("/api/v1/classify/explain-text", json=text).json()["local"]["weights"]
    assert words[0]["part"] == f"9:{9 + len(MAILS[0])}"
    columns = tuple(evidence_of({"mail": MAILS, "qty": [1, 2]}, default_rules()).values())
    given = AssetEvidence(
        asset="public.explained", method="census", partitions=1, partitions_read=1, rows=30, bytes=1,
        rules_digest="r", columns=columns,
    )  # fmt: skip
    instance.groups.carry_out(ClassifyAssets(source_id="explained", evidence=(given,)))
    (label,) = viewer.get("/api/v1/labels", params={"source_id": "explained"}).json()["items"]
    why = viewer.get(f"/api/v1/labels/{label['id']}/explanation").json()
    assert (why["class"], why["local"]["weights"][0]["part"]) == ("contact.email", "evidence of contact.email")
    # The stored label is of tier 1; the models that this process may have loaded are asked for the explanation too.
    assert why["local"]["probability"] == pytest.approx(label["confidence"], abs=0.05)


def test_decisions_are_exported_with_figures_and_without_hashes(viewer: Any, admin: Any) -> None:
    (label,) = viewer.get("/api/v1/labels", params={"source_id": "explained"}).json()["items"]
    order = {"asset_id": label["asset_id"], "column": "mail", "data_class": "contact.email", "decision": "confirm"}
    assert admin.post("/api/v1/labels/decisions", json=order).status_code == 200
    mine = [one for one in everything(viewer, "/api/v1/decisions/export") if one["asset"] == "public.explained"]
    assert [(one["column"], one["approved"], one["neighbours"]) for one in mine] == [("mail", True, ["qty"])]
    found = mine[0]["evidence"]["classes"]
    assert found[0]["validated"] == 30
    assert all(not one["examples"] for one in found)
