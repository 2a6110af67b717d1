"""What is wrong with a request is said as a problem document that repeats nothing of what was sent."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cluster.errors import all_errors
from serve.http.api import build_api

PLANTED = "planted-7c1e55"
JSON = {"Content-Type": "application/json"}


def checked(answer: httpx.Response, status: int) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["code"] in all_errors()
    assert problem["type"] == f"/api/v1/problems/{problem['code']}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["instance"].endswith(problem["request_id"])
    assert PLANTED not in answer.text
    return problem


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b"[]", 422), (b"null", 422),
        (b'{"url": 7}', 422), (b'{"url": ""}', 422), (b'{"url": "file:///tmp", "%s x": 1}' % PLANTED.encode(), 422),
        (b'{"url": "file:///tmp", "name": "%s"}' % (PLANTED.encode() * 20), 422),
        (b'{"url": "file:///tmp/\\u0000%s"}' % PLANTED.encode(), 422),
        (b'{"url": "file:///tmp/\\ud800"}', 422), (b'{"url": "%s"}' % PLANTED.encode(), 422),
        (b'{"url": "gopher://%s/"}' % PLANTED.encode(), 422),
        (b'{"url": "postgresql://u:%s@:x/"}' % PLANTED.encode(), 422),
        (b'{"url": "file:///tmp", "credential": {"password": ["%s"]}}' % PLANTED.encode(), 422),
        (b'{"url": "file:///tmp", "credential": "%s"}' % PLANTED.encode(), 422),
    ],
)  # fmt: skip
def test_bad_bodies(admin: httpx.Client, body: bytes, status: int) -> None:
    checked(admin.post("/api/v1/sources", content=body, headers=JSON), status)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("lineage", {"eventTime": "2026-01-01T00:00:00Z", "job": {"namespace": "n", "name": f"{PLANTED}\0"}}),
        ("lineage", {"eventTime": "2026-01-01T00:00:00Z", "job": {"namespace": "n", "name": "\ud800"}}),
        ("lineage/edges", {"from_asset": "a\0", "to_asset": "b"}), ("frameworks", {"content": "2026-13-45"}),
        ("frameworks", {"content": "[" * 9000}),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_or_read_is_refused_wherever_it_comes(
    admin: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    checked(admin.post(f"/api/v1/{path}", content=json.dumps(body), headers=JSON), 422)


def test_a_body_above_the_bound_is_refused_declared_or_not(admin: httpx.Client) -> None:
    large = b'{"url": "' + b"x" * (1 << 20) + b'"}'
    checked(admin.post("/api/v1/sources", content=large, headers=JSON), 413)

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 32_768

    checked(admin.post("/api/v1/sources", content=pieces(), headers=JSON), 413)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/{PLANTED}", 404), ("GET", "/api/v1", 404), ("GET", "/api/v1/sources/", 404), ("GET", "/docs", 404),
        ("GET", f"/api/v1/problems/{PLANTED.partition('-')[0]}", 404), ("DELETE", "/api/v1/sources", 405),
        ("PUT", "/api/v1/health/live", 405), ("GET", "/api/v1/sources?limit=0", 422),
        ("GET", f"/api/v1/sources?limit={PLANTED}", 422), ("GET", "/api/v1/sources/%00", 422),
        ("GET", "/api/v1/search?q=a%00b", 422), ("GET", f"/api/v1/sources/a%20{PLANTED}", 422),
        ("GET", "/api/v1/events?after=-1", 422), ("GET", "/api/v1/events?after=99999999999999999999", 422),
        ("GET", f"/api/v1/events?kinds={PLANTED}", 422), ("GET", f"/api/v1/labels?state={PLANTED}", 422),
        ("GET", f"/api/v1/sources?{PLANTED}=1", 422),
        ("GET", "/api/v1/scan-costs?until=0001-01-01T00:00:00Z", 422), ("GET", "/api/v1/sources/nope/posture", 404),
        ("GET", "/api/v1/sources/nope/verdicts", 404), ("GET", "/api/v1/sources/nope/facts", 404),
        ("GET", "/api/v1/sources/nope/risk", 404), ("GET", "/api/v1/sources/nope/risk-trend", 404),
        ("GET", "/api/v1/sources/nope/recommendations", 404), ("GET", "/api/v1/search", 422),
        ("GET", "/api/v1/assets/x/lineage?depth=99", 422),
    ],
)  # fmt: skip
def test_bad_addresses(admin: httpx.Client, method: str, path: str, status: int) -> None:
    checked(admin.request(method, path), status)


@pytest.mark.parametrize(
    "path",
    [
        "sources/nope", "sources/nope/tests/nope", "sources/nope/discoveries/nope", "sources/nope/inventory",
        "rule-sets/nope", "rule-sets/nope/versions", "scans/nope", "scans/nope/partitions", "scans/nope/evidence",
        "labels/nope", "assets/nope", "assets/nope/evidence?column=c", "assets/nope/schema-versions",
        "sources/nope/classes", "sources/nope/insights", "sources/nope/risk/nope", "assets/nope/decisions",
        "assets/nope/lineage", "frameworks/nope", "findings/nope", "workflows/nope",
    ],
)  # fmt: skip
def test_unknown_ids(admin: httpx.Client, path: str) -> None:
    assert checked(admin.get(f"/api/v1/{path}"), 404)["remedy"]


@pytest.mark.parametrize(
    "path",
    ["sources", "scans", "workflows", "labels", "assets", "findings", "rule-sets", "tokens", "search?q=orders"],
)  # fmt: skip
@pytest.mark.parametrize("cursor", ["nope", "999999999999999999999999", "a:b:c", "'", "%F0%9F%98%80"])
def test_a_cursor_that_nobody_gave_out_never_breaks_a_list(admin: httpx.Client, path: str, cursor: str) -> None:
    answer = admin.get(f"/api/v1/{path}{'&' if '?' in path else '?'}after={cursor}")
    if answer.status_code != 200:
        assert answer.status_code in {404, 422}, answer.text
        checked(answer, answer.status_code)


def test_405_names_the_methods_that_are_taken(admin: httpx.Client) -> None:
    assert "GET" in admin.delete("/api/v1/sources").headers["allow"]


def test_validation_says_where_and_what_is_expected(admin: httpx.Client) -> None:
    problem = checked(admin.post("/api/v1/workflows", json={"ruleset": 3}), 422)
    assert {mistake["where"] for mistake in problem["errors"]} == {"body.source_id", "body.ruleset"}


@pytest.mark.parametrize(("given", "kept"), [("abc-1", True), ("a b", False), ("x" * 200, False), ("<script>", False)])
def test_a_request_id_is_taken_in_if_it_is_harmless(admin: httpx.Client, given: str, kept: bool) -> None:
    answer = admin.get("/api/v1/health/live", headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_defect_tells_nothing_of_the_inside(instance, store, served) -> None:
    async def broken(command: Any, caller: Any) -> Any:
        raise RuntimeError(PLANTED)

    with served(build_api(broken, store)) as url, instance.client("admin") as client:
        client.base_url = url
        problem = checked(client.post("/api/v1/workflows", json={"source_id": "x"}), 500)
        assert problem["code"] == "internal"
        assert "RuntimeError" not in str(problem)


def test_the_type_of_a_problem_leads_to_its_explanation(admin: httpx.Client) -> None:
    for code, error in all_errors().items():
        found = admin.get(f"/api/v1/problems/{code}").json()
        assert (found["status"], found["retryable"]) == (error.status, error.retryable)


def test_not_ready_while_a_group_does_not_answer(instance, store, served) -> None:
    async def probe() -> dict[str, dict[str, Any] | None]:
        return {"scans": None, "sources": {"epoch": 0}, "catalog": {"epoch": 2}}

    with served(build_api(instance.groups.send, store, probe=probe)) as url, httpx.Client(base_url=url) as client:
        problem = checked(client.get("/api/v1/health/ready"), 503)
        assert "scans, sources" in problem["detail"]
        assert client.get("/api/v1/health/live").status_code == 200
