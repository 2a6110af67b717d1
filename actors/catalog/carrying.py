"""Labels that lineage carries, kept up to date with labels, edges and scans, downstream of what changed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, String, any_, bindparam, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from actors.catalog.assets import EVERYBODY, asset_row
from actors.catalog.contract import CarriedLabelView
from actors.catalog.tables import Asset, CarriedLabel, Edge, Profile, ShownLabel
from cluster.context import Caller
from cluster.lineage.labels import SURE_ENOUGH, Carried, Flow, Label, Place, carry
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import hidden

PASSING: Final = (
    Edge.valid_to.is_(None), Edge.transformation == "DIRECT", Edge.subtype.in_(("IDENTITY", "TRANSFORMATION")),
    Edge.masking.is_(False), Edge.confidence >= SURE_ENOUGH, Edge.from_column.is_not(None), Edge.to_column.is_not(None),
)  # fmt: skip


def carry_labels(work: UnitOfWork, assets: Iterable[str]) -> int:
    """Brings the carried labels of these assets and of all downstream of them up to date; how many are different now.

    Everything downstream is found anew from labels of its own right, so that a class whose last way is gone goes too,
    also out of a cycle.
    """
    session = work.session
    session.flush()
    affected = _downstream(session, sorted(set(assets)))
    flows = _flows(session, affected)
    held = session.scalars(select(CarriedLabel).where(_among(CarriedLabel.asset_id, affected))).all()
    if not flows and not held:
        return 0
    sources = {flow.from_asset for flow in flows}
    own, rejected = _own(session, sources.union(affected))
    refuted = _refuting(
        {(each.asset, each.column, each.data_class) for each in own}, rejected, _seen(session, affected)
    )
    given = _given(session, sources.difference(affected))
    wanted = carry(own, flows, refuted, given)
    mine = {(each.asset, each.column, each.data_class) for each in own}
    rows = {place: _row(place, each, mine, refuted) for place, each in wanted.items()}
    return _replace(work, {(row.asset_id, row.column, row.data_class): row for row in held}, rows)


def carried_labels(session: Session, asset_id: str, caller: Caller = EVERYBODY) -> list[CarriedLabelView]:
    """The classes that lineage carries to an asset's columns.

    Roots that the caller may not see are left out, and with the last of them the class. Raises NotFound.
    """
    asset_row(session, asset_id, caller)
    mine = select(CarriedLabel).where(CarriedLabel.asset_id == asset_id)
    rows = session.scalars(mine.order_by(CarriedLabel.column, CarriedLabel.data_class)).all()
    concealed = hidden(session, caller, {root[0] for row in rows for root in row.roots})
    found = []
    for row in rows:
        roots = tuple((asset, column) for asset, column in row.roots if asset not in concealed)
        values = {name: getattr(row, name) for name in CarriedLabelView.model_fields if name != "roots"}
        if roots:
            found.append(CarriedLabelView(roots=roots, **values))
    return found


def _among(column: InstrumentedAttribute[str], identifiers: Iterable[str]) -> ColumnElement[bool]:
    return column == any_(bindparam(None, sorted(identifiers), ARRAY(String)))


def _downstream(session: Session, assets: list[str]) -> list[str]:
    roots = bindparam("roots", assets, ARRAY(String))
    reached = select(func.unnest(roots).label("asset")).cte("reached", recursive=True)
    step = select(Edge.to_asset).join(reached, Edge.from_asset == reached.c.asset).where(*PASSING)
    reached = reached.union(step)  # each asset once, so a cycle ends
    return list(session.scalars(select(reached.c.asset)))


def _flows(session: Session, affected: list[str]) -> list[Flow]:
    columns = [getattr(Edge, name) for name in Flow._fields]
    rows = session.execute(select(*columns).where(_among(Edge.to_asset, affected), *PASSING))
    return [Flow(*row) for row in rows]


def _own(session: Session, assets: set[str]) -> tuple[list[Label], set[Place]]:
    """The labels that stand, and the places where a person rejected one."""
    own: list[Label] = []
    rejected: set[Place] = set()
    for row in session.scalars(select(ShownLabel).where(_among(ShownLabel.asset_id, assets))):
        if row.state == "rejected":
            rejected.add((row.asset_id, row.column, row.data_class))
        else:
            own.append(Label(row.asset_id, row.column, row.data_class, row.sensitivity, row.confidence))
    return own, rejected


def _seen(session: Session, affected: list[str]) -> set[tuple[str, str]]:
    """The columns all of whose values a scan has read."""
    read = select(Profile.asset_id, Profile.column).join(Asset, Asset.id == Profile.asset_id)
    rows = session.execute(read.where(_among(Profile.asset_id, affected), Asset.coverage == "census"))
    return {(asset, column) for asset, column in rows}


def _refuting(own: set[Place], rejected: set[Place], seen: set[tuple[str, str]]) -> Callable[[Place], bool]:
    return lambda place: place in rejected or (place[:2] in seen and place not in own)


def _given(session: Session, assets: set[str]) -> dict[Place, Carried]:
    """What is carried to assets upstream of what changed."""
    rows = session.scalars(
        select(CarriedLabel).where(_among(CarriedLabel.asset_id, assets), CarriedLabel.state != "refuted")
    )
    return {
        (row.asset_id, row.column, row.data_class): Carried(
            row.sensitivity, row.confidence, frozenset((asset, column) for asset, column in row.roots)
        )
        for row in rows
    }


def _row(place: Place, each: Carried, own: set[Place], refuted: Callable[[Place], bool]) -> dict[str, Any]:
    state = "refuted" if refuted(place) else "confirmed" if place in own else "carried"
    roots = [list(root) for root in sorted(each.roots)]
    return {"sensitivity": each.sensitivity, "confidence": each.confidence, "state": state, "roots": roots}


def _replace(work: UnitOfWork, held: Mapping[Place, CarriedLabel], rows: Mapping[Place, dict[str, Any]]) -> int:
    changed: dict[str, int] = {}
    for place, row in held.items():
        if place not in rows:
            work.session.execute(
                delete(CarriedLabel).where(
                    CarriedLabel.asset_id == place[0],
                    CarriedLabel.column == place[1],
                    CarriedLabel.data_class == place[2],
                )
            )
            changed[row.asset_id] = changed.get(row.asset_id, 0) + 1
    for place, values in rows.items():
        known = held.get(place)
        if known is not None and all(getattr(known, name) == value for name, value in values.items()):
            continue
        if known is None:
            asset, column, data_class = place
            known = CarriedLabel(asset_id=asset, column=column, data_class=data_class)
            work.session.add(known)
        for name, value in values.items():
            setattr(known, name, value)
        known.changed_at = work.now
        changed[place[0]] = changed.get(place[0], 0) + 1
    for asset, count in sorted(changed.items()):
        total = sum(place[0] == asset for place in rows)
        work.emit("labels_carried", asset_entity(asset), None, {"changed": count, "labels": total})
    return sum(changed.values())
