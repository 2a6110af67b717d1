"""What has to be done by when, and what is overdue."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from compliance_estates import NOW

from actors.compliance.actor import ComplianceActor
from actors.compliance.contract import Attestation, Incident, Review, Selector, Vendor
from actors.compliance.deadlines import deadlines
from actors.compliance.deriving import OnRecord
from actors.compliance.packs import load_frameworks
from cluster.errors import Unavailable

ALL = Selector(everything=True)


def states(on_record: OnRecord, requests: tuple[dict[str, str], ...] = ()) -> dict[str, str]:
    return {one.name: one.state for one in deadlines(on_record, requests, load_frameworks().values(), NOW)}


def incident(hours: int, **changes: object) -> Incident:
    return Incident(name=f"{hours}h", targets=ALL, detected_at=NOW - timedelta(hours=hours), severity="high", **changes)


def review(done_at: date, **changes: object) -> Review:
    return Review(reviewed="access", name="x", done_at=done_at, result="passed", statement="x", **changes)


def test_incidents_run_for_72_hours_until_they_are_notified() -> None:
    known = {"a": incident(1), "b": incident(60), "c": incident(73), "d": incident(80, notified_at=NOW)}
    known["e"] = incident(90, notice_not_needed="encrypted")
    assert states(OnRecord(incidents=known)) == {
        "Notify '73h'": "overdue",
        "Notify '60h'": "soon",
        "Notify '1h'": "due",
    }


def test_requests_are_due_until_they_are_answered() -> None:
    open_one = {"id": "aaaaaaaa1", "due_at": "2026-01-20", "outcome": "open"}
    done = {"id": "bbbbbbbb1", "due_at": "2026-01-01", "outcome": "complete"}
    assert states(OnRecord(), (open_one, done)) == {"Answer the request aaaaaaaa": "soon"}


def test_a_review_is_due_again_by_the_shortest_period_of_a_control_and_the_last_one_counts() -> None:
    known = {"a": review(date(2024, 1, 1)), "b": review(date(2026, 1, 1))}
    (found,) = deadlines(OnRecord(reviews=known), (), load_frameworks().values(), NOW)
    assert (found.id, found.state, found.due_at.date()) == ("b", "due", date(2026, 1, 1) + timedelta(days=184))
    elsewhere = {**known, "c": review(date(2024, 1, 1), sources=("other",))}
    assert [one.state for one in deadlines(OnRecord(reviews=elsewhere), (), load_frameworks().values(), NOW)] == [
        "overdue",
        "due",
    ]


def test_what_runs_out_is_told_a_month_before() -> None:
    proof = ({"title": "x", "reference": "y"},)
    attested = Attestation(
        framework="gdpr", control="16", met=True, statement="x", evidence=proof, expires_at=date(2026, 2, 1)
    )
    vendors = {
        "v": Vendor(name="Bank", role="processor", expires_at=date(2025, 1, 1)),
        "w": Vendor(name="Ever", role="processor"),
    }
    told = states(OnRecord(attestations={"a": attested}, vendors=vendors))
    assert told == {"Contract with Bank": "overdue", "Attest again: gdpr 16": "soon"}
    assert datetime(2026, 1, 15, tzinfo=UTC) == NOW


def test_clocks_are_kept_each_minute_and_deadlines_each_hour_and_what_failed_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[tuple[float, bool]] = []
    clock, broken = [10_000.0], [False]

    class Looking(ComplianceActor):
        async def __init__(self) -> None:  # without a store, which the loop does not ask
            self._clocks_at = self._deadlines_at = 0.0

        async def command(self, command: Any) -> None:
            if broken[0]:
                raise Unavailable("x", "y")
            looks.append((clock[0], command.deadlines))

    monkeypatch.setattr("actors.compliance.actor.time.monotonic", lambda: clock[0])
    actor = Looking.__new__(Looking)

    async def hours() -> None:
        await actor.__init__()  # type: ignore[misc]
        for at in range(0, 7300, 10):
            clock[0], broken[0] = 10_000.0 + at, 3600 <= at < 3650
            with suppress(Unavailable):
                await actor._keep_clocks()

    asyncio.run(hours())
    assert [at - 10_000 for at, deadlines in looks if deadlines] == [0, 3650, 7250]
    assert [at - 10_000 for at, _ in looks][:3] == [0, 60, 120]
