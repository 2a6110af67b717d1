"""Which instance the command line speaks to, and as whom."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.errors import Unauthenticated
from cluster.settings import settings

if TYPE_CHECKING:  # the command line must answer at once: what a command needs is imported by the command
    from serve.client import Sextant

PATIENCE_SECONDS = 30.0


def token_file() -> Path:
    """Where `sextant up` leaves the administrator's token, readable for its owner only."""
    return settings().home / "run" / "token"


def address() -> str:
    """SEXTANT_URL, else the address of the instance of this home. Raises Unavailable where none runs."""
    given = os.environ.get("SEXTANT_URL")
    if given:
        return given
    from cluster.runtime import instance  # only for an instance of this machine

    return url_of(settings().host, instance.enter(settings())["ports"]["http"])


def url_of(host: str, port: int) -> str:
    """The URL of an instance that listens on this address, for a client of the same machine."""
    reachable = "127.0.0.1" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 - compared, not listened on
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"


def token() -> str:
    """SEXTANT_TOKEN, else the administrator's token of this home. Raises Unauthenticated where there is none."""
    given = os.environ.get("SEXTANT_TOKEN")
    if given:
        return given
    try:
        return token_file().read_text("ascii").strip()
    except FileNotFoundError:
        raise Unauthenticated("There is no token.", "Set SEXTANT_TOKEN, or start with `sextant up`.") from None


def connected() -> "Sextant":
    """A client of that instance as that principal."""
    from serve.client import Sextant

    return Sextant(address(), token(), patience=PATIENCE_SECONDS)
