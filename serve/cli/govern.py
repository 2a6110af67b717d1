"""`sextant govern URL`: one source through all eight phases, watched live, with a summary at the end."""

import os
from pathlib import Path

from rich.console import Console

from cluster.errors import ConfigurationError, InvalidInput
from serve.cli.connection import connected, token_file
from serve.cli.progress import LinePrinter, LiveView, Watcher
from serve.cli.summary import gather, render


def govern(
    url: str, *, name: str | None, username: str | None, password_env: str | None, options: list[str], ruleset: str
) -> int:
    """Registers or finds the source, starts its workflow, follows it and says what came of it.

    The exit code is 0 if the workflow succeeded, also where parts of the source could not be read; 1 if it failed.
    """
    console = Console()
    watcher: Watcher = LiveView(console) if console.is_terminal else LinePrinter(console)
    with connected() as sextant:
        started = sextant.govern(
            absolute(url), name=name, username=username, password=_password(password_env), options=_parsed(options),
            ruleset=ruleset,
        )  # fmt: skip
        workflow = started
        with watcher:
            for progress in sextant.follow(started.id):
                watcher.show(progress)
                workflow = progress.workflow
        render(console, gather(sextant, workflow))
        console.print(f"Go on at {sextant.http.url}/api/v1 with the token {_whereabouts()}.", highlight=False)
    return 0 if workflow.state in {"succeeded", "partial"} else 1


def absolute(url: str) -> str:
    """A folder or file of this machine as an absolute file: URL, since the instance runs in another directory."""
    if "://" in url or url.startswith("file:"):
        return url
    path = Path(url).expanduser()
    if not path.exists():
        raise InvalidInput("This is neither a URL nor a folder or file that exists.", "Check the spelling.")
    return path.resolve().as_uri()


def _password(variable: str | None) -> str | None:
    if variable is None:
        return None
    if variable not in os.environ:
        raise ConfigurationError(f"The environment variable {variable} is not set.", "Set it to the password.")
    return os.environ[variable]


def _parsed(options: list[str]) -> dict[str, str]:
    parsed = dict(option.partition("=")[::2] for option in options)
    if any(not key or "=" not in option for key, option in zip(parsed, options, strict=False)):
        raise InvalidInput("An --option is not of the form key=value.", "Write for example --option sslmode=require.")
    return parsed


def _whereabouts() -> str:
    return "in SEXTANT_TOKEN" if os.environ.get("SEXTANT_TOKEN") else f"in {token_file()}"
