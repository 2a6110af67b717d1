"""Jobs and their runs, as the events that are kept tell of them.

Nothing is stored beside: a run is what its events come to in the order of their times, in whatever order they came.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.catalog.contract import JobRef, JobView, RunView
from actors.catalog.dataset_facets import ownership_of, tags_of
from actors.catalog.tables import LineageEvent
from cluster.errors import NotFound

MOST_EVENTS: Final = 1_000
ENDS: Final = ("COMPLETE", "FAIL", "ABORT")
LONGEST: Final = 500
# What error messages quote may be a value: texts in quotes, what a key equals, addresses, numbers.
_VALUES: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|=\s*\([^)]*\)|\S+@\S+|\d[\d.,:\-/]*")


def jobs(session: Session, namespace: str | None = None, after: str | None = None, limit: int = 100) -> list[JobView]:
    """Jobs by id, behind the one with the id `after`, with the state of the newest run of each."""
    newest = select(LineageEvent).ext(distinct_on(LineageEvent.job_id)).where(LineageEvent.job_name.is_not(None))
    if namespace is not None:
        newest = newest.where(LineageEvent.job_namespace == namespace)
    if after is not None:
        newest = newest.where(LineageEvent.job_id > after)
    ordered = newest.order_by(LineageEvent.job_id, LineageEvent.at.desc(), LineageEvent.id.desc()).limit(limit)
    return [_job([row]) for row in session.scalars(ordered)]


def get_job(session: Session, job_id: str) -> JobView:
    """A job with all that its kept events tell of it. Raises NotFound."""
    held = select(LineageEvent).where(LineageEvent.job_id == job_id, LineageEvent.job_name.is_not(None))
    rows = session.scalars(held.order_by(LineageEvent.at.desc(), LineageEvent.id.desc()).limit(MOST_EVENTS)).all()
    if not rows:
        raise NotFound("There is no such job.", "List the jobs to see their ids.")
    return _job(rows[::-1])


def runs(session: Session, job_id: str, limit: int = 100) -> list[RunView]:
    """The runs of a job whose events are kept, the newest first. Raises NotFound."""
    get_job(session, job_id)
    held = select(LineageEvent).where(LineageEvent.job_id == job_id, LineageEvent.run_id.is_not(None))
    rows = session.scalars(held.order_by(LineageEvent.at.desc(), LineageEvent.id.desc()).limit(MOST_EVENTS)).all()
    by_run: dict[str, list[LineageEvent]] = {}
    for row in rows[::-1]:
        by_run.setdefault(row.run_id or "", []).append(row)
    found = [_run(events) for events in by_run.values()]
    return sorted(found, key=lambda run: run.at, reverse=True)[:limit]


def get_run(session: Session, run_id: str) -> RunView:
    """A run by the id that its emitter gave it. Raises NotFound."""
    held = select(LineageEvent).where(LineageEvent.run_id == run_id)
    rows = session.scalars(held.order_by(LineageEvent.at, LineageEvent.id).limit(MOST_EVENTS)).all()
    if not rows:
        raise NotFound("There is no such run.", "List the runs of a job to see their ids.")
    return _run([row for row in rows if row.job_id == rows[-1].job_id])


def _facets(rows: Iterable[LineageEvent], part: str) -> dict[str, dict[str, Any]]:
    """The facets of the job or run of some events: of each the newest, and none that was taken back."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        held = row.body.get(part)
        facets = held.get("facets") if isinstance(held, dict) else None
        for name, facet in facets.items() if isinstance(facets, dict) else ():
            if isinstance(facet, dict):
                found[name] = facet
    return {name: facet for name, facet in found.items() if facet.get("_deleted") is not True}


def _job(rows: Sequence[LineageEvent]) -> JobView:
    facets, last = _facets(rows, "job"), rows[-1]
    kind, code = facets.get("jobType", {}), facets.get("sourceCodeLocation", {})
    words = (kind.get("integration"), kind.get("jobType"), kind.get("processingType"))
    return JobView(
        id=last.job_id or "", namespace=last.job_namespace or "", name=last.job_name or "", state=last.state,
        at=last.at, run_id=last.run_id, type=" ".join(word for word in words if isinstance(word, str)) or None,
        description=_text(facets.get("documentation", {}).get("description"), 10_000),
        owners=tuple(owner["name"] for owner in ownership_of(facets.get("ownership", {}))),
        tags=tuple(tag["name"] for tag in tags_of(facets.get("tags", {}))), source_code=_text(code.get("url"), 2_000),
    )  # fmt: skip


def _run(rows: Sequence[LineageEvent]) -> RunView:
    facets, last = _facets(rows, "run"), rows[-1]
    ended = next((row for row in reversed(rows) if row.state in ENDS), None)
    started = next((row for row in rows if row.state == "START"), None)
    parent, engine = facets.get("parent", {}), facets.get("processing_engine", {})
    nominal, error = facets.get("nominalTime", {}), facets.get("errorMessage", {})
    root = parent.get("root")
    return RunView(
        run_id=last.run_id or "", job=_named(last), state=(ended or last).state or "OTHER", at=last.at,
        started_at=started.at if started else None, ended_at=ended.at if ended else None,
        nominal_start=_time(nominal.get("nominalStartTime")), nominal_end=_time(nominal.get("nominalEndTime")),
        parent=_ref(parent), root=_ref(root) if isinstance(root, dict) else None,
        engine=" ".join(_words(engine.get("name"), engine.get("version"))) or None,
        error=_error(error.get("message")), tags=tuple(tag["name"] for tag in tags_of(facets.get("tags", {}))),
        events=len(rows),
    )  # fmt: skip


def _named(row: LineageEvent) -> JobRef:
    return JobRef(namespace=row.job_namespace or "", name=row.job_name or "", run_id=row.run_id)


def _ref(told: dict[str, Any]) -> JobRef | None:
    job, run = told.get("job"), told.get("run")
    if not isinstance(job, dict) or not isinstance(run, dict):
        return None
    namespace, name, run_id = (_text(one, 2_000) for one in (job.get("namespace"), job.get("name"), run.get("runId")))
    return JobRef(namespace=namespace, name=name, run_id=run_id) if namespace and name else None


def _error(message: Any) -> str | None:
    """The first line of an error, without what may be a value of the data."""
    text = _text(message, 5_000)
    return _VALUES.sub("?", text.splitlines()[0])[:LONGEST] if text else None


def _words(*told: Any) -> Iterator[str]:
    yield from (text for each in told if (text := _text(each, 200)))


def _text(value: Any, most: int) -> str | None:
    return (value.strip()[:most] or None) if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
