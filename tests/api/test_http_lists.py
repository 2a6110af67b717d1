"""Lists over HTTP: every item once, in bounded pages."""

from pathlib import Path
from typing import Any

import httpx


def all_pages(client: httpx.Client, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = None
    while True:
        parameters = {"limit": limit} | ({"after": after} if after else {})
        found = client.get(path, params=parameters).json()
        assert len(found["items"]) <= limit
        items += found["items"]
        after = found["next"]
        if after is None:
            return items


def test_pages_hold_every_source_once(admin: httpx.Client, tmp_path: Path) -> None:
    made = {
        admin.post("/api/v1/sources", json={"url": (tmp_path / str(n)).as_uri(), "name": f"paged {n}"}).json()["id"]
        for n in range(7)
    }
    for limit in (1, 3, 200):
        ids = [source["id"] for source in all_pages(admin, "/api/v1/sources", limit)]
        assert len(ids) == len(set(ids))
        assert made <= set(ids)


def test_pages_hold_every_token_and_audit_entry_once(admin: httpx.Client) -> None:
    for number in range(5):
        admin.post("/api/v1/tokens", json={"principal": f"paged-{number}", "roles": ["viewer"]})
    tokens = [token["id"] for token in all_pages(admin, "/api/v1/tokens", 2)]
    assert len(tokens) == len(set(tokens)) >= 5
    numbers = [entry["seq"] for entry in all_pages(admin, "/api/v1/audit", 3)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_frameworks_are_listed_and_found_by_key(admin: httpx.Client) -> None:
    keys = [framework["key"] for framework in admin.get("/api/v1/frameworks").json()["items"]]
    assert keys
    for key in keys:
        assert len(admin.get(f"/api/v1/frameworks/{key}").json()["controls"]) >= 5


def test_status_and_metrics_tell_of_the_instance(admin: httpx.Client) -> None:
    status = admin.get("/api/v1/status").json()
    assert status["database"].startswith("PostgreSQL 1")
    assert all(group["reachable"] for group in status["groups"])
    admin.get("/api/v1/sources/nope")
    answer = admin.get("/api/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'route="/sources/{source_id}",status="404"' in answer.text
    assert "sextant_process_resident_memory_bytes" in answer.text
    assert 'sextant_entities{entity="events"}' in answer.text
