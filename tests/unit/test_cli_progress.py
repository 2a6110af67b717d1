"""What a person sees while a workflow runs."""

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from actors.orchestrator.contract import PhaseView, WorkflowView
from actors.scans.contract import Sampling, ScanView
from serve.cli.progress import LinePrinter, LiveView, ScanPace, describe, seconds_of
from serve.follow import Progress

START = datetime(2026, 1, 1, tzinfo=UTC)


def phase(number: int, state: str, **fields: object) -> PhaseView:
    known = {"counters": {}, "problem": None, "started_at": None, "finished_at": None}
    place = {"number": number, "name": f"phase{number}", "state": state, "step": 0}
    return PhaseView.model_validate(place | known | fields)


def scan(rows: int, done: int) -> ScanView:
    return ScanView(
        id="s", source_id="x", level="census", sampling=Sampling(), priority=5, definition_id=None, degraded=None,
        state="running", rules_digest="", assets=2, assets_planned=2,
        partitions={"done": done, "cached": 1, "pending": 5 - done}, rows=rows, bytes=0, problems=(),
        requested_at=START, finished_at=None,
    )  # fmt: skip


def progress(found: ScanView | None = None) -> Progress:
    phases = (
        phase(
            1, "succeeded", started_at=START, finished_at=START + timedelta(seconds=2), counters={"assets": 3, "x": "y"}
        ),
        phase(
            2, "failed", started_at=START, finished_at=START, problem="[bold]It[/bold] broke.", counters={"facts": 1}
        ),
        phase(3, "pending"),
    )
    workflow = WorkflowView(
        id="w", source_id="x", ruleset="default", state="running", phases=phases, requested_by="p",
        requested_at=START, finished_at=None,
    )  # fmt: skip
    return Progress(workflow, found)


def test_a_phase_says_its_figures_its_problem_and_its_time() -> None:
    first, second, third = progress().workflow.phases
    assert describe(first) == "3 assets"
    assert describe(second) == "[bold]It[/bold] broke. (1 facts)"
    assert (seconds_of(first), seconds_of(third)) == (2.0, None)


def test_the_pace_of_a_scan_is_that_of_the_last_stretch() -> None:
    pace = ScanPace()
    assert "1/6 partitions" in pace.line(scan(0, 0), 10.0)
    assert "100 rows/s" in pace.line(scan(200, 2), 12.0)
    assert "3/6 partitions, 200 rows, 100 rows/s" in pace.line(scan(200, 2), 12.5)
    assert "50 rows/s" in pace.line(scan(250, 3), 13.0)


def test_lines_are_printed_once_for_each_change() -> None:
    out = io.StringIO()
    printer = LinePrinter(Console(file=out, width=60))
    for _ in range(3):
        printer.show(progress(scan(10, 1)))
    lines = out.getvalue().splitlines()
    assert lines[:2] == [
        "1 phase1: succeeded in 2.0 s 3 assets",
        "2 phase2: failed in 0.0 s [bold]It[/bold] broke. (1 facts)",
    ]
    assert len(lines) == 3
    assert lines[2].startswith("census: 2/6 partitions")


def test_the_live_view_shows_every_phase_and_the_scan() -> None:
    out = io.StringIO()
    with LiveView(Console(file=out, force_terminal=True, width=100)) as view:
        view.show(progress(scan(10, 1)))
    shown = out.getvalue()
    for expected in ("1 phase1", "2 phase2", "3 phase3", "[bold]It[/bold] broke.", "2/6 partitions"):
        assert expected in shown
