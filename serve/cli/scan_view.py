"""How a terminal shows scans: one line, a live view, a table of figures, a forecast, a comparison."""

from collections.abc import Iterable
from itertools import islice

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from actors.scans.contract import AssetDifference, Forecast, PartitionView, ScanProgress, ScanView
from serve.cli.connection import connected
from serve.cli.lists import show
from serve.client import Sextant

LEASED_SHOWN = 8
ENDED_WELL = {"succeeded": "green", "partial": "yellow", "planned": "cyan", "paused": "yellow"}


def line(scan: ScanView) -> str:
    """A scan in one line."""
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(scan.partitions.items()))
    lost = f", {len(scan.problems)} problems" if scan.problems else ""
    cut = f"; {scan.degraded}" if scan.degraded else ""
    return f"{scan.id} {scan.sampling.method} {scan.state}: {states or 'no partitions'}, {scan.rows:,} rows{lost}{cut}"


def size(count: float) -> str:
    """Bytes for people, in powers of 1,000."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def span(seconds: float | None) -> str:
    """A time span for people."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def watch(sextant: Sextant, scan_id: str) -> ScanView:
    """Shows the scan until it has ended, or waits to be begun or resumed; a line now and then where nobody looks."""
    console = Console()
    scan = sextant.scans.get(scan_id)
    if not console.is_terminal:
        return _lines(sextant, scan)
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for scan in sextant.scans.follow(scan_id):
            leased = list(islice(sextant.scans.partitions(scan_id, "leased"), LEASED_SHOWN))
            live.update(drawn(scan, sextant.scans.progress(scan_id), leased))
    return scan


def _lines(sextant: Sextant, seen: ScanView) -> ScanView:
    said = ""
    for scan in sextant.scans.follow(seen.id):
        progress, seen = sextant.scans.progress(scan.id), scan
        if (now := f"{scan.state} {progress.done * 10 // max(1, progress.total)}") != said:
            said = now
            print(pace(progress), flush=True)
    return seen


def pace(progress: ScanProgress) -> str:
    """How far a scan is, how fast it is, and how long it will take."""
    rate = f", {size(progress.bytes_per_second)}/s" if progress.bytes_per_second else ""
    rows = f", {progress.rows_per_second:,.0f} rows/s" if progress.rows_per_second else ""
    left = f", {span(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return (
        f"{progress.state}: {progress.done:,}/{progress.total:,} partitions, {progress.rows:,} rows{rate}{rows}{left}"
    )


def drawn(scan: ScanView, progress: ScanProgress, leased: Iterable[PartitionView]) -> RenderableType:
    """The live view: a bar, the pace, and what is being read just now."""
    table = Table.grid(padding=(0, 2))
    for one in leased:
        since = (progress.at - one.leased_at).total_seconds() if one.leased_at else 0.0
        table.add_row("  ▸", Text(f"{one.asset} #{one.number}"), span(since), f"attempt {one.attempts}", one.node or "")
    planning = f", planning {scan.assets_planned:,}/{scan.assets:,} assets" if scan.state == "planning" else ""
    bar = ProgressBar(total=max(1, progress.total), completed=progress.done, width=40)
    return Group(bar, Text(pace(progress) + planning, "cyan"), table)


def show_list(source_id: str | None, limit: int) -> None:
    """Scans, the newest first."""
    with connected() as sextant:
        rows = [
            (one.id, one.source_id, one.sampling.method, one.state, sum(one.partitions.values()), f"{one.rows:,}",
             f"{one.requested_at:%Y-%m-%d %H:%M}")
            for one in islice(sextant.scans.all(source_id), limit)
        ]  # fmt: skip
    show("Scans", ("Id", "Source", "Method", "State", "Partitions", "Rows", "Requested"), rows)


def show_scan(sextant: Sextant, scan: ScanView) -> None:
    """A scan with its metrics and its problems."""
    console = Console()
    console.print(Text(line(scan), ENDED_WELL.get(scan.state, "red")))
    figures = sextant.scans.figures(scan.id)
    metrics = [("seconds", figures.seconds), ("CPU seconds", figures.cpu_seconds), ("peak MB", figures.peak_rss_mb)]
    rows = [(name, f.count, f"{f.p50:.2f}", f"{f.p90:.2f}", f"{f.p99:.2f}", f"{f.max:.2f}") for name, f in metrics if f]
    if rows:
        show("By partition", ("Metric", "Partitions", "Median", "90 %", "99 %", "Most"), rows)
    for phase in figures.phases:
        print(f"{phase.phase}: {span(phase.seconds)}, {phase.items:,} done, {phase.failed:,} failed")
    for problem in scan.problems:
        console.print(f"[yellow]![/] {escape(problem.path)}: {escape(problem.detail)} {escape(problem.remedy)}")


def show_forecast(sextant: Sextant, scan: ScanView) -> None:
    """What a planned scan will take, and how to begin it."""
    found = sextant.scans.forecast(scan.id)
    for text in forecast_lines(found):
        print(text)
    if scan.state == "planned":
        print(f"Begin it with `sextant scan begin {scan.id}`.")


def forecast_lines(found: Forecast) -> list[str]:
    """A forecast in words."""
    lines = [
        f"To read: {found.partitions:,} partitions, {size(found.bytes)}, {found.rows:,} rows; "
        f"{found.cached:,} partitions are known already."
    ]
    if found.cpu_seconds is None:
        return [*lines, "What it costs is not known yet: nothing was scanned here before."]
    low, high = found.cpu_seconds_low or 0.0, found.cpu_seconds_high or found.cpu_seconds
    lines.append(f"CPU: {found.cpu_seconds:,.1f} s ({low:,.1f} to {high:,.1f} in 90 % of cases).")
    limit = f", limited by {found.limited_by.replace('_', ' ')}" if found.limited_by else ""
    lines.append(f"Time: {span(found.seconds)}{limit}.")
    if found.queries is not None:
        lines.append(f"Queries to the source: {found.queries:,}.")
    if found.money is not None:
        lines.append(f"Money: {found.money:,.2f} {found.currency or ''}".rstrip() + ".")
    return lines


def show_comparison(sextant: Sextant, before: str, after: str) -> None:
    """What two scans found differently, an asset at a time."""
    rows: list[tuple[object, ...]] = []
    for asset in sextant.scans.compare(before, after):
        rows.extend(_differences(asset))
    show("Differences", ("Asset", "Column", "Change", "Before", "After"), rows)
    if not rows:
        print("The two scans found the same.")


def _differences(asset: AssetDifference) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [(asset.asset, "", asset.change, asset.before_rows, asset.after_rows)]
    for column in asset.columns:
        if not column.classes:
            rows.append((asset.asset, column.column, column.change, column.before_distinct, column.after_distinct))
        for one in column.classes:
            change = f"{one.data_class} {one.change}"
            rows.append((asset.asset, column.column, change, one.before_validated, one.after_validated))
    return rows
