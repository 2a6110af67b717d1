"""The read side of the sources group."""

from collections.abc import Collection, Iterator
from typing import TypeVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, aliased

from actors.sources.contract import DiscoveryView, InventoryItem, KeyRingView, MasterKeyView, SourceView, TestView
from actors.sources.tables import ConnectionTest, Discovery, Inventory, Source
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.errors import Conflict, NotFound
from cluster.security import keyring
from cluster.security.credentials import CredentialView, describe, sealed_of, used_keys

W = TypeVar("W", ConnectionTest, Discovery)


def view(row: Source) -> SourceView:
    """A source without its credential."""
    return SourceView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        options=row.options,
        state=row.state,
        version=row.version,
        has_credential=row.has_credential,
        endpoints=row.endpoints or (),
        max_lag_seconds=60.0 if row.max_lag_seconds is None else row.max_lag_seconds,
        node_labels=row.node_labels or {},
        fetch_rows=row.fetch_rows,
        facts=row.facts,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def row_of(session: Session, source_id: str) -> Source:
    """The stored source. Raises NotFound."""
    row = session.get(Source, source_id)
    if row is None:
        raise NotFound(f"There is no source '{source_id}'.", "List the sources to see their ids.")
    return row


def get_source(session: Session, source_id: str) -> SourceView:
    """One source. Raises NotFound."""
    return view(row_of(session, source_id))


def list_sources(session: Session, after: str | None = None, limit: int = 100) -> list[SourceView]:
    """Sources in the order of their ids, beginning behind `after`."""
    statement = select(Source).order_by(Source.id).limit(limit)
    if after:
        statement = statement.where(Source.id > after)
    return [view(row) for row in session.scalars(statement)]


def access(session: Session, source_id: str, allow_retired: bool = False) -> SourceAccess:
    """How to reach a source, with its credential still sealed. Raises NotFound, and Conflict if it is retired."""
    row = row_of(session, source_id)
    if row.state == "retired" and not allow_retired:
        raise Conflict(f"The source '{row.name}' is retired.", "Register it again to use it.")
    known, held = view(row), describe(session, row.id)
    return SourceAccess(
        source_id=row.id, url=row.url, options=row.options, sealed=sealed_of(session, row.id),
        endpoints=known.endpoints, max_lag_seconds=known.max_lag_seconds, node_labels=known.node_labels,
        fetch_rows=known.fetch_rows, expires_at=held and held.expires_at,
    )  # fmt: skip


def access_of_test(session: Session, test_id: str) -> SourceAccess:
    """How to reach the source of a test, with the credential that it tries, if it tries one. Raises NotFound."""
    row = _test_row(session, test_id)
    found = access(session, row.source_id, allow_retired=True)
    if not row.candidate:
        return found
    return found.model_copy(update={"sealed": row.candidate, "expires_at": row.candidate_expires_at})


def get_test(session: Session, test_id: str) -> TestView:
    """One connection test. Raises NotFound."""
    return test_view(_test_row(session, test_id))


def test_view(row: ConnectionTest) -> TestView:
    """A test without the credential that it tries."""
    return TestView(
        id=row.id, source_id=row.source_id, state=row.state, passed=row.passed, steps=row.steps, rotates=row.rotates,
        requested_at=row.requested_at, finished_at=row.finished_at,
    )  # fmt: skip


def list_tests(session: Session, source_id: str, after: str | None = None, limit: int = 100) -> list[TestView]:
    """The tests of a source that are still known, the newest first. Raises NotFound for the source."""
    return [test_view(row) for row in _newest(session, ConnectionTest, source_id, after, limit)]


def list_discoveries(
    session: Session, source_id: str, after: str | None = None, limit: int = 100
) -> list[DiscoveryView]:
    """The discoveries of a source that are still known, the newest first. Raises NotFound for the source."""
    return [DiscoveryView.model_validate(row) for row in _newest(session, Discovery, source_id, after, limit)]


def key_ring(session: Session) -> KeyRingView:
    """The master keys, the current one first, with how many credentials each wraps."""
    used, keys = used_keys(session), [keyring.id_of(key).hex() for key in keyring.ring().keys]
    known = tuple(
        MasterKeyView(id=key, current=not place, credentials=used.get(key, 0)) for place, key in enumerate(keys)
    )
    return KeyRingView(keys=known, lost=sum(count for key, count in used.items() if key not in keys))


def credential(session: Session, source_id: str) -> CredentialView:
    """What may be told of the credential of a source. Raises NotFound where it has none."""
    row_of(session, source_id)
    found = describe(session, source_id)
    if found is None:
        raise NotFound("The source has no credential.", "Set one with PUT.")
    return found


def _test_row(session: Session, test_id: str) -> ConnectionTest:
    row = session.get(ConnectionTest, test_id)
    if row is None:
        raise NotFound(f"There is no connection test '{test_id}'.", "Use the id that the request returned.")
    return row


def _newest(session: Session, cls: type[W], source_id: str, after: str | None, limit: int) -> list[W]:
    row_of(session, source_id)
    statement = select(cls).where(cls.source_id == source_id)
    last = session.get(cls, after) if after else None
    if last is not None:
        statement = statement.where(tuple_(cls.requested_at, cls.id) < (last.requested_at, last.id))
    return list(session.scalars(statement.order_by(cls.requested_at.desc(), cls.id.desc()).limit(limit)))


def get_discovery(session: Session, discovery_id: str) -> DiscoveryView:
    """One discovery. Raises NotFound."""
    row = session.get(Discovery, discovery_id)
    if row is None:
        raise NotFound(f"There is no discovery '{discovery_id}'.", "Use the id that the request returned.")
    return DiscoveryView.model_validate(row)


def last_discovery(session: Session, source_id: str) -> DiscoveryView | None:
    """The discovery of a source that was asked for last, None if there was none."""
    statement = select(Discovery).where(Discovery.source_id == source_id)
    row = session.scalars(statement.order_by(Discovery.requested_at.desc(), Discovery.id.desc()).limit(1)).first()
    return DiscoveryView.model_validate(row) if row is not None else None


def asset_info(session: Session, asset_id: str) -> AssetInfo:
    """An asset as its source described it last. Raises NotFound."""
    row = session.get(Inventory, asset_id)
    if row is None:
        raise NotFound("The asset is in no inventory.", "Discover its source again.")
    return _item(row).info


def _item(row: Inventory) -> InventoryItem:
    return InventoryItem.model_validate(row)


def inventory(
    session: Session, source_id: str, after: str | None = None, limit: int = 1000, status: str | None = None
) -> list[InventoryItem]:
    """Assets of a source in the order of their ids, beginning behind `after`. Raises NotFound for the source."""
    row_of(session, source_id)
    statement = select(Inventory).where(Inventory.source_id == source_id).order_by(Inventory.asset_id).limit(limit)
    if after:
        statement = statement.where(Inventory.asset_id > after)
    if status:
        statement = statement.where(Inventory.status == status)
    return [_item(row) for row in session.scalars(statement)]


def item_at(session: Session, source_id: str, path: str) -> InventoryItem | None:
    """The asset of a path, one that is there before one that is gone; None where there is none. Raises NotFound."""
    row_of(session, source_id)
    statement = select(Inventory).where(Inventory.source_id == source_id, Inventory.path == path)
    row = session.scalars(statement.order_by(Inventory.status != "present").limit(1)).first()
    return _item(row) if row is not None else None


def items(session: Session, assets: Collection[str]) -> Iterator[InventoryItem]:
    """The assets of these ids that are known, in the order of their ids."""
    statement = select(Inventory).where(Inventory.asset_id.in_(assets)).order_by(Inventory.asset_id)
    for row in session.scalars(statement):
        yield _item(row)


def present(session: Session, source_id: str) -> Iterator[InventoryItem]:
    """All assets of a source that are there, in the order of their paths."""
    statement = select(Inventory).where(Inventory.source_id == source_id, Inventory.status == "present")
    for row in session.scalars(statement.order_by(Inventory.path).execution_options(yield_per=500)):
        yield _item(row)


def all_items(session: Session, source_id: str) -> Iterator[InventoryItem]:
    """All assets of a source whatever their status, in the order of their paths."""
    statement = select(Inventory).where(Inventory.source_id == source_id).order_by(Inventory.path)
    for row in session.scalars(statement.execution_options(yield_per=500)):
        yield _item(row)


def moves(session: Session, source_id: str) -> list[tuple[str, str]]:
    """The assets that came under new names to take the place of ones that are gone: (old id, new id), oldest first."""
    before = aliased(Inventory)
    statement = (
        select(Inventory.moved_from, Inventory.asset_id)
        .join(before, before.asset_id == Inventory.moved_from)
        .where(Inventory.source_id == source_id, before.status == "gone")
        .order_by(Inventory.first_seen, Inventory.asset_id)
    )
    return [(str(old), new) for old, new in session.execute(statement)]


def queued(session: Session) -> tuple[list[str], list[str]]:
    """The ids of tests and of discoveries that wait to be run, or were being run when the actor went down."""
    waiting = ("queued", "running")
    tests = session.scalars(
        select(ConnectionTest.id).where(ConnectionTest.state.in_(waiting)).order_by(ConnectionTest.requested_at)
    )
    discoveries = session.scalars(
        select(Discovery.id).where(Discovery.state.in_(waiting)).order_by(Discovery.requested_at)
    )
    return list(tests), list(discoveries)
