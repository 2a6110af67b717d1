"""Other names of datasets: a table's logical name and the path that it lies at are one dataset (facet `symlinks`).

One name of each dataset is the one that it goes by: the one that a source of ours holds, else the one that events use
for it. The others lead to it, by what the newest event says.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from actors.catalog.openlineage import Dataset
from actors.catalog.told_tables import DatasetAlias

HOPS: Final = 5
AT_ONCE: Final = 1_000


def resolved(session: Session, datasets: Iterable[Dataset]) -> dict[Dataset, Dataset]:
    """The names that these go by, for those that go by another one."""
    found: dict[Dataset, Dataset] = {}
    asked = {dataset: dataset for dataset in datasets}
    for _ in range(HOPS):
        next_ones = _targets(session, set(asked.values()))
        asked = {dataset: next_ones[held] for dataset, held in asked.items() if held in next_ones}
        if not asked:
            break
        found |= asked
    return {dataset: target for dataset, target in found.items() if dataset != target}


def _targets(session: Session, datasets: Collection[Dataset]) -> dict[Dataset, Dataset]:
    keys = sorted((dataset.namespace, dataset.name.rstrip("/")) for dataset in datasets)
    found = {}
    for start in range(0, len(keys), AT_ONCE):
        key = tuple_(DatasetAlias.namespace, DatasetAlias.name)
        for row in session.scalars(select(DatasetAlias).where(key.in_(keys[start : start + AT_ONCE]))):
            found[row.namespace, row.name] = Dataset(namespace=row.to_namespace, name=row.to_name)
    plain = {dataset: (dataset.namespace, dataset.name.rstrip("/")) for dataset in datasets}
    return {dataset: found[key] for dataset, key in plain.items() if key in found}


def note(session: Session, names: Sequence[Dataset], held: Collection[Dataset], at: datetime) -> list[Dataset]:
    """Keeps that the first of some names goes by the others too, unless a newer event said where those lead.

    `held` are those that sources have. Returns the names that now lead elsewhere than before.
    """
    target = next((name for name in names if name in held), None)
    if target is None:
        target = resolved(session, names[:1]).get(names[0], names[0])
    changed = []
    for name in names:
        if name != target and name not in held and _lead(session, name, target, at):
            changed.append(name)
    return changed


def _lead(session: Session, name: Dataset, target: Dataset, at: datetime) -> bool:
    row = session.get(DatasetAlias, (name.namespace, name.name.rstrip("/")))
    place = {"to_namespace": target.namespace, "to_name": target.name.rstrip("/")}
    if row is None:
        session.add(DatasetAlias(namespace=name.namespace, name=name.name.rstrip("/"), at=at, **place))
    elif row.at > at:
        return False
    else:
        moved = (row.to_namespace, row.to_name) != tuple(place.values())
        row.to_namespace, row.to_name, row.at = place["to_namespace"], place["to_name"], at
        if not moved:
            return False
    session.flush()
    return True


def forget(session: Session, dataset: Dataset, at: datetime) -> None:
    """The dataset goes by no other name any more, as of a time."""
    leads = (DatasetAlias.to_namespace == dataset.namespace, DatasetAlias.to_name == dataset.name.rstrip("/"))
    session.execute(delete(DatasetAlias).where(*leads, DatasetAlias.at <= at))


def found_at(session: Session, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """A source holds these names: those that led elsewhere are now what the other names lead to. Returns by name the
    names that the dataset went by."""
    went: dict[tuple[str, str], list[tuple[str, str]]] = {}
    keys = sorted(names)
    for start in range(0, len(keys), AT_ONCE):
        key = tuple_(DatasetAlias.namespace, DatasetAlias.name)
        for row in session.scalars(select(DatasetAlias).where(key.in_(keys[start : start + AT_ONCE]))).all():
            name, before = (row.namespace, row.name), (row.to_namespace, row.to_name)
            went.setdefault(name, []).append(before)
            session.delete(row)
            session.flush()
            others = (DatasetAlias.to_namespace == before[0], DatasetAlias.to_name == before[1])
            session.execute(update(DatasetAlias).where(*others).values(to_namespace=name[0], to_name=name[1]))
            session.merge(
                DatasetAlias(namespace=before[0], name=before[1], to_namespace=name[0], to_name=name[1], at=row.at)
            )
    return went
