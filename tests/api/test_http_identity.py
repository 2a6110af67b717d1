"""Who may come in: no token, bad tokens, tokens of the wrong role."""

import asyncio

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cluster.context import Caller
from cluster.security.audit import AuditDraft
from cluster.security.tokens import issue_token
from cluster.store.tables import AuditEntry, Token
from serve.http import refusals
from serve.http.identity import ENTRIES, KnownTokens
from serve.http.refusals import Refusals

OPEN = ("/api/v1/health/live", "/api/v1/health/ready", "/api/v1/problems/not-found", "/api/v1/openapi.json")


def every_get(admin: httpx.Client) -> list[str]:
    paths = admin.get("/api/v1/openapi.json").json()["paths"]
    return [path.replace("{", "").replace("}", "") for path, item in paths.items() if "get" in item]


def test_nothing_but_health_is_told_without_a_token(instance, admin: httpx.Client) -> None:
    with instance.client(None) as stranger:
        for path in OPEN:
            assert stranger.get(path).status_code == 200, path
        for path in every_get(admin):
            if not path.startswith((*OPEN, "/api/v1/problems/")):
                assert stranger.get(path).status_code == 401, path


def test_commands_need_a_token_too(instance, admin: httpx.Client) -> None:
    paths = admin.get("/api/v1/openapi.json").json()["paths"]
    with instance.client(None) as stranger:
        for path, item in paths.items():
            for method in item.keys() - {"get"}:
                answer = stranger.request(method, path.replace("{", "").replace("}", ""), json={})
                assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer sxt_" + "A" * 43,
        "Basic YTpi",
        "Bearer " + "a" * 5000,
        "Bearer \xff\xfe",
        "x",
    ],
)
def test_every_bad_token_is_refused_with_the_same_words(instance, header: str) -> None:
    with instance.client(None) as stranger:
        answer = stranger.get("/api/v1/sources", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "A valid API token is required."


def test_a_revoked_token_is_refused_at_once(admin: httpx.Client, instance) -> None:
    issued = admin.post("/api/v1/tokens", json={"principal": "leaver", "roles": ["auditor"]}).json()
    with httpx.Client(base_url=instance.url, headers={"Authorization": f"Bearer {issued['secret']}"}) as leaver:
        assert leaver.get("/api/v1/sources").status_code == 200
        assert admin.delete(f"/api/v1/tokens/{issued['id']}").json()["revoked_at"]
        assert leaver.get("/api/v1/sources").status_code == 401


def test_an_expired_token_is_refused(store, instance) -> None:
    with Session(store) as session, session.begin():
        secret = issue_token(session, "guest", ["auditor"], 1).secret
        token = session.scalars(select(Token).where(Token.principal == "guest")).one()
        token.expires_at = token.created_at
    with httpx.Client(base_url=instance.url, headers={"Authorization": f"Bearer {secret}"}) as guest:
        assert guest.get("/api/v1/sources").status_code == 401


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("viewer", "/api/v1/sources"), ("viewer", "/api/v1/findings"), ("viewer", "/api/v1/events"),
        ("viewer", "/api/v1/events/stream"), ("engineer", "/api/v1/findings"), ("engineer", "/api/v1/audit"),
        ("steward", "/api/v1/tokens"), ("auditor", "/api/v1/tokens"), ("auditor", "/api/v1/metrics"),
    ],
)  # fmt: skip
def test_a_read_outside_of_the_role_is_forbidden_and_audited(instance, store, role: str, path: str) -> None:
    with instance.client(role) as client:
        answer = client.get(path)
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"
    entry = audited(store, answer)
    assert (entry.principal, entry.outcome) == (f"{role}.person", "forbidden")
    assert entry.action.startswith("http.")


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("auditor", "POST", "/api/v1/sources", {"url": "file:///tmp"}),
        ("auditor", "POST", "/api/v1/workflows", {"source_id": "x"}),
        ("viewer", "POST", "/api/v1/sources/x/scans", {}),
        ("engineer", "POST", "/api/v1/tokens", {"principal": "me", "roles": ["admin"]}),
        ("engineer", "POST", "/api/v1/labels/decisions",
         {"asset_id": "x", "column": "c", "data_class": "d", "decision": "confirm"}),
    ],
)  # fmt: skip
def test_a_command_outside_of_the_role_is_forbidden_and_audited_once(
    instance, store, role: str, method: str, path: str, body: object
) -> None:
    with instance.client(role) as client:
        answer = client.request(method, path, json=body)
    assert answer.status_code == 403
    assert audited(store, answer).outcome == "forbidden"


def test_what_a_route_refuses_is_audited_with_its_operation_and_what_it_was_about(instance, store) -> None:
    body = {"path": "public.people", "rows": 1}
    with instance.client("viewer") as client:
        entry = audited(store, client.post("/api/v1/sources/shop/preview", json=body))
        odd = audited(store, client.get("/api/v1/sources/shop%0A/health"))
    assert (entry.action, entry.entity) == ("http.preview_asset", "source_id:shop")
    assert odd.entity == "source_id:?", "a line end is of no identifier"


def test_who_asks_again_and_again_is_few_entries_and_is_counted(instance, admin, store, monkeypatch) -> None:
    monkeypatch.setattr(refusals, "MOST_THINGS", 2)
    issued = admin.post("/api/v1/tokens", json={"principal": "insistent", "roles": ["viewer"]}).json()
    with httpx.Client(base_url=instance.url, headers={"Authorization": f"Bearer {issued['secret']}"}) as client:
        for name in ("till", "shop", "safe", "vault", *["shop"] * 10):
            last = client.get(f"/api/v1/sources/{name}/health")
            assert last.status_code == 403

    def told() -> list[str]:
        with Session(store) as session:
            wanted = AuditEntry.principal == "insistent"
            found = session.scalars(select(AuditEntry).where(wanted).order_by(AuditEntry.seq)).all()
        assert {entry.action for entry in found} == {"http.get_source_health"}
        assert not closed or found[-1].request_id == last.headers["x-request-id"]
        return [entry.entity for entry in found]

    closed = False
    killed = ["source_id:till", "source_id:shop", "others", "others times:1"]
    killed += [f"source_id:shop times:{number}" for number in (1, 2, 4)]
    assert told() == killed, "what a process that is killed now would leave"
    closing = instance.app.state.refusals.close()
    asyncio.run_coroutine_threadsafe(closing, instance.groups.loop).result(30)
    closed = True
    assert told() == [*killed, "source_id:shop times:3"]


def test_what_cannot_be_written_is_counted_on_and_written_when_it_can(monkeypatch) -> None:
    written: list[str] = []
    refused = iter([True, False, True, False, False])

    async def write(draft: AuditDraft) -> bool:
        if next(refused):
            return False
        written.append(draft.entity)
        return True

    async def ask() -> None:
        noting = Refusals(None)  # type: ignore[arg-type]  # nothing is written by it
        monkeypatch.setattr(noting, "_written", write)
        draft = AuditDraft(principal="p", action="a", entity="e", outcome="forbidden", request_id="r")
        for _ in range(3):
            await noting.note(draft)
        assert written == []
        await noting.close()

    asyncio.run(ask())
    assert written == ["e times:3"]


def audited(store, answer: httpx.Response) -> AuditEntry:
    """The one entry of a request."""
    with Session(store) as session:
        wanted = AuditEntry.request_id == answer.headers["x-request-id"]
        return session.scalars(select(AuditEntry).where(wanted)).one()


def test_a_forbidden_command_is_in_the_audit_chain_with_its_request(instance, admin: httpx.Client, store) -> None:
    with instance.client("auditor", headers={"x-request-id": "try-1"}) as client:
        client.post("/api/v1/sources", json={"url": "file:///tmp"})
    with Session(store) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.request_id == "try-1")).one()
    assert (entry.principal, entry.action, entry.outcome) == ("auditor.person", "sources.RegisterSource", "forbidden")
    assert admin.get("/api/v1/audit/verification").json()["broken_at"] is None


def test_known_tokens_expire_are_bounded_and_hold_no_secret() -> None:
    now = [0.0]
    known = KnownTokens(3.0, lambda: now[0])
    for number in range(ENTRIES + 5):
        known.put(f"secret-{number}", Caller(principal=f"p{number}"))
    assert known.get("secret-0") is None
    latest = f"secret-{ENTRIES + 4}"
    assert known.get(latest) is not None
    assert latest not in repr(vars(known))
    now[0] = 3.0
    assert known.get(latest) is None
