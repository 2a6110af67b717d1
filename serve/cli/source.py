"""`sextant source`: looking at sources, testing and tuning them, finding them in accounts, and sources as YAML."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Exit

from cluster.errors import InvalidInput
from serve.cli.files import text_of

if TYPE_CHECKING:  # the command line must answer at once: what a command needs is imported by the command
    from actors.sources.contract import HealthView
    from serve.client import Sextant

app = typer.Typer(help="Sources: health, tests, tuning, accounts, and sources as YAML.", no_args_is_help=True)
Source = Annotated[str, typer.Argument(help="Name or id of the source.")]


@app.command("list")
def list_sources() -> None:
    """List the sources in service and how they are."""
    with connected() as sextant:
        health = {one.source_id: one for one in sextant.places.health()}
        rows = [
            (one.id, one.name, one.kind, one.url, known.state, _ms(known.p95_ms), _until(known))
            for one in sextant.sources()
            if (known := health.get(one.id)) is not None
        ]
    show("Sources", ("Id", "Name", "Kind", "URL", "Health", "p95", "Credential"), rows)


@app.command()
def test(source: Source) -> None:
    """Test the connection and show each step; exit code 1 where one failed."""
    with connected() as sextant:
        found = sextant.places.test(source_id(source))
    rows = [
        (step.status, step.name, f"{step.duration_ms:.1f} ms", step.summary, step.diagnosis or "", step.remedy or "")
        for step in found.steps
    ]
    show("Connection test", ("Status", "Step", "Took", "Summary", "Diagnosis", "What to do"), rows)
    raise Exit(0 if found.passed else 1)


@app.command()
def health(source: Source, days: Annotated[int, typer.Option(min=1, max=35, help="Days to look back.")] = 30) -> None:
    """Show the availability of a source by day."""
    with connected() as sextant:
        found = sextant.places.availability(source_id(source), days)
    rows = [(day.day, day.probes, day.failures, _share(day.availability)) for day in found.days]
    show("Availability", ("Day", "Probes", "Failed", "Available"), rows)
    print(f"{_share(found.availability)} of {found.probes} probes; {found.covered:.1%} of the hours were watched.")


@app.command()
def tune(
    source: Source,
    most: Annotated[int, typer.Option(min=1, max=16, help="Most connections to try.")] = 8,
    apply: Annotated[bool, typer.Option(help="Put the advice to work.")] = False,
) -> None:
    """Measure a source for some seconds and say by how many connections, and how many rows at a time, to read it."""
    with connected() as sextant:
        identifier = source_id(source)
        found = sextant.places.tune(identifier, most)
        if found.advice is None:
            raise InvalidInput(found.problem.detail if found.problem else "There is no advice.", "See the test.")
        rows = [
            (
                one.connections,
                f"{one.rows_per_second:,.0f}",
                f"{one.bytes_per_second / 1e6:.1f}",
                one.p50_ms,
                one.p95_ms,
            )
            for one in found.points
        ]
        show("Measured", ("Connections", "Rows/s", "MB/s", "p50 ms", "p95 ms"), rows)
        print("\n".join(found.advice.reasons))
        if apply:
            sextant.places.apply_tuning(identifier, found.id)
            print(f"Applied: {found.advice.connections} connections, {found.advice.fetch_rows} rows at a time.")


@app.command()
def export() -> None:
    """Print the sources in service as YAML; credentials are not in it."""
    import yaml

    with connected() as sextant:
        document = sextant.places.document()
    for source in document["sources"]:
        source.pop("credential", None)
    print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="YAML as `export` prints it; - reads standard input.")],
    dry_run: Annotated[bool, typer.Option(help="Only say what would change.")] = False,
    prune: Annotated[bool, typer.Option(help="Retire the sources that it does not name.")] = False,
) -> None:
    """Make the sources what a document says, all of them or none; applied again it changes nothing."""
    sources = _document(sys.stdin.read() if str(file) == "-" else text_of(file))
    with connected() as sextant:
        report = sextant.places.apply(sources, prune=prune, dry_run=dry_run)
    rows = [(one.action, one.name, ", ".join(one.fields)) for one in report.changes]
    show("Would change" if dry_run else "Changed", ("Action", "Source", "Fields"), rows)


@app.command("accounts")
def list_accounts() -> None:
    """List the accounts that are looked through for sources."""
    with connected() as sextant:
        rows = [
            (one.id, one.name, one.provider, one.state, one.listed_at or "never") for one in sextant.places.accounts()
        ]
    show("Accounts", ("Id", "Name", "Provider", "State", "Looked through"), rows)


@app.command("add-account")
def add_account(  # noqa: PLR0917 - typer makes options of them
    name: Annotated[str, typer.Argument(help="Name of the account.")],
    provider: Annotated[str, typer.Argument(help="aws, azure, gcp, postgresql or folder.")],
    url: Annotated[str | None, typer.Option(help="URL of the server or folder.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Region to look into; may be repeated.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="key=value; may be repeated.")] = None,
    credential_env: Annotated[list[str] | None, typer.Option(help="field=VARIABLE that holds it.")] = None,
) -> None:
    """Register a cloud account, a server or a file share."""
    given = {field: _variable(variable) for field, variable in _pairs(credential_env).items()}
    with connected() as sextant:
        made = sextant.places.register_account(
            name, provider, url=url, regions=region or (), options=_pairs(option), credential=given
        )
    print(made.id)


@app.command("look-through")
def look_through(account: Annotated[str, typer.Argument(help="Id of the account.")]) -> None:
    """List what lies in an account, and what became of it."""
    with connected() as sextant:
        look = sextant.places.look_through(account)
        rows = [
            (
                one.id,
                one.status,
                one.kind,
                one.name,
                one.region or "",
                _yes(one.encrypted_at_rest),
                _yes(one.public_access),
            )
            for one in sextant.places.resources(account)
        ]
    show("Resources", ("Id", "Status", "Kind", "Name", "Region", "Encrypted", "Public"), rows)
    for problem in look.problems:
        print(f"{problem.path}: {problem.detail} {problem.remedy}", file=sys.stderr)


@app.command()
def adopt(resource: str, name: Annotated[str | None, typer.Option(help="Name of the source.")] = None) -> None:
    """Make a source of something that was found in an account."""
    with connected() as sextant:
        made = sextant.places.adopt(resource, name)
    print(f"{made.id}\t{made.name}\t{made.url}")


def connected() -> "Sextant":
    """A client of the instance."""
    from serve.cli.connection import connected as opened

    return opened()


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table, or lines for other programs."""
    from serve.cli import lists

    lists.show(title, columns, rows)


def source_id(name: str) -> str:
    """The id of a source in service that is given by its name or its id. Raises InvalidInput."""
    with connected() as sextant:
        for source in sextant.sources():
            if source.state != "retired" and name in {source.id, source.name}:
                return source.id
    raise InvalidInput(f"There is no source '{name}'.", "See `sextant source list`.")


def _document(text: str) -> list[dict[str, Any]]:
    import yaml

    from cluster.packs import NOT_YAML, Shallow

    try:
        found = yaml.load(text, Loader=Shallow)  # noqa: S506 - a SafeLoader
    except NOT_YAML:
        raise InvalidInput("The document is no YAML.", "See what `sextant source export` prints.") from None
    sources = found.get("sources") if isinstance(found, dict) else None
    if not isinstance(sources, list):
        raise InvalidInput("The document has no list `sources`.", "See what `sextant source export` prints.")
    return sources


def _pairs(given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or ()]
    if not all(separator for _, separator, _ in pairs):
        raise InvalidInput("An option has no value.", "Write key=value.")
    return {key: value for key, _, value in pairs}


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise InvalidInput(f"The environment variable {name} is not set.", "Set it.")
    return value


def _until(health: "HealthView") -> str:
    if health.credential_expires_at is None:
        return ""
    return f"{health.credential_state}, until {health.credential_expires_at:%Y-%m-%d}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} ms"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3%}"


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
