"""What a person sees while a workflow runs: a live view on a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from actors.orchestrator.contract import PhaseView
from actors.scans.contract import ScanView
from serve.follow import Progress

MARKS = {
    "pending": ("·", "dim"), "running": ("▸", "cyan"), "succeeded": ("✓", "green"), "partial": ("!", "yellow"),
    "failed": ("✗", "red"), "cancelled": ("✗", "red"),
}  # fmt: skip
SETTLED = ("done", "cached", "skipped", "failed", "cancelled")


class Watcher(Protocol):
    """Shows progress for as long as its context is open."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def show(self, progress: Progress) -> None:
        """Called with each step of progress."""
        ...


def seconds_of(phase: PhaseView, now: float | None = None) -> float | None:
    """How long a phase took, or has taken until `now` (seconds since the epoch); None if it has not begun."""
    if phase.started_at is None:
        return None
    end = phase.finished_at.timestamp() if phase.finished_at else (now or time.time())
    return max(0.0, end - phase.started_at.timestamp())


def describe(phase: PhaseView) -> str:
    """The figures of a phase in one line, or what kept it from succeeding."""
    figures = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in _plain(phase).items())
    return f"{phase.problem} ({figures})" if phase.problem and figures else phase.problem or figures


def _plain(phase: PhaseView) -> dict[str, int | float]:
    found: dict[str, int | float] = {}
    for name, value in phase.counters.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = value if isinstance(value, int) else round(value, 2)
    return found


class ScanPace:
    """How a scan gets on: partitions done of all, and rows a second over the last stretch that was seen."""

    def __init__(self) -> None:
        self._seen: tuple[str, float, int] | None = None
        self._rate = 0.0

    def line(self, scan: ScanView, now: float) -> str:
        """One line about the scan at `now` (any clock in seconds)."""
        done = sum(count for state, count in scan.partitions.items() if state in SETTLED)
        total = sum(scan.partitions.values())
        if self._seen is None or self._seen[0] != scan.id:
            self._seen, self._rate = (scan.id, now, scan.rows), 0.0
        elif now - self._seen[1] >= 1.0:
            self._rate = max(0.0, (scan.rows - self._seen[2]) / (now - self._seen[1]))
            self._seen = (scan.id, now, scan.rows)
        planning = f", planning {scan.assets_planned}/{scan.assets} assets" if scan.state == "planning" else ""
        return f"{scan.level}: {done}/{total} partitions, {scan.rows:,} rows, {self._rate:,.0f} rows/s{planning}"


class LiveView:
    """The eight phases as a table that is drawn again while time passes."""

    def __init__(self, console: Console) -> None:
        self._progress: Progress | None = None
        self._pace = ScanPace()
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._drawn)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Takes over the latest state; the view draws it by itself."""
        self._progress = progress

    def _drawn(self) -> Group:
        if self._progress is None:
            return Group(Text("Starting ..."))
        table = Table.grid(padding=(0, 2))
        for phase in self._progress.workflow.phases:
            mark, style = MARKS[phase.state]
            seconds = seconds_of(phase)
            table.add_row(
                Text(mark, style), Text(f"{phase.number} {phase.name}", style),
                Text("" if seconds is None else f"{seconds:.1f} s"), Text(describe(phase), "dim"),
            )  # fmt: skip
        scan = self._progress.scan
        if scan is None or scan.state not in {"planning", "running"}:
            return Group(table)
        return Group(table, Text("  " + self._pace.line(scan, time.monotonic()), "cyan"))


class LinePrinter:
    """A line when a phase changes its state, and one every few seconds of a scan: for logs and pipes."""

    EVERY_SECONDS = 5.0

    def __init__(self, console: Console) -> None:
        self._console, self._pace = console, ScanPace()
        self._states: dict[int, str] = {}
        self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def show(self, progress: Progress) -> None:
        """Prints what is new."""
        for phase in progress.workflow.phases:
            if phase.state != "pending" and self._states.get(phase.number) != phase.state:
                self._states[phase.number] = phase.state
                seconds = seconds_of(phase)
                spent = f" in {seconds:.1f} s" if seconds is not None and phase.finished_at else ""
                self._say(f"{phase.number} {phase.name}: {phase.state}{spent} {describe(phase)}")
        scan, now = progress.scan, time.monotonic()
        if scan and scan.state in {"planning", "running"} and now - self._said >= self.EVERY_SECONDS:
            self._said = now
            self._say(self._pace.line(scan, now))

    def _say(self, line: str) -> None:
        self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
