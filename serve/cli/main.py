"""`sextant`: the command line. Errors are one line that says what happened and what to do, never a traceback."""

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from typer.exceptions import Abort, Exit, TyperException

from cluster.errors import SextantError
from serve.cli.catalog import app as catalog_app
from serve.cli.compliance import app as compliance_app
from serve.cli.key import app as key_app
from serve.cli.lineage import app as lineage_app
from serve.cli.model import app as model_app
from serve.cli.scan import app as scan_app
from serve.cli.source import app as source_app

app = typer.Typer(
    name="sextant",
    help="Data governance on Ray: what you have, what it holds, what the law says, what to do next.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(f"sextant {installed('sextant')}")


@app.command()
def up() -> None:
    """Start PostgreSQL, Ray and the HTTP API, and leave them running."""
    from serve.cli import instance

    instance.up()


@app.command()
def down() -> None:
    """Stop what `up` started; the data stays."""
    from serve.cli import instance

    instance.down()


@app.command()
def status() -> None:
    """Say what is running and whether it answers."""
    from serve.cli import instance

    instance.status()


@app.command()
def govern(  # noqa: PLR0917 - typer makes options of them
    url: Annotated[
        str, typer.Argument(help="Database, folder or bucket, such as postgresql://user@host/db or ./data.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the source.")] = None,
    username: Annotated[str | None, typer.Option(help="User to sign in as.")] = None,
    password_env: Annotated[str | None, typer.Option(help="Environment variable that holds the password.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="Connection option as key=value; may be repeated.")] = None,
    ruleset: Annotated[str, typer.Option(help="Rule set to scan with.")] = "default",
) -> None:
    """Take a source through all eight phases and show what came of it."""
    from serve.cli import govern as governing

    code = governing.govern(
        url, name=name, username=username, password_env=password_env, options=option or [], ruleset=ruleset
    )
    raise typer.Exit(code)


@app.command()
def findings(
    framework: Annotated[str | None, typer.Option(help="Only this framework.")] = None,
    verdict: Annotated[str | None, typer.Option(help="PASS, FAIL, NOT_APPLICABLE or INSUFFICIENT_EVIDENCE.")] = "FAIL",
    limit: Annotated[int, typer.Option(min=1, help="Most lines.")] = 50,
) -> None:
    """List findings."""
    from serve.cli import lists

    lists.findings(framework, verdict, limit)


@app.command()
def labels(
    data_class: Annotated[str | None, typer.Option("--class", help="Only this class.")] = None,
    state: Annotated[str | None, typer.Option(help="automatic, review, confirmed or rejected.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most lines.")] = 50,
) -> None:
    """List labels of columns."""
    from serve.cli import lists

    lists.labels(data_class, state, limit)


@app.command()
def why(label: Annotated[str, typer.Argument(help="Id of the label, as `GET /labels` shows it.")]) -> None:
    """Say why a column carries its label."""
    from serve.cli import lists

    lists.why(label)


app.add_typer(compliance_app, name="compliance")
app.add_typer(source_app, name="source")
app.add_typer(catalog_app, name="catalog")
app.add_typer(lineage_app, name="lineage")
app.add_typer(scan_app, name="scan")
app.add_typer(model_app, name="model")
token_app = typer.Typer(help="API tokens.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit chain.", no_args_is_help=True)
app.add_typer(key_app, name="key")
app.add_typer(token_app, name="token")
app.add_typer(audit_app, name="audit")


@token_app.command("create")
def token_create(
    principal: Annotated[str, typer.Argument(help="Who the token is for.")],
    role: Annotated[list[str], typer.Option(help="Role; may be repeated. They replace the principal's roles.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never if left out.")] = None,
) -> None:
    """Make a token and print it: it cannot be shown again."""
    from serve.cli import lists

    lists.create_token(principal, role, days)


@token_app.command("list")
def token_list() -> None:
    """List tokens without their secrets."""
    from serve.cli import lists

    lists.tokens()


@token_app.command("revoke")
def token_revoke(token_id: Annotated[str, typer.Argument(help="Id of the token.")]) -> None:
    """Make a token worthless."""
    from serve.cli import lists

    lists.revoke_token(token_id)


@audit_app.command("verify")
def audit_verify() -> None:
    """Walk the audit chain; exit code 1 if it is broken."""
    from serve.cli import lists

    raise typer.Exit(lists.verify_audit())


def main() -> None:
    """The entry point: exit code 0, 1 for what went wrong, 2 for a command line that is not right, 130 for Ctrl-C."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code."""
    return run_safely(lambda: app(arguments, standalone_mode=False))


def run_safely(command: Callable[[], object]) -> int:  # noqa: PLR0911 - one for each way a command can end
    """Runs a command and returns its exit code; whatever goes wrong becomes one line."""
    try:
        result = command()
        return result if isinstance(result, int) else 0
    except Exit as ended:
        return ended.exit_code
    except (Abort, KeyboardInterrupt):
        return complain("Interrupted.", "What was started goes on; see `sextant status`.", 130)
    except TyperException as error:
        return complain(error.format_message(), "See `sextant --help`.", 2)
    except SextantError as error:
        return complain(error.detail, error.remedy, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("SEXTANT_TRACEBACK"):
            raise
        # The text of an unexpected error may quote data: only its type is shown.
        return complain(f"It failed in a way that nobody foresaw ({type(error).__name__}).", HINT, 1)


HINT = "Report this with what `SEXTANT_TRACEBACK=1` before the command shows."


def complain(detail: str, remedy: str, code: int) -> int:
    """One line on standard error."""
    line = " ".join(f"sextant: {detail} {remedy}".split())
    print(line, file=sys.stderr)
    return code
