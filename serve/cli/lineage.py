"""`sextant lineage`: where data comes from and goes to, what depends on it, and the lineage of a SQL file."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.errors import InvalidInput
from serve.cli.connection import connected
from serve.cli.files import text_of
from serve.cli.lists import show

app = typer.Typer(help="Lineage: up, down, impact, paths, SQL files, exports.", no_args_is_help=True)
Asset = Annotated[str, typer.Argument(help="Id of the asset, see `sextant catalog search`.")]
Column = Annotated[str | None, typer.Option(help="Follow this column alone.")]
Depth = Annotated[int, typer.Option(min=1, max=20, help="How many steps away at most.")]
At = Annotated[str | None, typer.Option(help="As of this time, such as 2026-11-01T00:00:00Z.")]
CUT = "There is more than was walked through: ask for a smaller depth."


@app.command("up")
def up(asset: Asset, column: Column = None, depth: Depth = 3, at: At = None) -> None:
    """Show what an asset or a column is made from."""
    _around(asset, "up", column, depth, at)


@app.command("down")
def down(asset: Asset, column: Column = None, depth: Depth = 3, at: At = None) -> None:
    """Show what is made from an asset or a column."""
    _around(asset, "down", column, depth, at)


def _around(asset: str, direction: str, column: str | None, depth: int, at: str | None) -> None:
    with connected() as sextant:
        view = sextant.lineage.around(asset, direction, column=column, depth=depth, at=at)
    far = {identifier: abs(steps) for identifier, steps in view.depths.items()}
    edges = sorted(view.edges, key=lambda edge: max(far.get(edge.from_asset, 0), far.get(edge.to_asset, 0)))
    rows = [
        (
            max(far.get(edge.from_asset, 0), far.get(edge.to_asset, 0)),
            _place(view.assets[edge.from_asset], edge.from_column), _place(view.assets[edge.to_asset], edge.to_column),
            edge.subtype + (" masked" if edge.masking else ""), edge.origin, f"{edge.confidence:.2f}",
        )
        for edge in edges
    ]  # fmt: skip
    show("Lineage", ("Steps", "From", "To", "How", "Told by", "Confidence"), rows)
    if not view.complete:
        typer.echo(CUT, err=True)


@app.command("impact")
def impact(asset: Asset, column: Column = None, depth: Depth = 20, at: At = None) -> None:
    """Count what depends on an asset or a column, by the number of steps."""
    with connected() as sextant:
        found = sextant.lineage.impact(asset, column=column, depth=depth, at=at)
    rows: list[tuple[object, ...]] = [
        (level.depth, level.assets, level.columns, level.indirect) for level in found.levels
    ]
    rows.append(("all", found.assets, found.columns, sum(level.indirect for level in found.levels)))
    show("Impact", ("Steps", "Assets", "Columns", "Only by filters and joins"), rows)
    if not found.complete:
        typer.echo(CUT, err=True)


@app.command("path")
def path(
    asset: Asset,
    to: Annotated[str, typer.Argument(help="Id of the asset that it leads to.")],
    column: Column = None,
    to_column: Annotated[str | None, typer.Option(help="The column that it leads to.")] = None,
    at: At = None,
) -> None:
    """Say by which way data comes from one asset to another; exit code 1 if there is none."""
    with connected() as sextant:
        found = sextant.lineage.path(asset, to, column=column, to_column=to_column, at=at)
    for step in found.steps:
        typer.echo(step.words)
    if not found.steps:
        typer.echo("There is no way from the one to the other.", err=True)
        raise typer.Exit(1)


@app.command("labels")
def labels(asset: Asset) -> None:
    """Show the classes that lineage carries to an asset's columns, and whether a scan found them there."""
    with connected() as sextant:
        found = sextant.lineage.labels(asset)
    rows = [(one.column, one.data_class, one.sensitivity, one.state, len(one.roots)) for one in found]
    show("Carried labels", ("Column", "Class", "Sensitivity", "State", "Roots"), rows)


@app.command("extract")
def extract(
    file: Annotated[Path, typer.Argument(help="File of SQL; - is standard input.")],
    dialect: Annotated[str | None, typer.Option(help="As sqlglot names it, such as postgres or snowflake.")] = None,
    schema: Annotated[Path | None, typer.Option(help="JSON file: types of columns by column, by table.")] = None,
) -> None:
    """Print the lineage of a SQL file, which is not kept; exit code 1 if part of it cannot be read."""
    sql = sys.stdin.read() if str(file) == "-" else text_of(file)
    told = None if schema is None else _json(schema)
    with connected() as sextant:
        found = sextant.lineage.extract(sql, dialect, told)
    rows = [
        (
            _place(edge["from_table"], edge["from_column"]), _place(edge["to_table"], edge["to_column"]),
            edge["subtype"] + (" masked" if edge["masking"] else ""), edge["statement"], f"{edge['confidence']:.2f}",
        )
        for edge in found["edges"]
    ]  # fmt: skip
    show("Lineage", ("From", "To", "How", "Statement", "Confidence"), rows)
    for error in found["errors"]:
        typer.echo(f"{file}:{error['line']}:{error['column']}: {error['message']}", err=True)
    raise typer.Exit(1 if found["errors"] else 0)


@app.command("export")
def export(
    asset: Asset,
    form: Annotated[str, typer.Option("--format", help="openlineage or graph.")] = "openlineage",
    direction: Annotated[str, typer.Option(help="up, down or both.")] = "both",
    depth: Depth = 3,
    at: At = None,
) -> None:
    """Print the lineage of an asset as OpenLineage events (one a line), or as a graph of nodes and edges."""
    with connected() as sextant:
        found = sextant.lineage.document(asset, form, direction=direction, depth=depth, at=at)
    for document in found["events"] if form == "openlineage" else [found]:
        typer.echo(json.dumps(document))


def _place(name: str, column: str | None) -> str:
    return f"{name}.{column}" if column and column != "*" else name


def _json(file: Path) -> Any:
    try:
        return json.loads(text_of(file))
    except json.JSONDecodeError:
        raise InvalidInput(f"{file} is no JSON.", 'Write {"table": {"column": "type"}}.') from None
