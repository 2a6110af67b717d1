"""Each address asks for the permission of its own group: all the others together do not open it."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cluster.context import Caller
from serve.http.api import build_api
from serve.http.doors import GROUPS

READS = {f"{group}:read" for group in GROUPS} | {"events:read", "audit:read", "metrics:read", "access:read"}
# What a list of one group needs of another's is asked for in the same words by its routes.
BY_TAG = {
    "sources": "sources:read", "rule sets": "rulesets:read", "scans": "scans:read", "scan budgets": "scans:read",
    "scan definitions": "scans:read", "classification": "classification:read", "catalog": "catalog:read",
    "compliance": "compliance:read", "workflows": "orchestrator:read", "events": "events:read", "audit": "audit:read",
    "tokens": "access:read",
}  # fmt: skip
# Addresses for everybody, with a token or without; and those that any token opens.
OPEN = re.compile(r"/api/v1/(health/.*|problems/.*|openapi\.json|status|me)$")


def addresses(document: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, permission) of every address that is read."""
    found = []
    for path, item in document["paths"].items():
        if "get" in item and not OPEN.match(path):
            (tag,) = item["get"]["tags"]
            found.append((re.sub(r"\{\w+\}", "x1", path), "metrics:read" if tag == "instance" else BY_TAG[tag]))
    return found


@pytest.fixture
def door(store: Any, served: Any) -> Iterator[tuple[str, Any, list[tuple[str, str]]]]:
    async def send(command: Any, caller: Caller) -> Any:
        raise AssertionError("nothing is to be carried out here")

    app = build_api(send, store)
    with served(app) as url:
        yield url, app.state.doors.known_tokens, addresses(httpx.get(f"{url}/api/v1/openapi.json", timeout=60).json())


def test_every_address_asks_for_the_permission_of_its_group(door: Any) -> None:
    url, known, found = door
    assert len(found) > 20
    for path, permission in found:
        known.put("others", Caller(principal="others", permissions=frozenset(READS - {permission})))
        answer = httpx.get(url + path, headers={"Authorization": "Bearer others"})
        assert answer.status_code == 403, (path, permission, answer.text)
        assert answer.json()["code"] == "forbidden"
        assert permission in answer.json()["detail"], path


def test_the_permission_of_its_group_opens_it(door: Any) -> None:
    url, known, found = door

    async def statuses() -> list[tuple[str, int]]:
        seen = []
        for path, permission in found:
            if path.endswith("/stream"):
                continue
            grants = {permission} | ({f"{group}:read" for group in GROUPS} if permission == "events:read" else set())
            known.put("own", Caller(principal="own", permissions=frozenset(grants)))
            async with httpx.AsyncClient(headers={"Authorization": "Bearer own"}) as client:
                seen.append((path, (await client.get(url + path)).status_code))
        return seen

    assert [path for path, status in asyncio.run(statuses()) if status in {401, 403}] == []
