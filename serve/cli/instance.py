"""`sextant up`, `down` and `status`: the instance of this machine."""

import asyncio
import os

from pydantic import SecretStr
from rich.console import Console

from actors.orchestrator.contract import CreateToken
from cluster.context import Caller, new_id
from cluster.errors import SextantError, Unauthenticated
from cluster.runtime import instance
from cluster.settings import settings
from serve.cli.connection import token_file, url_of
from serve.cli.lists import show
from serve.client import Sextant
from serve.http.doors import SendCommand
from serve.http.tokens import secret_for

ADMINISTRATOR = "admin"


def up() -> None:
    """Brings up what does not run yet, makes the administrator's token if there is none, says where it listens."""
    console = Console()

    def deploy() -> None:
        from cluster.runtime.doors import send
        from serve import application

        application.deploy(settings().host, instance.enter(settings())["ports"]["http"])
        if not _valid_token():
            asyncio.run(_issue(send))

    instance.up(settings(), deploy, lambda step: console.print(f"{step} ...", highlight=False))
    console.print(f"Sextant listens on {_url()}; the administrator's token is in {token_file()}.", highlight=False)


def _url() -> str:
    return url_of(settings().host, instance.enter(settings())["ports"]["http"])


def _valid_token() -> bool:
    try:
        secret = token_file().read_text("ascii").strip()
        with Sextant(_url(), secret, patience=30) as sextant:
            sextant.status()
    except (FileNotFoundError, Unauthenticated):
        return False
    return True


async def _issue(send: SendCommand) -> None:
    caller = Caller(principal="bootstrap", permissions=frozenset({"access:write"}), operation_id=new_id())
    secret = secret_for(caller)
    await send(CreateToken(principal=ADMINISTRATOR, roles=("admin",), secret=SecretStr(secret)), caller)
    draft = token_file().with_suffix(".new")
    draft.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secret + "\n")
    draft.replace(token_file())


def down() -> None:
    """Stops the instance of this home and says how many processes it had."""
    stopped = instance.down(settings())
    print(f"Stopped {stopped} processes." if stopped else f"Nothing was running in {settings().home}.")


def status() -> None:
    """What runs on this machine, and what the API says of itself."""
    found = instance.status(settings())
    rows = [
        (kind, f"{figures['processes']:.0f}", f"{figures['rss_mb']:.0f}", f"{figures['pss_mb']:.0f}")
        for kind, figures in sorted(found["kinds"].items())
    ]
    if not rows:
        print(f"Nothing is running in {found['home']}.")
        return
    total = sum(figures["rss_mb"] for figures in found["kinds"].values())
    show(f"Processes ({total:.0f} MB resident)", ("Kind", "Processes", "RSS MB", "PSS MB"), rows)
    try:
        with Sextant(_url(), token_file().read_text("ascii").strip(), patience=2) as sextant:
            told = sextant.status()
    except (FileNotFoundError, SextantError) as error:
        print(f"The API at {_url()} does not answer: {error}")
        return
    silent = [group["group"] for group in told["groups"] if not group["reachable"]]
    groups = f"these groups do not answer: {', '.join(silent)}" if silent else f"{len(told['groups'])} groups answer"
    print(f"The API at {_url()} answers: version {told['version']}, {told['database']}, {groups}.")
