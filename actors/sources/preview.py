"""Showing rows of an asset: how each column may be shown, and masking in the worker, before a value leaves it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from actors.sources.contract import AskPreview
from actors.sources.standing import in_service
from actors.sources.tables import Inventory
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.errors import NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import Done, UnitOfWork

Treatment = Literal["shown", "shape", "hidden"]
REVEAL = "sources:reveal"
HIDDEN = "•••"
MOST_CHARACTERS = 120
_SHAPE = tuple((re.compile(pattern), mark) for pattern, mark in ((r"[^\W\d_]", "x"), (r"\d", "9")))


def ask_preview(work: UnitOfWork, command: AskPreview) -> Done:
    """Notes who is to see what, before anything is read."""
    if command.reveal:
        work.caller.require(REVEAL)
    in_service(work, command.source_id)
    item = work.session.get(Inventory, command.asset_id)
    if item is None or item.source_id != command.source_id:
        raise NotFound("The source has no such asset.", "List its inventory.")
    told = {
        "source_id": command.source_id, "rows": command.rows, "masked": len(command.masked), "revealed": command.reveal,
    }  # fmt: skip
    work.emit("previewed", asset_entity(command.asset_id), after=told)
    return Done()


def treatment(sensitivities: set[str], *, scanned: bool, reveal: bool) -> Treatment:
    """How a column is shown. One that was not scanned may hold anything, and is treated so."""
    if reveal:
        return "shown"
    if not scanned or sensitivities & {"Restricted", "Confidential"}:
        return "hidden"
    return "shape" if sensitivities - {"Public"} else "shown"


def within(found: list[dict[str, Any]], only: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """The rows whose value in each of these columns is one of those given."""
    return [row for row in found if all(str(row.get(column)) in values for column, values in only.items())]


def masked(value: Any, how: Treatment) -> str | None:
    """A value as it is shown, as text of bounded length; null stays null."""
    if value is None:
        return None
    if how == "hidden":
        return HIDDEN
    text = (value.hex() if isinstance(value, bytes) else str(value))[:MOST_CHARACTERS]
    if how == "shape":
        for pattern, mark in _SHAPE:
            text = pattern.sub(mark, text)
    return text


def preview_rows(
    access: SourceAccess,
    asset: AssetInfo,
    rows: int,
    columns: Mapping[str, Treatment],
    only: Sequence[Mapping[str, tuple[str, ...]]] = (),
) -> tuple[list[str], list[list[str | None]]]:
    """Names and the first rows, each value treated as its column is; a column that is not named is hidden.

    Of those rows only the ones that are within all of `only`.
    Runs in a worker. Raises SourceError.
    """
    from cluster.connectors.opening import opened

    with opened(access, None, "scan") as connector:
        head = getattr(connector, "head", None)  # those for which a plan would read all of the asset have one
        if head is not None:
            found = head(asset, rows)
        else:
            parts = connector.plan(asset, 1 << 40)
            batches = (batch for part in parts for batch in connector.read(part, max(rows, 256), 1 << 20))
            found = next((batch.slice(0, rows).to_pylist() for batch in batches if batch.num_rows), [])
    for allowed in only:
        found = within(found, allowed)
    names = [column.name for column in asset.columns] or (list(found[0]) if found else [])
    shown = [[masked(row.get(name), columns.get(name, "hidden")) for name in names] for row in found]
    return names, shown
