"""`sextant catalog`: searching, what changed, quality, incidents, and the glossary and the catalog as files."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from serve.cli.connection import connected
from serve.cli.files import text_of
from serve.cli.lists import show

app = typer.Typer(help="The catalog: search, history, quality, incidents, glossary.", no_args_is_help=True)
Asset = Annotated[str, typer.Argument(help="Id of the asset, see `sextant catalog search`.")]
POLL_SECONDS = 0.5


@app.command("search")
def search(
    question: Annotated[list[str], typer.Argument(help="Words, or a sentence.")],
    kind: Annotated[str | None, typer.Option(help="table, view, file, dashboard, glossary_term ...")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most lines.")] = 20,
) -> None:
    """Find assets by words or by what they mean."""
    with connected() as sextant:
        found = sextant.catalog.search(" ".join(question), limit, kind=kind)
    rows = [(one.id, one.path, one.kind, one.sensitivity or "", one.lifecycle, one.rows or "") for one in found]
    show("Assets", ("Id", "Path", "Kind", "Sensitivity", "Lifecycle", "Rows"), rows)


@app.command("history")
def history(asset: Asset, limit: Annotated[int, typer.Option(min=1, help="Most lines.")] = 50) -> None:
    """Say what each version of an asset changed, and who changed it."""
    with connected() as sextant:
        changes = [change for change, _ in zip(sextant.catalog.history(asset), range(limit), strict=False)]
    rows = [
        (one.version, f"{one.at:%Y-%m-%d %H:%M}", one.kind, one.principal, ", ".join(sorted(one.changes)))
        for one in changes
    ]
    show("History", ("Version", "At", "By", "Principal", "Changed"), rows)


@app.command("restore")
def restore(asset: Asset, version: Annotated[int, typer.Argument(min=1, help="Version to go back to.")]) -> None:
    """Make people's words on an asset those of an older version again."""
    with connected() as sextant:
        view = sextant.catalog.restore(asset, version)
    typer.echo(f"{view.path} is at version {view.version}, with the words of version {version}.")


@app.command("check")
def check(
    asset: Asset,
    suggest: Annotated[bool, typer.Option(help="First add the tests that the last census suggests.")] = False,
    fresh: Annotated[bool, typer.Option(help="Read the asset even where profiles would decide.")] = False,
) -> None:
    """Run the quality tests of an asset; exit code 1 if one does not pass."""
    with connected() as sextant:
        if suggest:
            typer.echo(f"{sextant.catalog.suggest_tests(asset).changed} tests added.")
        run = sextant.catalog.run_tests(asset, fresh=fresh)
        while run.state == "pending":
            time.sleep(POLL_SECONDS)
            run = sextant.catalog.quality_run(run.id)
    rows = [
        (one.test_id, one.status, one.method, "" if one.observed is None else f"{one.observed:g}",
         "" if one.failed_rows is None else one.failed_rows, one.reason or "")
        for one in run.results
    ]  # fmt: skip
    show("Tests", ("Test", "Status", "By", "Observed", "Failed rows", "Why"), rows)
    if run.problem:
        typer.echo(run.problem, err=True)
    raise typer.Exit(0 if run.state == "succeeded" and all(one.status == "Success" for one in run.results) else 1)


@app.command("incidents")
def incidents(
    state: Annotated[str | None, typer.Option(help="New, Ack, Assigned or Resolved.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most lines.")] = 50,
) -> None:
    """List incidents, the newest first."""
    with connected() as sextant:
        found = [one for one, _ in zip(sextant.catalog.incidents(state=state), range(limit), strict=False)]
    rows = [(one.id, one.state, one.severity, one.asset, one.owner or "", one.title) for one in found]
    show("Incidents", ("Id", "State", "Severity", "Asset", "Owner", "Title"), rows)


@app.command("glossary")
def glossary(
    load: Annotated[Path | None, typer.Option("--import", help="File to take in: .csv, .ttl, .rdf or .jsonld.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv, turtle, rdfxml or jsonld, for printing.")] = "csv",
) -> None:
    """Print the glossary, or take one in from a file."""
    with connected() as sextant:
        if load is None:
            sys.stdout.write(sextant.catalog.export_glossary(form))
            return
        told = {".csv": "csv", ".ttl": "turtle", ".rdf": "rdfxml", ".xml": "rdfxml", ".jsonld": "jsonld"}.get(
            load.suffix.lower(), "csv"
        )
        receipt = sextant.catalog.import_glossary(text_of(load), told)
    typer.echo(f"{receipt.entries} terms, {receipt.changed} of them new or changed.")


@app.command("export")
def export(form: Annotated[str, typer.Option("--format", help="dcat or csv.")] = "dcat") -> None:
    """Print the catalog as DCAT 3 (a JSON-LD document a line) or as CSV."""
    with connected() as sextant:
        for place, text in enumerate(sextant.catalog.export(form)):
            lines = text.splitlines(keepends=True) if form == "csv" else [text.replace("\n", " ") + "\n"]
            sys.stdout.writelines(lines[1:] if form == "csv" and place else lines)
