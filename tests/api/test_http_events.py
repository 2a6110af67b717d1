"""The stream of events: resumed where it broke, without a gap and without a repetition."""

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from cluster.events.feed import EventDraft, EventView, append
from serve.follow import follow_events
from serve.http import events, tail
from serve.transport import Transport


def register(client: httpx.Client, folder: Path, count: int) -> list[str]:
    made = []
    for _ in range(count):
        name = uuid.uuid4().hex
        answer = client.post("/api/v1/sources", json={"url": (folder / name).as_uri(), "name": name})
        made.append(answer.json()["id"])
    return made


def messages(client: httpx.Client, count: int, **request: Any) -> list[tuple[int, dict[str, Any]]]:
    """The first messages of a stream, as (id, data)."""
    found: list[tuple[int, dict[str, Any]]] = []
    with client.stream("GET", "/api/v1/events/stream", **request) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        seq = 0
        for line in response.iter_lines():
            if line.startswith("id: "):
                seq = int(line[4:])
            if line.startswith("data: "):
                found.append((seq, json.loads(line[6:])))
                if len(found) == count:
                    return found
    raise AssertionError("the stream ended")


def newest(client: httpx.Client) -> int:
    after = 0
    while True:
        found = client.get("/api/v1/events", params={"after": after, "limit": 200}).json()
        if not found["items"]:
            return after
        after = int(found["next"])


@pytest.fixture
def follower(instance: Any) -> Iterator[Transport]:
    http = Transport(instance.url, instance.tokens["auditor"])
    yield http
    http.close()


def test_a_stream_resumes_behind_the_last_event_id(admin: httpx.Client, tmp_path: Path) -> None:
    start = newest(admin)
    made = register(admin, tmp_path, 6)
    first = messages(admin, 3, params={"after": start})
    rest = messages(admin, 3, headers={"Last-Event-ID": str(first[-1][0])})
    assert [data["entity"] for _, data in first + rest] == [f"source:{one}" for one in made]
    assert [seq for seq, _ in first + rest] == [data["seq"] for _, data in first + rest]


def test_a_follower_that_is_cut_off_all_the_time_misses_nothing(
    admin: httpx.Client, follower: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "WINDOW", 8)
    start, count = newest(admin), 60
    made: list[str] = []
    writing = threading.Thread(target=lambda: made.extend(register(admin, tmp_path, count)))
    writing.start()
    seen: list[EventView] = []
    cursor = start
    while len(seen) < count:
        for number, event in enumerate(follow_events(follower, cursor, ["sources.registered"], None)):
            seen.append(event)
            cursor = event.seq
            if number == 6 or len(seen) == count:
                break
    writing.join()
    assert [event.entity for event in seen] == [f"source:{one}" for one in made]


def test_filters_choose_by_kind_group_and_entity(admin: httpx.Client, tmp_path: Path) -> None:
    start = newest(admin)
    made = register(admin, tmp_path, 2)
    for identifier in made:
        admin.post(f"/api/v1/sources/{identifier}/retire")
    retired = messages(admin, 2, params={"after": start, "kinds": "sources.retired"})
    assert [data["entity"] for _, data in retired] == [f"source:{one}" for one in made]
    mine = messages(admin, 2, params={"after": start, "kinds": "sources.*", "entity": f"source:{made[1]}"})
    assert [data["kind"] for _, data in mine] == ["sources.registered", "sources.retired"]
    listed = admin.get("/api/v1/events", params={"after": start, "entity": f"source:{made[0]}"}).json()["items"]
    assert [event["kind"] for event in listed] == ["sources.registered", "sources.retired"]


def test_a_silent_stream_says_that_it_lives_and_how_far_it_is(
    admin: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.2)
    register(admin, tmp_path, 1)
    reached = newest(admin)
    with admin.stream("GET", "/api/v1/events/stream", params={"after": 0, "kinds": "nothing.happens"}) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith(": heartbeat"))
        assert int(next(lines).removeprefix("id: ")) <= reached


def test_a_new_follower_begins_with_the_next_event(admin: httpx.Client, follower: Transport, tmp_path: Path) -> None:
    stream = follow_events(follower, None, ["sources.registered"], None)
    made: list[str] = []
    timer = threading.Timer(0.5, lambda: made.extend(register(admin, tmp_path, 1)))
    timer.start()
    event = next(stream)
    timer.join()
    assert event.entity == f"source:{made[0]}"


def test_events_are_told_only_to_who_may_read_their_group(instance: Any, admin: httpx.Client, tmp_path: Path) -> None:
    start = newest(admin)
    register(admin, tmp_path, 1)
    with Session(instance.groups.engine) as session, session.begin():
        advised = {"kind": "compliance.advised", "entity": "source:x", "principal": "p", "request_id": "r"}
        append(session, [EventDraft(group="compliance", **advised)])
    with instance.client("engineer") as client, instance.client("auditor") as auditor:
        seen = {event["group"] for event in client.get("/api/v1/events", params={"after": start}).json()["items"]}
        assert "compliance" not in seen
        assert "sources" in seen
        asked = {"after": start, "kinds": "compliance.*"}
        for path in ("/api/v1/events", "/api/v1/events/stream"):
            assert client.get(path, params=asked).status_code == 403
        assert len(auditor.get("/api/v1/events", params=asked).json()["items"]) == 1


def test_a_stream_ends_with_its_token(admin: httpx.Client, instance: Any, tmp_path: Path) -> None:
    made = admin.post("/api/v1/tokens", json={"principal": "passing", "roles": ["auditor"]}).json()
    with instance.client(None, headers={"Authorization": f"Bearer {made['secret']}"}) as client:  # noqa: SIM117
        with client.stream("GET", "/api/v1/events/stream", params={"kinds": "sources.*"}) as response:
            lines = response.iter_lines()
            assert next(lines).startswith("retry:")
            admin.delete(f"/api/v1/tokens/{made['id']}")
            register(admin, tmp_path, 1)
            assert not [line for line in lines if line.startswith("data:")]
