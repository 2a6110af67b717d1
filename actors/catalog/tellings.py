"""What an event says of the datasets that it names, and from when that counts.

What a run writes counts once the run completed, also what its earlier events told; of a job that streams, at once. What
it reads counts at once. A new name says of the old one that it is none any more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog.dataset_facets import Statement, statements
from actors.catalog.openlineage import Dataset, Event, EventDataset, read_event
from actors.catalog.standing import RENAMED
from actors.catalog.tables import LineageEvent
from cluster.runtime.commands import UnitOfWork

SLACK: Final = timedelta(hours=1)  # how much later than now an emitter's clock may be
MOST_OF_A_RUN: Final = 1_000
LIFECYCLE: Final = "lifecycleStateChange"


class Telling(NamedTuple):
    """What one event says of a dataset that its run read or wrote. `at` is from when it holds."""

    dataset: EventDataset
    written: bool
    event: LineageEvent
    at: datetime
    said: tuple[Statement, ...]


def tellings(work: UnitOfWork, row: LineageEvent, event: Event) -> list[Telling]:
    """What an event says, and what it makes count of what earlier ones of its run said, in the order of the events."""
    latest = work.now + SLACK
    found = [_telling(one, row, min(row.at, latest), written=False) for one in event.inputs]
    if event.dataset is not None:
        found.append(_telling(event.dataset, row, min(row.at, latest), written=True))
    for told, when in _counting(work.session, row, event):
        outputs = (event if told.id == row.id else read_event(told.body)).outputs
        found += [_telling(one, told, min(when, latest), written=True) for one in outputs]
    found += [_renamed(each, statement.value) for each in found for statement in each.said if _renames(each, statement)]
    return [each for each in found if each.said or each.dataset.told or each.written]


def _telling(dataset: EventDataset, row: LineageEvent, at: datetime, *, written: bool) -> Telling:
    return Telling(dataset, written, row, at, tuple(statements(dataset.told)))


def _renames(told: Telling, statement: Statement) -> bool:
    if statement.facet != LIFECYCLE or not statement.value or "previous" not in statement.value:
        return False
    return Dataset(**statement.value["previous"]) not in told.dataset.names


def _renamed(told: Telling, value: dict[str, Any] | None) -> Telling:
    """What a new name says of the old one."""
    before = EventDataset(**(value or {})["previous"])
    to = {"namespace": told.dataset.namespace, "name": told.dataset.name}
    said = (Statement(LIFECYCLE, {"state": RENAMED, "to": to}),)
    return told._replace(dataset=before, written=False, said=said)


def _counting(session: Session, row: LineageEvent, event: Event) -> Iterator[tuple[LineageEvent, datetime]]:
    """The events whose outputs count now, each with the time from which."""
    if event.kind != "run":
        yield from [(row, row.at)] if event.outputs else ()
        return
    mine = (LineageEvent.job_id == row.job_id, LineageEvent.run_id == row.run_id)
    ended = select(LineageEvent.at).where(*mine, LineageEvent.state == "COMPLETE").order_by(LineageEvent.at.desc())
    completed = session.scalars(ended.limit(1)).first()
    if completed is None:
        if event.streaming and event.state in {"START", "RUNNING", "OTHER"}:
            yield row, row.at
    elif row.state == "COMPLETE":
        told = select(LineageEvent).where(*mine).order_by(LineageEvent.at, LineageEvent.id).limit(MOST_OF_A_RUN)
        yield from ((each, completed) for each in session.scalars(told))
    else:
        yield row, completed
