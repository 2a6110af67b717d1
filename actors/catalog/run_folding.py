"""The events of one run as one: emitters spread what they know over START, RUNNING and COMPLETE."""

from collections.abc import Iterable, Sequence
from typing import Any

from actors.catalog.openlineage import Dataset, Event, EventDataset


def merged(events: Sequence[Event]) -> Event:
    """The newest of some events of a run, in the order of their times, with the datasets and facets of all of them.

    Of a facet that several tell, the newest holds; one with `_deleted` takes it back.
    """
    last = events[-1]
    if len(events) == 1:
        return last
    inputs = _joined(one for event in events for one in event.inputs)
    outputs = _joined(one for event in events for one in event.outputs)
    facets = [event.job.facets for event in events if event.job is not None and isinstance(event.job.facets, dict)]
    told = {name: facet for each in facets for name, facet in each.items()}
    job = last.job.model_copy(update={"facets": told}) if last.job is not None else None
    return last.model_copy(update={"inputs": inputs, "outputs": outputs, "job": job})


def _joined(datasets: Iterable[EventDataset]) -> tuple[EventDataset, ...]:
    seen: dict[Dataset, list[EventDataset]] = {}
    for dataset in datasets:
        seen.setdefault(dataset.names[0], []).append(dataset)
    return tuple(_one(several) for several in seen.values())


def _one(several: Sequence[EventDataset]) -> EventDataset:
    if all(each == several[-1] for each in several):
        return several[-1]
    facets: dict[str, Any] = {name: facet for each in several for name, facet in each.told.items()}
    return EventDataset.model_validate({"namespace": several[0].namespace, "name": several[0].name, "facets": facets})
