"""What has to be done by when: incidents (72 hours), requests (a month), reviews, and what runs out. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from actors.compliance.contract import Deadline
from actors.compliance.deriving import OnRecord
from actors.compliance.packs import Framework

NOTICE = timedelta(hours=72)
SOON = {"incident": timedelta(days=1), "request": timedelta(days=7)}
USUAL = timedelta(days=30)


def deadlines(
    on_record: OnRecord, requests: Iterable[Mapping[str, Any]], frameworks: Iterable[Framework], now: datetime
) -> list[Deadline]:
    """Everything with a date that is not done, the earliest first."""
    found = [*_incidents(on_record), *_requests(requests), *_reviews(on_record, frameworks), *_ending(on_record)]
    told = [one.model_copy(update={"state": _state(one, now)}) for one in found]
    return sorted(told, key=lambda one: (one.due_at, one.kind, one.name))


def _incidents(on_record: OnRecord) -> Iterator[Deadline]:
    for key, one in on_record.incidents.items():
        if one.notified_at is None and one.notice_not_needed is None and one.closed_at is None:
            yield Deadline(kind="incident", id=key, name=f"Notify '{one.name}'", due_at=one.detected_at + NOTICE)


def _requests(requests: Iterable[Mapping[str, Any]]) -> Iterator[Deadline]:
    for one in requests:
        if one["outcome"] == "open":
            name = f"Answer the request {one['id'][:8]}"
            yield Deadline(kind="request", id=one["id"], name=name, due_at=_end_of(date.fromisoformat(one["due_at"])))


def _reviews(on_record: OnRecord, frameworks: Iterable[Framework]) -> Iterator[Deadline]:
    """Reviews that were done before, by the shortest period that a control sets for them."""
    periods: dict[str, int] = {}
    for framework in frameworks:
        for use in framework.uses:
            if use.check.id == "review.done":
                what, days = (
                    str(getattr(use.parameters, "reviewed", "")),
                    int(getattr(use.parameters, "within_days", 0)),
                )
                periods[what] = min(days, periods.get(what, days))
    last: dict[tuple[str, tuple[str, ...]], tuple[date, str]] = {}
    for key, one in on_record.reviews.items():
        place = (one.reviewed, tuple(sorted(one.sources)))
        last[place] = max(last.get(place, (date.min, "")), (one.done_at, key))
    for (what, _), (done_at, key) in last.items():
        if what in periods:
            name = f"Review: {what.replace('_', ' ')}"
            yield Deadline(kind="review", id=key, name=name, due_at=_end_of(done_at + timedelta(days=periods[what])))


def _ending(on_record: OnRecord) -> Iterator[Deadline]:
    for key, one in on_record.attestations.items():
        name = f"Attest again: {one.framework} {one.control}"
        yield Deadline(kind="attestation", id=key, name=name, due_at=_end_of(one.expires_at))
    for key, vendor in on_record.vendors.items():
        if vendor.expires_at is not None:
            yield Deadline(
                kind="contract", id=key, name=f"Contract with {vendor.name}", due_at=_end_of(vendor.expires_at)
            )
    for key, made in on_record.assessments.items():
        yield Deadline(
            kind="assessment", id=key, name=f"Assess again: {made.name}", due_at=_end_of(made.next_review_at)
        )


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)


def _state(one: Deadline, now: datetime) -> str:
    if one.due_at < now:
        return "overdue"
    return "soon" if one.due_at - now <= SOON.get(one.kind, USUAL) else "due"
