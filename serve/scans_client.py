"""The scans of an instance, for driver scripts: `sextant.scans`.

scan = sextant.scans.start(source.id, sampling=Sampling(method="adaptive", width=0.05))
for seen in sextant.scans.follow(scan.id):
    print(seen.state, seen.partitions)
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from actors.scans.contract import (
    AssetDifference,
    CostReport,
    Forecast,
    Level,
    PartitionView,
    RunComparison,
    RunFigures,
    Sampling,
    ScanProgress,
    ScanView,
)
from serve.typed import Typed

POLL_SECONDS = 0.5


class Scans(Typed):
    """Starting, steering and watching scans."""

    def start(
        self, source_id: str, *, level: Level = "census", sampling: Sampling | None = None, ruleset: str = "default",
        assets: Sequence[str] = (), priority: int = 5, plan_only: bool = False,
    ) -> ScanView:  # fmt: skip
        """Starts a scan of what the last discovery of the source found. Raises Conflict where it found nothing."""
        body: dict[str, Any] = {
            "level": level, "ruleset": ruleset, "assets": list(assets), "priority": priority, "plan_only": plan_only,
            "sampling": sampling and sampling.model_dump(mode="json"),
        }  # fmt: skip
        return self._one(ScanView, "POST", f"/sources/{source_id}/scans", body)

    def all(self, source_id: str | None = None) -> Iterator[ScanView]:
        """Scans, the newest first."""
        return self._pages(ScanView, "/scans", {"source_id": source_id})

    def get(self, scan_id: str) -> ScanView:
        """One scan. Raises NotFound."""
        return self._one(ScanView, "GET", f"/scans/{scan_id}")

    def partitions(self, scan_id: str, state: str | None = None) -> Iterator[PartitionView]:
        """The partitions of a scan, those of one state if it is given."""
        return self._pages(PartitionView, f"/scans/{scan_id}/partitions", {"state": state})

    def progress(self, scan_id: str) -> ScanProgress:
        """How far the scan is, how fast, and how long it will still take."""
        return self._one(ScanProgress, "GET", f"/scans/{scan_id}/progress")

    def forecast(self, scan_id: str) -> Forecast:
        """What the scan is still expected to take."""
        return self._one(Forecast, "GET", f"/scans/{scan_id}/forecast")

    def figures(self, scan_id: str) -> RunFigures:
        """Metrics of the scan by phase, partition and detector."""
        return self._one(RunFigures, "GET", f"/scans/{scan_id}/figures")

    def compare(self, before: str, after: str) -> Iterator[AssetDifference]:
        """What the scan `after` found differently from the scan `before`, asset by asset."""
        place: str | None = None
        while True:
            found = self._one(RunComparison, "GET", f"/scans/{after}/comparison", before=before, after=place)
            yield from found.assets
            place = found.next
            if place is None:
                return

    def costs(self, source_id: str | None = None, since: str | None = None, until: str | None = None) -> CostReport:
        """What scanning took in a period (ISO 8601), by source, definition and rules."""
        return self._one(CostReport, "GET", "/scan-costs", source_id=source_id, since=since, until=until)

    def begin(self, scan_id: str) -> ScanView:
        """Begins a scan that was only planned."""
        return self._steered(scan_id, "begin")

    def pause(self, scan_id: str) -> ScanView:
        """Holds a scan: what is under way is finished."""
        return self._steered(scan_id, "pause")

    def resume(self, scan_id: str) -> ScanView:
        """Lets a paused scan go on."""
        return self._steered(scan_id, "resume")

    def cancel(self, scan_id: str) -> ScanView:
        """Ends a scan; what was committed stays."""
        return self._steered(scan_id, "cancel")

    def retry(self, scan_id: str) -> ScanView:
        """Puts what failed in an ended scan back to work."""
        return self._steered(scan_id, "retry")

    def prioritise(self, scan_id: str, priority: int) -> ScanView:
        """Changes the priority, 0 to 9, of a scan that has not ended."""
        return self._one(ScanView, "PUT", f"/scans/{scan_id}/priority", {"priority": priority})

    def follow(self, scan_id: str) -> Iterator[ScanView]:
        """Where the scan stands, twice a second, until it has ended or waits to be begun or resumed."""
        while True:
            scan = self.get(scan_id)
            yield scan
            if scan.state not in ("planning", "running"):
                return
            time.sleep(POLL_SECONDS)

    def _steered(self, scan_id: str, verb: str) -> ScanView:
        return self._one(ScanView, "POST", f"/scans/{scan_id}/{verb}")
