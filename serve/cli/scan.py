"""`sextant scan ...`: starting, steering, watching and comparing scans."""

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cluster.errors import InvalidInput

if TYPE_CHECKING:  # the command line must answer at once: what a command needs is imported by the command
    from actors.scans.contract import Sampling
    from serve.client import Sextant

app = typer.Typer(help="Scans: plan, start, watch, steer and compare them.", no_args_is_help=True)
ScanId = Annotated[str, typer.Argument(help="Id of the scan, as `sextant scan list` shows it.")]
Source = Annotated[str, typer.Argument(help="Name or id of the source.")]


@app.command()
def start(  # noqa: PLR0917 - typer makes options of them
    source: Source,
    method: Annotated[str, typer.Option(help="census, fraction, tiered or adaptive.")] = "census",
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="Share that a fraction reads, an adaptive at most.")]
    = 0.1,
    width: Annotated[float, typer.Option(min=0.0001, max=1, help="Interval at which an adaptive scan is content.")]
    = 0.02,
    ruleset: Annotated[str, typer.Option(help="Rule set to scan with.")] = "default",
    priority: Annotated[int, typer.Option(min=0, max=9, help="9 is given workers first.")] = 5,
    plan: Annotated[bool, typer.Option("--plan", help="Only plan it and say what it will take.")] = False,
    watch: Annotated[bool, typer.Option(help="Stay until it has ended.")] = True,
) -> None:  # fmt: skip
    """Scan a source that is registered and discovered (`sextant govern` does both)."""
    from serve.cli import scan_view

    with connected() as sextant:
        found = sextant.scans.start(
            _source(source), sampling=_sampling(method, share, width), ruleset=ruleset, priority=priority,
            plan_only=plan,
        )  # fmt: skip
        if watch or plan:
            found = scan_view.watch(sextant, found.id)
        if plan:
            scan_view.show_forecast(sextant, found)
        else:
            print(scan_view.line(found))
    raise typer.Exit(0 if found.state not in ("failed", "cancelled") else 1)


@app.command("list")
def list_scans(
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most lines.")] = 20,
) -> None:
    """List scans, the newest first."""
    from serve.cli import scan_view

    scan_view.show_list(_source(source) if source else None, limit)


@app.command()
def show(scan_id: ScanId) -> None:
    """Show a scan with its figures and what it could not read."""
    from serve.cli import scan_view

    with connected() as sextant:
        scan_view.show_scan(sextant, sextant.scans.get(scan_id))


@app.command()
def watch(scan_id: ScanId) -> None:
    """Watch a scan until it has ended; leaving with Ctrl-C does not stop it."""
    from serve.cli import scan_view

    with connected() as sextant:
        found = scan_view.watch(sextant, scan_id)
        scan_view.show_scan(sextant, found)
    raise typer.Exit(0 if found.state not in ("failed", "cancelled") else 1)


@app.command()
def compare(
    before: Annotated[str, typer.Argument(help="Id of the earlier scan.")],
    after: Annotated[str, typer.Argument(help="Id of the later scan.")],
) -> None:
    """Say what one scan found differently from another."""
    from serve.cli import scan_view

    with connected() as sextant:
        scan_view.show_comparison(sextant, before, after)


@app.command()
def begin(scan_id: ScanId) -> None:
    """Begin a scan that was only planned."""
    _steered("begin", scan_id)


@app.command()
def pause(scan_id: ScanId) -> None:
    """Hold a scan: what is under way is finished."""
    _steered("pause", scan_id)


@app.command()
def resume(scan_id: ScanId) -> None:
    """Let a paused scan go on."""
    _steered("resume", scan_id)


@app.command()
def cancel(scan_id: ScanId) -> None:
    """End a scan; what was committed stays."""
    _steered("cancel", scan_id)


@app.command()
def retry(scan_id: ScanId) -> None:
    """Put what failed in an ended scan back to work."""
    _steered("retry", scan_id)


@app.command()
def prioritise(scan_id: ScanId, priority: Annotated[int, typer.Argument(min=0, max=9)]) -> None:
    """Change the priority of a scan: 9 is given workers first."""
    from serve.cli import scan_view

    with connected() as sextant:
        print(scan_view.line(sextant.scans.prioritise(scan_id, priority)))


def _steered(verb: str, scan_id: str) -> None:
    from serve.cli import scan_view

    with connected() as sextant:
        print(scan_view.line(getattr(sextant.scans, verb)(scan_id)))


def connected() -> "Sextant":
    """A client of the instance."""
    from serve.cli import connection

    return connection.connected()


def _sampling(method: str, share: float, width: float) -> "Sampling":
    from actors.scans.contract import Method, Sampling

    if method not in get_args(Method):
        raise InvalidInput(f"There is no sampling method '{method}'.", "Use census, fraction, tiered or adaptive.")
    return Sampling.model_validate({"method": method, "share": share, "width": width})


def _source(name: str) -> str:
    """The id of a source that is given by its name or its id."""
    with connected() as sextant:
        live = [source for source in sextant.sources() if source.state != "retired"]
    found = [source.id for source in live if name in {source.id, source.name}]
    if not found:
        raise InvalidInput(f"There is no source '{name}'.", "Register it with `sextant govern URL`, or check the name.")
    return found[0]
