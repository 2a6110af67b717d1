"""Commands over HTTP: once only, on the version that was read, and without a secret in any answer."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cluster.store.tables import AuditEntry, Token
from serve.transport import Transport

PASSWORD = "planted-pa55-word"


@pytest.fixture
def source(admin: httpx.Client, tmp_path: Path) -> dict[str, Any]:
    """A registered source of its own for one test."""
    answer = admin.post(
        "/api/v1/sources", json={"url": tmp_path.as_uri(), "name": f"files {tmp_path.name} {id(tmp_path)}"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/sources/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


def test_a_repeated_command_has_one_effect_and_the_same_answer(admin: httpx.Client, tmp_path: Path) -> None:
    body = {"url": tmp_path.as_uri(), "name": "once"}
    first, second = (
        admin.post("/api/v1/sources", json=body, headers={"Idempotency-Key": "register-once"}) for _ in range(2)
    )
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    without = admin.post("/api/v1/sources", json=body)
    assert without.status_code == 409
    assert without.json()["context"]["source_id"] == first.json()["id"]


def test_a_key_that_was_used_for_something_else_is_refused(admin: httpx.Client, tmp_path: Path) -> None:
    headers = {"Idempotency-Key": "used-twice"}
    assert admin.post("/api/v1/sources", json={"url": tmp_path.as_uri()}, headers=headers).status_code == 201
    other = admin.post("/api/v1/sources", json={"url": tmp_path.as_uri(), "name": "b"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ü"])
def test_a_key_must_be_plain(admin: httpx.Client, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    assert admin.post("/api/v1/workflows", json={"source_id": "x"}, headers=headers).status_code == 422


def test_a_change_needs_the_current_etag(admin: httpx.Client, source: dict[str, Any]) -> None:
    path = f"/api/v1/sources/{source['id']}"
    first = admin.get(path)
    tag = first.headers["etag"]
    assert admin.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert admin.patch(path, json={"options": {"region": "eu-west-1"}}).status_code == 422
    assert admin.patch(path, json={"options": {"region": "eu-west-1"}}, headers={"If-Match": "W/x"}).status_code == 422
    changed = admin.patch(path, json={"options": {"region": "eu-west-1"}}, headers={"If-Match": tag})
    assert changed.json()["options"] == {"region": "eu-west-1"}
    assert changed.headers["etag"] not in {tag, ""}
    late = admin.patch(path, json={"options": {}}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    assert admin.get(path).json()["options"] == {"region": "eu-west-1"}


def test_a_password_is_in_no_answer_event_or_audit_entry(admin: httpx.Client) -> None:
    made = admin.post("/api/v1/sources", json={"url": f"postgresql://ana:{PASSWORD}@db.invalid/shop"})
    assert made.status_code == 201
    identifier = made.json()["id"]
    again = admin.put(
        f"/api/v1/sources/{identifier}/credential", json={"credential": {"username": "ana", "password": PASSWORD}}
    )
    assert again.json()["has_credential"] is True
    for path in (f"sources/{identifier}", "sources?limit=200", "events?limit=200", "audit?limit=200"):
        assert PASSWORD not in admin.get(f"/api/v1/{path}").text
    assert PASSWORD not in made.text + again.text


def test_long_work_is_accepted_with_an_address_to_follow(admin: httpx.Client, source: dict[str, Any]) -> None:
    for what in ("tests", "discoveries"):
        answer = admin.post(f"/api/v1/sources/{source['id']}/{what}")
        assert answer.status_code == 202
        assert admin.get(answer.headers["location"]).json()["state"] == "queued"
    started = admin.post("/api/v1/workflows", json={"source_id": source["id"]})
    assert started.status_code == 202
    workflow = admin.get(started.headers["location"]).json()
    assert (workflow["state"], len(workflow["phases"])) == ("running", 8)
    assert admin.post("/api/v1/workflows", json={"source_id": source["id"]}).json()["id"] == workflow["id"]
    listed = admin.get("/api/v1/workflows", params={"source_id": source["id"]}).json()["items"]
    assert [found["id"] for found in listed] == [workflow["id"]]
    assert admin.post(f"/api/v1/workflows/{workflow['id']}/cancel").json()["state"] == "cancelled"
    assert admin.post(f"/api/v1/workflows/{workflow['id']}/resume").json()["state"] == "running"


def test_a_retired_source_stays_readable(admin: httpx.Client, source: dict[str, Any]) -> None:
    assert admin.post(f"/api/v1/sources/{source['id']}/retire").json()["state"] == "retired"
    assert admin.get(f"/api/v1/sources/{source['id']}").json()["state"] == "retired"
    assert admin.post(f"/api/v1/sources/{source['id']}/discoveries").status_code == 409
    assert admin.post(f"/api/v1/sources/{source['id']}/scans", json={}).status_code == 409


def test_the_secret_of_a_token_is_shown_again_to_the_same_operation_only(admin: httpx.Client, store: Any) -> None:
    body, headers = {"principal": "robot", "roles": ["viewer"], "days": 7}, {"Idempotency-Key": "robot-token"}
    first, second = (admin.post("/api/v1/tokens", json=body, headers=headers).json() for _ in range(2))
    assert first == second
    assert admin.post("/api/v1/tokens", json=body).json()["secret"] != first["secret"]
    with Session(store) as session:
        assert session.scalar(select(func.count()).where(Token.principal == "robot")) == 2
        everything = "".join(str(row) for row in session.execute(select(*Token.__table__.columns)))
    assert first["secret"] not in everything + admin.get("/api/v1/tokens").text + admin.get("/api/v1/events").text
    assert admin.post("/api/v1/tokens", json=body | {"roles": ["nobody"]}).status_code == 422
    assert admin.delete("/api/v1/tokens/nope").status_code == 404


class LosesReplies(httpx.HTTPTransport):
    """A real connection whose first reply to each request is lost after the server has done the work.

    With `instead` a proxy on the way answers in its own words, as that of Serve does when a replica dies.
    """

    def __init__(self, instead: int | None = None) -> None:
        super().__init__()
        self.instead, self.lost = instead, set[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        key = request.headers.get("Idempotency-Key", "")
        if key and key not in self.lost:
            self.lost.add(key)
            response.read()
            if self.instead is not None:
                return httpx.Response(self.instead, text="Internal Server Error", request=request)
            raise httpx.ReadError("the connection was reset", request=request)
        return response


@pytest.mark.parametrize("instead", [None, 500, 503])
def test_the_client_asks_again_for_a_lost_reply_and_the_effect_is_once(
    instance: Any, store: Any, instead: int | None
) -> None:
    transport, name = LosesReplies(instead), f"unlucky{instead or ''}"
    http = Transport(instance.url, instance.tokens["admin"], patience=10, transport=transport)
    made = http.call("POST", "/tokens", body={"principal": name, "roles": ["viewer"]}).json()
    http.close()
    assert len(transport.lost) == 1
    with Session(store) as session:
        assert session.scalars(select(Token.id).where(Token.principal == name)).all() == [made["id"]]
        outcomes = session.scalars(select(AuditEntry.outcome).where(AuditEntry.action.like("%CreateToken"))).all()
    assert "repeated" in outcomes
