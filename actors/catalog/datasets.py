"""Which assets the datasets of other tools are: by the name that OpenLineage's specification gives each asset."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.catalog.aliases import found_at, resolved
from actors.catalog.openlineage import Dataset
from actors.catalog.tables import Asset, Edge
from cluster.naming import asset_id

AT_ONCE: Final = 1_000
TOLD: Final = "openlineage"  # the source of assets that events alone tell of
T = TypeVar("T")


class Place(NamedTuple):
    """An asset, or a dataset that stands for one that is not in the catalog.

    `source_id` is "" where no source holds such a name; `path` is where the source has it, or would have it.
    `catalogued` tells an asset from a stand-in, whose namespace and dataset are those that it goes by.
    """

    asset_id: str
    name: str
    source_id: str
    path: str
    catalogued: bool = False
    namespace: str = ""
    dataset: str = ""


def locate(session: Session, datasets: Iterable[Dataset]) -> dict[Dataset, Place]:
    """The place of each dataset, by the name that it goes by where it has several.

    An asset that is gone still is its dataset; an active one goes before it.
    """
    wanted = sorted(set(datasets), key=_order)
    found = held(session, wanted)
    missing = [dataset for dataset in wanted if dataset not in found]
    leads = resolved(session, missing)
    found |= {d: place for d, place in _through(leads, held(session, set(leads.values()))).items() if d not in found}
    missing = [dataset for dataset in missing if dataset not in found]
    strangers = _strangers(session, {leads.get(dataset, dataset) for dataset in missing})
    return found | {dataset: strangers[leads.get(dataset, dataset)] for dataset in missing}


def _through(leads: Mapping[Dataset, Dataset], places: Mapping[Dataset, Place]) -> dict[Dataset, Place]:
    return {dataset: places[target] for dataset, target in leads.items() if target in places}


def held(session: Session, datasets: Iterable[Dataset]) -> dict[Dataset, Place]:
    """The places of those that sources have."""
    found: dict[Dataset, Place] = {}
    for some in _chunks(sorted(datasets, key=_order)):
        keys = [(dataset.namespace, dataset.name.rstrip("/")) for dataset in some]
        rows = session.execute(
            select(Asset.namespace, Asset.dataset, Asset.id, Asset.path, Asset.source_id)
            .where(tuple_(Asset.namespace, Asset.dataset).in_(keys), Asset.source_id != TOLD)
            .order_by((Asset.status == "active").desc(), Asset.id)
        )
        known: dict[tuple[str, str | None], Place] = {}
        for namespace, dataset, identifier, path, source_id in rows:
            known.setdefault((namespace, dataset), Place(identifier, path, source_id, path, True))
        found |= {dataset: known[key] for dataset, key in zip(some, keys, strict=True) if key in known}
    return found


def _order(dataset: Dataset) -> tuple[str, str]:
    return dataset.namespace, dataset.name


def stand_in(namespace: str, name: str) -> str:
    """The identifier of a dataset that is no asset yet."""
    return asset_id(namespace, name.rstrip("/"))


def adopt(session: Session, assets: Mapping[str, tuple[str, str | None]]) -> dict[str, str]:
    """Edges that name a dataset come to name the asset that it has become; `assets` are new ones with their names.

    Returns the assets by the stand-ins that they were before.
    """
    named = {(namespace, name.rstrip("/")): identifier for identifier, (namespace, name) in assets.items() if name}
    if not named:
        return {}
    stood = {stand_in(*name): identifier for name, identifier in named.items()}
    for name, others in found_at(session, named).items():
        stood |= {stand_in(*other): named[name] for other in others}
    for near in (Edge.from_asset, Edge.to_asset):
        for some in _chunks(sorted(stood)):
            for known in session.scalars(select(near).where(near.in_(some), Edge.valid_to.is_(None)).distinct()).all():
                row = session.get_one(Asset, stood[known])
                _rename(session, near.key, known, Place(row.id, row.path, row.source_id, row.path))
    return stood


def repoint(session: Session, before: str, place: Place) -> None:
    """Edges of a stand-in come to name another place."""
    for end in ("from_asset", "to_asset"):
        _rename(session, end, before, place)


def _rename(session: Session, end: str, before: str, place: Place) -> None:
    values = {end: place.asset_id, end.replace("asset", "name"): place.name}
    if end == "to_asset":
        values["source_id"] = place.source_id
    statement = update(Edge).where(getattr(Edge, end) == before, Edge.valid_to.is_(None)).values(values)
    session.execute(statement.execution_options(synchronize_session=False))


def _strangers(session: Session, datasets: Collection[Dataset]) -> dict[Dataset, Place]:
    """Datasets that are no assets, with the source under whose root they lie, if there is one."""
    if not datasets:
        return {}
    namespaces = {dataset.namespace for dataset in datasets}
    one_each = select(Asset.namespace, Asset.source_id, Asset.path, Asset.dataset).ext(distinct_on(Asset.source_id))
    sourced = (Asset.namespace.in_(namespaces), Asset.dataset.is_not(None), Asset.source_id != TOLD)
    statement = one_each.where(*sourced).order_by(Asset.source_id)
    roots = [
        (namespace, source_id, (dataset or "").removesuffix(path))
        for namespace, source_id, path, dataset in session.execute(statement)
    ]
    return {dataset: _stranger(dataset, roots) for dataset in datasets}


def _stranger(dataset: Dataset, roots: Sequence[tuple[str, str, str]]) -> Place:
    name = dataset.name.rstrip("/")
    stands = stand_in(dataset.namespace, name)
    inside = [
        (len(root), source_id, name.removeprefix(root))
        for namespace, source_id, root in roots
        if namespace == dataset.namespace and name.startswith(root) and name != root
    ]
    if not inside:
        return Place(stands, f"{dataset.namespace}/{name}", "", name, False, dataset.namespace, name)
    _, source_id, path = max(inside)
    return Place(stands, f"{dataset.namespace}/{name}", source_id, path, False, dataset.namespace, name)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
