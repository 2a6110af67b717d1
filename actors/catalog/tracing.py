"""Questions about lineage that follow columns: what depends on one, and by which way one comes from another."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from actors.catalog.assets import EVERYBODY
from actors.catalog.contract import ImpactLevel, ImpactView, PathStep, PathView
from actors.catalog.graph import DEEPEST, MOST_EDGES, Found, Place, beside, leading, place_row, viewed
from cluster.context import Caller

_DOES: Final = {
    "IDENTITY": "is copied to", "TRANSFORMATION": "is transformed into", "AGGREGATION": "is aggregated into",
    "CONDITIONAL": "decides the value of", "WINDOW": "orders or parts the window of", "SORT": "sorts",
    "GROUP_BY": "groups", "FILTER": "filters", "JOIN": "joins the rows of",
}  # fmt: skip


def impact(  # noqa: PLR0917
    session: Session, asset_id: str, column: str | None = None, depth: int = DEEPEST,
    at: datetime | None = None, caller: Caller = EVERYBODY,
) -> ImpactView:  # fmt: skip
    """How much depends on an asset, or on one of its columns, by the number of steps. Raises NotFound.

    An edge of a whole asset carries on every column of it; one that filters or joins concerns the asset as a whole.
    """
    start: Place = (asset_id, column)
    place_row(session, start, caller)
    places: dict[Place, int] = {start: 0}
    assets: dict[str, tuple[int, bool]] = {asset_id: (0, True)}
    frontier, count, complete = [start], 0, True
    for steps in range(1, max(1, min(depth, DEEPEST)) + 1):
        rows = beside(session, sorted({asset for asset, _ in frontier}), "down", at, caller)
        complete = complete and count + len(rows) <= MOST_EDGES
        rows = rows[: MOST_EDGES - count]
        count += len(rows)
        fresh: list[Place] = []
        for row in leading(rows, frontier, "down"):
            place = (row.to_asset, row.to_column)
            direct = row.transformation == "DIRECT"
            known = assets.get(row.to_asset)
            if known is None or (known[0] == steps and direct and not known[1]):
                assets[row.to_asset] = (steps, direct)
            if place not in places:
                places[place] = steps
                fresh.append(place)
        frontier = fresh
        if not frontier or not complete:
            break
    return _impact(asset_id, column, places, assets, complete)


def _impact(
    root: str, column: str | None, places: dict[Place, int], assets: dict[str, tuple[int, bool]], complete: bool
) -> ImpactView:
    deepest = max(places.values())
    levels = tuple(
        ImpactLevel(
            depth=depth,
            assets=sum(steps == depth for steps, _ in assets.values()),
            columns=sum(steps == depth and place[1] is not None for place, steps in places.items()),
            indirect=sum(steps == depth and not direct for steps, direct in assets.values()),
        )
        for depth in range(1, deepest + 1)
    )
    total = sum(level.columns for level in levels)
    return ImpactView(root=root, column=column, assets=len(assets) - 1, columns=total, levels=levels, complete=complete)


def path(
    session: Session, origin: Place, target: Place, at: datetime | None = None, caller: Caller = EVERYBODY
) -> PathView:
    """The shortest way by which the target comes from the origin, looked for from the target up. Raises NotFound."""
    for place in (origin, target):
        place_row(session, place, caller)
    by: dict[Place, tuple[Found, Place]] = {}
    seen, frontier, count = {target}, [target], 0
    for _ in range(DEEPEST):
        rows = beside(session, sorted({asset for asset, _ in frontier}), "up", at, caller)
        count += len(rows)
        fresh: list[Place] = []
        for place in frontier:
            for row in leading(rows, [place], "up"):
                there = (row.from_asset, row.from_column)
                if row.from_asset == origin[0] and (origin[1] is None or row.from_column in (origin[1], None)):
                    by[origin] = (row, place)
                    return _explained(origin, target, by)
                if there not in seen:
                    seen.add(there)
                    by[there] = (row, place)
                    fresh.append(there)
        frontier = fresh
        if not frontier or count >= MOST_EDGES:
            break
    return PathView(steps=())


def _explained(origin: Place, target: Place, by: dict[Place, tuple[Found, Place]]) -> PathView:
    steps: list[PathStep] = []
    at = origin
    while at != target:
        row, at = by[at]
        steps.append(PathStep(edge=viewed(row), from_name=row.from_name, to_name=row.to_name, words=_words(row)))
    return PathView(steps=tuple(steps))


def _words(row: Any) -> str:
    start = f"{row.from_name}.{row.from_column}" if row.from_column else row.from_name
    end = f"{row.to_name}.{row.to_column}" if row.to_column else row.to_name
    how = {"view": "by the view's definition", "openlineage": "as a job told", "manual": f"as {row.author} says",
           "query": "as queries of the source do"}.get(row.origin, row.origin)  # fmt: skip
    return f"{start} {_DOES.get(row.subtype, 'goes into')} {end}{' without being shown' if row.masking else ''}, {how}"
