"""Following what happens: the event stream as an iterator, and a workflow to its end."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.orchestrator.contract import WorkflowView
from actors.scans.contract import ScanView
from cluster.errors import SextantError
from cluster.events.feed import EventView
from serve.transport import Transport

if TYPE_CHECKING:
    from serve.client import Sextant

POLL_SECONDS = 2.0
CALM_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """Where a workflow stands, with the scan that it started last, if it did."""

    workflow: WorkflowView
    scan: ScanView | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.workflow.state != "running"


def follow_events(
    http: Transport, after: int | None, kinds: list[str] | None, entity: str | None, stop: threading.Event | None = None
) -> Iterator[EventView]:
    """Events behind `after`, or from now on if it is None; a stream that breaks is taken up where it broke.

    Ends when `stop` is set.
    """
    cursor = "" if after is None else str(after)
    while stop is None or not stop.is_set():
        data = ""
        for line in http.stream("/events/stream", {"kinds": kinds, "entity": entity}, cursor):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "id":
                cursor = value
            elif field == "data":
                data = value
            elif not line and data:
                yield EventView.model_validate(json.loads(data))
                data = ""
            if stop is not None and stop.is_set():
                return
        time.sleep(CALM_SECONDS)


def follow_workflow(client: "Sextant", workflow_id: str) -> Iterator[Progress]:
    """The workflow now and after every event of it, at least every two seconds, until it ended.

    Events only wake; what is yielded is read, so a stream that cannot be had (no permission) costs speed and no truth.
    """
    workflow = client.workflow(workflow_id)
    stop, bell = threading.Event(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(client.http, stop, bell), daemon=True)
    watcher.start()
    try:
        while True:
            progress = Progress(workflow, _scan_of(client, workflow))
            yield progress
            if progress.ended:
                return
            bell.wait(POLL_SECONDS)
            time.sleep(CALM_SECONDS)  # events come in bursts
            bell.clear()
            workflow = client.workflow(workflow_id)
    finally:
        stop.set()


def _watch(http: Transport, stop: threading.Event, bell: threading.Event) -> None:
    with contextlib.suppress(SextantError, RuntimeError):  # RuntimeError: the client was closed meanwhile
        for _ in follow_events(http, None, ["orchestrator.*", "scans.*"], None, stop):
            bell.set()


def _scan_of(client: "Sextant", workflow: WorkflowView) -> ScanView | None:
    try:
        scan = client.latest_scan(workflow.source_id)
    except SextantError:
        return None  # no permission to read scans, or the instance restarts: the workflow itself says how it goes
    return scan if scan and scan.requested_at >= workflow.requested_at else None
