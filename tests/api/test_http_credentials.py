"""Credentials and their keys over HTTP, and hosts that a source may not lie on."""

from pathlib import Path

import httpx

from actors.sources.contract import RecordTest
from cluster.connectors.interface import TestStep
from tests.api.conftest import Instance

PASSWORD = "planted-again-pa55"


def made(admin: httpx.Client, folder: Path) -> str:
    answer = admin.post("/api/v1/sources", json={"url": folder.as_uri(), "name": f"credentials {folder.name}"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_source_on_a_refused_address_is_not_registered(admin: httpx.Client) -> None:
    for url in ("postgresql://u:p@169.254.169.254/x", "s3://bucket?endpoint=http://metadata.google.internal/"):
        answer = admin.post("/api/v1/sources", json={"url": url})
        assert (answer.status_code, answer.json()["code"]) == (403, "address-refused"), answer.text


def test_a_credential_is_rotated_by_a_test(instance: Instance, admin: httpx.Client, tmp_path: Path) -> None:
    source = made(admin, tmp_path)
    path = f"/api/v1/sources/{source}"
    assert admin.get(f"{path}/credential").status_code == 404
    asked = admin.post(f"{path}/credential/rotation", json={"credential": {"password": PASSWORD}})
    assert (asked.status_code, asked.json()["rotates"]) == (202, True)
    assert admin.get(f"{path}/credential").status_code == 404
    step = TestStep(name="CheckAccess", status="passed", category="gate", duration_ms=1.0, summary="Signed in.")
    instance.groups.carry_out(RecordTest(test_id=asked.json()["id"], steps=(step,), facts=None))
    told = admin.get(f"{path}/credential").json()
    assert (told["fields"], told["version"]) == (["password"], 1)
    assert admin.get(path).json()["has_credential"] is True
    listed = admin.get(f"{path}/tests").json()["items"]
    assert [test["id"] for test in listed] == [asked.json()["id"]]
    assert admin.get(f"{path}/discoveries").json() == {"items": [], "next": None}
    for text in (asked.text, str(told), str(listed), admin.get("/api/v1/events?limit=200").text):
        assert PASSWORD not in text


def test_keys_are_listed_and_rotated(admin: httpx.Client, tmp_path: Path) -> None:
    source = made(admin, tmp_path)
    admin.put(f"/api/v1/sources/{source}/credential", json={"credential": {"password": PASSWORD}})
    before = admin.get("/api/v1/master-keys").json()
    rotated = admin.post("/api/v1/master-keys/rotation", json={"new_master_key": True})
    assert rotated.status_code == 200, rotated.text
    assert rotated.json()["keys"][1]["id"] == before["keys"][0]["id"]
    assert rotated.json()["changed"] == before["keys"][0]["credentials"]
    current = rotated.json()["keys"][0]["id"]
    assert admin.delete(f"/api/v1/master-keys/{current}").status_code == 409
    assert admin.delete(f"/api/v1/master-keys/{before['keys'][0]['id']}").status_code == 200
