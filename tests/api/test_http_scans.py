"""Steering a scan over HTTP: planned before it is begun, paused, hastened, cancelled."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.sources.contract import RecordDiscovery
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration

COLUMN = ColumnInfo(name="email", ordinal=1, type="string", physical_type="string")


@pytest.fixture(scope="module")
def known(instance: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A source with an inventory of one file, as the loop of the sources group would have recorded it."""
    folder: Path = tmp_path_factory.mktemp("scanned")
    with instance.client("admin") as admin:
        source: dict[str, Any] = admin.post("/api/v1/sources", json={"url": folder.as_uri(), "name": "scanned"}).json()
        discovery = admin.post(f"/api/v1/sources/{source['id']}/discoveries").json()
    found = Enumeration(assets=(AssetInfo(path="people.csv", kind="file", columns=(COLUMN,)),), complete=True)
    instance.groups.carry_out(RecordDiscovery(discovery_id=discovery["id"], enumeration=found, facts=None))
    return source


def started(admin: httpx.Client, source: dict[str, Any], **order: Any) -> dict[str, Any]:
    response = admin.post(f"/api/v1/sources/{source['id']}/scans", json=order)
    assert response.status_code == 202, response.text
    found: dict[str, Any] = response.json()
    return found


def told(admin: httpx.Client, scan: dict[str, Any], what: str) -> tuple[int, str]:
    response = admin.post(f"/api/v1/scans/{scan['id']}/{what}")
    return response.status_code, response.json().get("state", "")


def test_a_scan_says_how_much_of_the_data_it_reads(admin: httpx.Client, known: dict[str, Any]) -> None:
    assert started(admin, known)["sampling"]["method"] == "census"
    sample = started(admin, known, level="sample")
    assert (sample["level"], sample["sampling"]["method"]) == ("sample", "fraction")
    chosen = started(admin, known, sampling={"method": "adaptive", "width": 0.1, "seed": 7})
    assert (chosen["level"], chosen["sampling"]) == (
        "sample", {"method": "adaptive", "share": 0.1, "width": 0.1, "seed": 7},
    )  # fmt: skip
    assert admin.post(f"/api/v1/sources/{known['id']}/scans", json={"sampling": {"share": 2}}).status_code == 422


def test_a_scan_is_paused_resumed_hastened_and_cancelled(admin: httpx.Client, known: dict[str, Any]) -> None:
    scan = started(admin, known, priority=2)
    assert scan["priority"] == 2
    assert told(admin, scan, "pause") == (200, "paused")
    assert told(admin, scan, "pause") == (200, "paused")
    assert told(admin, scan, "resume") == (200, "planning")
    hastened = admin.put(f"/api/v1/scans/{scan['id']}/priority", json={"priority": 9})
    assert hastened.json()["priority"] == 9
    assert told(admin, scan, "cancel") == (200, "cancelled")
    for what in ("pause", "resume", "begin"):
        assert told(admin, scan, what)[0] == 409
    assert admin.put(f"/api/v1/scans/{scan['id']}/priority", json={"priority": 1}).status_code == 409


def test_a_plan_waits_to_be_begun(admin: httpx.Client, known: dict[str, Any]) -> None:
    scan = started(admin, known, plan_only=True)
    assert told(admin, scan, "begin") == (200, "planning")
    assert told(admin, scan, "begin") == (200, "planning")
    assert told(admin, scan, "cancel") == (200, "cancelled")


def test_a_definition_is_made_set_off_and_retired(admin: httpx.Client, known: dict[str, Any]) -> None:
    place = "/api/v1/scan-definitions/nightly"
    made = admin.put(place, json={"source_id": known["id"], "sampling": {"method": "tiered"}})
    assert (made.status_code, made.json()["version"]) == (200, 1), made.text
    stale = admin.put(place, json={"source_id": known["id"]}, headers={"If-Match": '"v7"'})
    assert stale.status_code == 412
    at_night = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    trigger = admin.post(f"{place}/triggers", json=at_night)
    assert (trigger.status_code, trigger.json()["next_at"] is None) == (201, False), trigger.text
    wrong = admin.post(f"{place}/triggers", json={**at_night, "expression": "99 * * * *"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    planned = admin.get("/api/v1/scan-calendar").json()["items"]
    assert {one["definition"] for one in planned} == {"nightly"}
    first = admin.post(f"{place}/run", headers={"Idempotency-Key": "run-1"})
    again = admin.post(f"{place}/run", headers={"Idempotency-Key": "run-1"})
    assert (first.status_code, first.json()["id"]) == (202, again.json()["id"])
    assert admin.get(first.headers["Location"]).json()["state"] == "waiting"
    listed = admin.get("/api/v1/scan-occurrences", params={"definition_id": made.json()["id"]}).json()["items"]
    assert [one["id"] for one in listed] == [first.json()["id"]]
    assert admin.delete(f"/api/v1/scan-triggers/{trigger.json()['id']}").status_code == 204
    assert admin.get(f"{place}/triggers").json()["items"] == []
    assert admin.post(f"{place}/retire").json()["retired"] is True
    assert admin.post(f"{place}/run").status_code == 409
    assert admin.get("/api/v1/scan-definitions").json()["items"] == []


def test_a_budget_is_set_read_and_lifted(admin: httpx.Client, known: dict[str, Any]) -> None:
    place = f"/api/v1/sources/{known['id']}/scan-budget"
    assert admin.get(place).json()["content"]["bytes_per_second"] is None
    window = {"days": [5, 6], "start": "22:00:00", "end": "04:00:00", "timezone": "Europe/Berlin"}
    budget = {"bytes_per_second": 1_000_000, "queries_per_second": 5, "concurrency": 1, "windows": [window]}
    told = admin.put(place, json=budget)
    assert told.status_code == 200, told.text
    assert admin.get(place).json()["content"] == told.json()["content"]
    assert [one["source_id"] for one in admin.get("/api/v1/scan-budgets").json()["items"]] == [known["id"]]
    assert admin.put(place, json={"bytes_per_second": 1}).status_code == 422
    assert admin.put(place, json={"windows": [{"timezone": "Nowhere/At_All"}]}).status_code == 422
    assert admin.delete(place).status_code == 204
    assert admin.get("/api/v1/scan-budgets").json()["items"] == []
    assert admin.put("/api/v1/sources/none/scan-budget", json={}).status_code == 404


def test_the_figures_of_a_scan_are_told(admin: httpx.Client, known: dict[str, Any]) -> None:
    one, two = started(admin, known, priority=1), started(admin, known, priority=8)
    queue = [item["scan_id"] for item in admin.get("/api/v1/scan-queue").json()["items"]]
    assert queue.index(two["id"]) < queue.index(one["id"])
    assert admin.get(f"/api/v1/scans/{one['id']}/progress").json()["state"] == "planning"
    forecast = admin.get(f"/api/v1/scans/{one['id']}/forecast").json()
    assert (forecast["partitions"], forecast["assets_unplanned"], forecast["money"]) == (0, 1, None)
    assert admin.get(f"/api/v1/scans/{one['id']}/figures").json()["attempts"] == 0
    compared = admin.get(f"/api/v1/scans/{two['id']}/comparison", params={"before": one["id"]}).json()
    assert (compared["assets"], compared["same_rules"], compared["next"]) == ([], True, None)
    costs = admin.get("/api/v1/scan-costs", params={"source_id": known["id"]}).json()["rows"]
    assert {row["cpu_seconds"] for row in costs} == {0.0}
    upside_down = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert admin.get("/api/v1/scan-costs", params=upside_down).status_code == 422
