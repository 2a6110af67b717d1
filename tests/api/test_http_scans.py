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
