"""`sextant key`: the master keys that credentials are sealed with."""

from typing import TYPE_CHECKING, Annotated

import typer

from serve.cli.connection import connected
from serve.cli.lists import show

if TYPE_CHECKING:  # the command line must answer at once: what a command needs is imported by the command
    from actors.sources.contract import KeyRingView

app = typer.Typer(help="The master keys that credentials are sealed with.", no_args_is_help=True)


@app.command("list")
def list_keys() -> None:
    """List the master keys by their ids, the current one first, and how many credentials each wraps.

    Secrets of orders that are not done yet are counted as credentials.
    """
    with connected() as sextant:
        _show(sextant.master_keys())


@app.command()
def rotate(
    data_keys: Annotated[bool, typer.Option(help="Encrypt every credential anew too.")] = False,
    keep: Annotated[bool, typer.Option(help="Make no new master key; only use the current one everywhere.")] = False,
) -> None:
    """Make a new master key and wrap all credentials with it; the old ones stay until they are dropped."""
    with connected() as sextant:
        found = sextant.rotate_keys(new_master_key=not keep, new_data_keys=data_keys)
    print(f"{found.changed} credentials were wrapped anew.")
    _show(found)


@app.command()
def drop(key: Annotated[str, typer.Argument(help="Id of a key that wraps nothing any more.")]) -> None:
    """Take a master key away."""
    with connected() as sextant:
        _show(sextant.drop_key(key))


def _show(ring: "KeyRingView") -> None:
    rows = [(key.id, "current" if key.current else "", key.credentials) for key in ring.keys]
    show("Master keys", ("Id", "", "Credentials"), rows)
    if ring.lost:
        print(f"{ring.lost} credentials are sealed with a key that is gone; set them again.")
