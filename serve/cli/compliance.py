"""`sextant compliance`: posture, what is on record, policies, and orders with their decisions."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from cluster.errors import InvalidInput
from cluster.packs import NOT_YAML, Shallow
from serve.cli import reports
from serve.cli.connection import connected
from serve.cli.files import text_of
from serve.cli.lists import show

if TYPE_CHECKING:  # the command line must answer at once: what a command needs is imported by the command
    from actors.compliance.contract import OrderView

app = typer.Typer(help="Compliance: posture, records, policies and orders.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A YAML file.", exists=True, dir_okay=False)]
Source = Annotated[str, typer.Argument(help="Id of the source.")]
OrderId = Annotated[str, typer.Argument(help="Id of the order.")]
Username = Annotated[str | None, typer.Option(help="Account that may change the source.")]
PasswordEnv = Annotated[str | None, typer.Option(help="Environment variable that holds its password.")]
POLL_SECONDS = 0.5


@app.command("frameworks")
def frameworks() -> None:
    """List frameworks with how much of them facts decide."""
    with connected() as sextant:
        rows = [
            (
                one.key,
                one.version,
                len(one.controls),
                sum(1 for c in one.controls if c.automation != "manual"),
                one.title,
            )
            for one in sextant.frameworks()
        ]
    show("Frameworks", ("Key", "Version", "Controls", "By facts", "Title"), rows)


@app.command("posture")
def posture(source: Source, framework: Annotated[str | None, typer.Option(help="Only this framework.")] = None) -> None:
    """Show the verdict of every control for a source."""
    with connected() as sextant:
        found = [one for one in sextant.posture(source) if framework in {None, one.framework}]
    for one in found:
        rows = [
            (c.control, c.verdict, c.failing, c.insufficient, "yes" if c.attested else "", c.title)
            for c in one.controls
        ]
        heading = (
            f"{one.framework}: {one.coverage:.0%} of the controls decided, {one.covered:.0%} of those by facts covered"
        )
        show(heading, ("Control", "Verdict", "Failing", "Unknown", "Attested", "Title"), rows)


app.command("export")(reports.export)
app.command("report")(reports.report)


@app.command("records")
def records(kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None) -> None:
    """List what is on record."""
    with connected() as sextant:
        rows = [(one.id, one.kind, one.name, one.version, one.by) for one in sextant.compliance.records(kind)]
    show("Records", ("Id", "Kind", "Name", "Version", "By"), rows)


@app.command("keep")
def keep(
    file: File,
    record_id: Annotated[str | None, typer.Option("--id", help="The record to change; else a new one.")] = None,
) -> None:
    """Put something on record from a file: `kind: activity` and its fields, one document or several."""
    with connected() as sextant:
        for body in _documents(file):
            kept = sextant.compliance.keep(body, record_id)
            typer.echo(f"{kept.kind} '{kept.name}' has version {kept.version} ({kept.id}).")


@app.command("end")
def end(record_id: Annotated[str, typer.Argument(help="Id of the record.")]) -> None:
    """Take a record out of force."""
    with connected() as sextant:
        ended = sextant.compliance.end(record_id)
    typer.echo(f"{ended.kind} '{ended.name}' counts no more.")


@app.command("import")
def import_framework(file: File) -> None:
    """Import a framework of your own from one file."""
    with connected() as sextant:
        made = sextant.compliance.import_framework(text_of(file))
    typer.echo(f"{made.title} {made.version}: {len(made.controls)} controls, as '{made.key}'.")


@app.command("deadlines")
def deadlines() -> None:
    """List what has to be done by when; exit code 1 if something is overdue."""
    with connected() as sextant:
        found = sextant.compliance.deadlines()
    rows = [(one.due_at.date(), one.state, one.kind, one.name) for one in found]
    show("Deadlines", ("Due", "State", "Kind", "What"), rows)
    raise typer.Exit(1 if any(one.state == "overdue" for one in found) else 0)


@app.command("contradictions")
def contradictions() -> None:
    """List policies that contradict each other; exit code 1 if there are any."""
    with connected() as sextant:
        found = sextant.compliance.contradictions()
    for one in found:
        typer.echo(one.reason)
    raise typer.Exit(1 if found else 0)


@app.command("enforce")
def enforce(
    source: Source,
    policy: Annotated[list[str] | None, typer.Option(help="Id of a policy; all if none is named.")] = None,
    username: Username = None,
    password_env: PasswordEnv = None,
    take_from_public: Annotated[bool, typer.Option(help="Revoke from PUBLIC where it would defeat the order.")] = False,
) -> None:
    """Plan to carry policies out in a PostgreSQL source, and show what would be done."""
    body = {"source_id": source, "policies": policy or [], "take_from_public": take_from_public}
    _placed("enforcements", body | {"credential": _credential(username, password_env)})


@app.command("retain")
def retain(
    source: Source,
    retention: Annotated[str, typer.Argument(help="Id of the retention.")],
    username: Username = None,
    password_env: PasswordEnv = None,
) -> None:
    """Plan to delete what is too old, and show what is due."""
    credential = _credential(username, password_env)
    _placed("retentions", {"source_id": source, "retention_id": retention, "credential": credential})


@app.command("subject")
def subject(
    key_env: Annotated[list[str], typer.Option(help="Environment variable that holds a value which singles them out.")],
    erase: Annotated[bool, typer.Option(help="Plan to erase what is found.")] = False,
    source: Annotated[list[str] | None, typer.Option(help="Id of a source; all if none is named.")] = None,
) -> None:
    """Look for a person in all sources; with --erase plan to erase them. Values are taken from the environment."""
    body = {"kind": "erasure" if erase else "access", "keys": [_secret(name) for name in key_env]}
    _placed("subjects", body | {"sources": source or []})


@app.command("approve")
def approve(order_id: OrderId) -> None:
    """Approve a planned order, have it done, and show the proof. Who asked for it cannot."""
    with connected() as sextant:
        sextant.compliance.decide(order_id, True)
        _show(_ended(sextant, order_id, "approved"))


@app.command("refuse")
def refuse(order_id: OrderId) -> None:
    """Refuse a planned order."""
    with connected() as sextant:
        _show(sextant.compliance.decide(order_id, False))


@app.command("orders")
def orders(state: Annotated[str | None, typer.Option(help="Only in this state.")] = None) -> None:
    """List orders."""
    with connected() as sextant:
        rows = [
            (one.id, one.kind, one.state, one.requested_by, one.approved_by or "")
            for one in sextant.compliance.orders(state)
        ]
    show("Orders", ("Id", "Kind", "State", "Asked by", "Approved by"), rows)


def _placed(kind: str, body: dict[str, Any]) -> None:
    with connected() as sextant:
        order = sextant.compliance.place(kind, body)
        _show(_ended(sextant, order.id, "planning"))


def _ended(sextant: Any, order_id: str, state: str) -> "OrderView":
    while True:
        order: OrderView = sextant.compliance.order(order_id)
        if order.state != state:
            return order
        time.sleep(POLL_SECONDS)


def _show(order: "OrderView") -> None:
    typer.echo(f"{order.kind} {order.id}: {order.state}{f'. {order.problem}' if order.problem else ''}")
    told = order.outcome or order.plan
    if told:
        typer.echo(yaml.safe_dump(told, sort_keys=False, allow_unicode=True).rstrip())
    if order.state == "failed":
        raise typer.Exit(1)


def _documents(file: Path) -> list[dict[str, Any]]:
    try:
        return [one for one in yaml.load_all(text_of(file), Loader=Shallow) if one]
    except NOT_YAML as error:
        raise InvalidInput(f"{file.name} is not YAML ({type(error).__name__}).", "Correct the file.") from None


def _credential(username: str | None, password_env: str | None) -> dict[str, str]:
    if username is None:
        return {}
    return {"username": username} | ({"password": _secret(password_env)} if password_env else {})


def _secret(name: str) -> str:
    import os

    value = os.environ.get(name)
    if not value:
        raise InvalidInput(
            f"The environment variable '{name}' is not set.", "Set it, so that no value is in the history."
        )
    return value
