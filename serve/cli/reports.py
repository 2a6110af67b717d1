"""`sextant compliance export` and `report`: what is known of a source, for other tools and for people."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cluster.errors import InvalidInput
from serve.cli.connection import connected

Source = Annotated[str, typer.Argument(help="Id of the source.")]


def export(
    source: Source,
    form: Annotated[str, typer.Option("--format", help="oscal or sarif.")] = "oscal",
    framework: Annotated[str | None, typer.Option(help="Only this framework.")] = None,
) -> None:
    """Print the findings of a source as OSCAL assessment results or as SARIF."""
    with connected() as sextant:
        typer.echo(json.dumps(sextant.compliance.export(source, form, framework), ensure_ascii=False, indent=1))


def report(  # noqa: PLR0917
    source: Source,
    framework: Annotated[str, typer.Argument(help="Key of the framework, such as gdpr.")],
    form: Annotated[str, typer.Option("--format", help="pdf, html, csv, json, or evidence: json, signed.")] = "pdf",
    since: Annotated[str | None, typer.Option(help="Verdicts reached from then on (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Verdicts reached before.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it; a name of its own here if left out.")] = None,
) -> None:
    """Write a report of the posture and findings of a source by one framework."""
    with connected() as sextant:
        content = sextant.compliance.report(source, framework, form, since, until)
    place = out or Path(f"{framework}-{source}.{'evidence.json' if form == 'evidence' else form}")
    try:
        place.write_bytes(content)
    except OSError:
        raise InvalidInput(
            "The report could not be written there.", "Give --out a file in a folder of yours."
        ) from None
    typer.echo(str(place))
