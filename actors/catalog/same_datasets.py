"""Datasets that turn out to be one: what was told under the other name joins what is told under the one it goes by."""

from collections.abc import Sequence

from actors.catalog.aliases import forget, note
from actors.catalog.carrying import carry_labels
from actors.catalog.contract import MoveCuration
from actors.catalog.datasets import TOLD, Place, held, locate, repoint, stand_in
from actors.catalog.history import bump
from actors.catalog.moving import move_curation
from actors.catalog.openlineage import Dataset
from actors.catalog.standing import new_asset
from actors.catalog.tables import Asset
from actors.catalog.tellings import Telling
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import hidden


def learn_names(work: UnitOfWork, told: Sequence[Telling]) -> None:
    """Keeps the other names of datasets (facet `symlinks`); one that is hidden from the emitter keeps to itself."""
    for each in told:
        links = each.dataset.told.get("symlinks")
        if isinstance(links, dict) and links.get("_deleted") is True:
            forget(work.session, each.dataset, each.at)
    several = [each for each in told if len(each.dataset.names) > 1]
    sourced = held(work.session, {name for each in several for name in each.dataset.names})
    for each in several:
        names = each.dataset.names
        ids = [stand_in(name.namespace, name.name) for name in names]
        if hidden(work.session, work.caller, [*ids, *(sourced[name].asset_id for name in names if name in sourced)]):
            continue
        for name in note(work.session, names, sourced, each.at):
            _join(work, name)


def _join(work: UnitOfWork, name: Dataset) -> None:
    """What lineage and events said of a name is said of the dataset that goes by it."""
    place = locate(work.session, [name])[name]
    before = stand_in(name.namespace, name.name)
    if place.asset_id == before:
        return
    repoint(work.session, before, place)
    row = work.session.get(Asset, before)
    if row is not None and row.source_id == TOLD:
        _stand(work, place)
        row.status, row.lifecycle, row.lifecycle_at = "gone", "tombstoned", work.now
        bump(work, row)
        work.session.flush()
        move_curation(work, MoveCuration(source_id=TOLD, moves=((before, place.asset_id),)))
    carry_labels(work, [place.asset_id])


def _stand(work: UnitOfWork, place: Place) -> None:
    """An asset at a place that had none, for what is known of it under another name."""
    if work.session.get(Asset, place.asset_id) is None:
        work.session.add(new_asset(work, place, linked=True))
        work.session.flush()
