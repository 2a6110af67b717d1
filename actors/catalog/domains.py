"""Domains and registered assets: what people add to the catalog, what belongs together, and who may see it.

A domain is an asset like others. A restricted one is a compartment (`cluster.security.visibility`): the domain, its
subdomains, and all of their assets are concealed from whoever is not a member. An asset of a restricted subdomain of a
restricted domain is seen by those who are members of both.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.catalog.annotations import discovered, write_note
from actors.catalog.assets import asset_row
from actors.catalog.contract import (
    AssignDomain,
    CatalogReceipt,
    DomainView,
    RegisterAsset,
    RestrictDomain,
)
from actors.catalog.curation_tables import SourceDomain
from actors.catalog.history import bump
from actors.catalog.tables import Annotation, Asset
from cluster.context import Caller
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.naming import asset_entity, asset_id
from cluster.runtime.commands import UnitOfWork
from cluster.security.roles import roles
from cluster.security.visibility import ROLE, conceal, members_of, set_members, visible
from cluster.store.tables import CompartmentMember

REGISTERED: Final = "registered"  # the source of assets that no source lists
DEEPEST: Final = 20


def register(work: UnitOfWork, command: RegisterAsset) -> Asset:
    """Adds an asset that no source lists. Raises Conflict for a kind and name that is there, NotFound for a place."""
    row = new_registered(work, command.kind, command.name)
    if command.parent_id is not None:
        parent = asset_row(work.session, command.parent_id, work.caller)
        if command.kind == "domain" and parent.kind != "domain":
            raise InvalidInput("The parent of a domain is a domain.", "Give the id of one.")
        row.parent_id = parent.id
    if command.domain_id is not None:
        row.domain_id = _domain(work.session, command.domain_id, work.caller).id
    write_note(work, row, "", {"description": command.description})
    enclose(work.session, [row])
    return row


def new_registered(work: UnitOfWork, kind: str, name: str) -> Asset:
    """A row for a registered asset of this kind and name, active from the start: a new one, or one that was purged.

    Raises Conflict if it is there.
    """
    path = f"{kind}/{name}"
    identifier = asset_id(REGISTERED, path)
    held = work.session.get(Asset, identifier)
    if held is not None and held.lifecycle == "purged":
        return _begun_again(work, held)
    if held is not None:
        raise Conflict("An asset of this kind and name is registered.", "Choose another name, or change that one.")
    row = Asset(
        id=identifier, source_id=REGISTERED, source_name=REGISTERED, source_kind=REGISTERED, namespace=REGISTERED,
        path=path, name=name, kind=kind, format=None, status="active", comment=None, definition=None,
        source_owner=None, fingerprint=None, profiled_fingerprint=None, rows_estimate=None, rows_counted=None,
        bytes=None, foreign_keys=[], grants=[], problem=None, sensitivity=None, coverage="none", version=1,
        schema_version=0, first_seen=work.now, last_seen=work.now, updated_at=work.now, lifecycle="active",
        lifecycle_at=work.now, domain_id=None, parent_id=None, popularity=0.0,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    work.emit("asset_added", asset_entity(identifier), None, {"path": path, "kind": kind, "columns": 0, "version": 1})
    return row


def _begun_again(work: UnitOfWork, row: Asset) -> Asset:
    """A purged asset that a person registers once more: nothing of before comes back."""
    row.lifecycle, row.lifecycle_at, row.first_seen, row.last_seen = "active", work.now, work.now, work.now
    row.domain_id = row.parent_id = None
    bump(work, row, kind="human")
    work.emit("asset_added", asset_entity(row.id), None, {"path": row.path, "kind": row.kind, "version": row.version})
    return row


def assign(work: UnitOfWork, command: AssignDomain) -> CatalogReceipt:
    """Puts assets into a domain. Raises NotFound for one that is not, or is hidden."""
    domain = _domain(work.session, command.domain_id, work.caller).id if command.domain_id else None
    rows = [asset_row(work.session, identifier, work.caller) for identifier in dict.fromkeys(command.assets)]
    if command.source_id is not None:
        _remember(work.session, command.source_id, domain)
        mine = select(Asset).where(Asset.source_id == command.source_id, visible(work.caller, Asset.id))
        rows += [row for row in work.session.scalars(mine) if row.id not in command.assets]
    moved = [row for row in rows if row.domain_id != domain]
    for row in moved:
        if row.kind == "domain":
            raise InvalidInput("A domain belongs to no domain.", "Its place is its parent.")
        before = {"path": row.path, "domain_id": row.domain_id, "version": row.version}
        row.domain_id = domain
        discovered(work, row)
        bump(work, row, kind="human")
        after = {"path": row.path, "domain_id": domain, "version": row.version}
        work.emit("asset_assigned", asset_entity(row.id), before, after)
    work.session.flush()
    enclose(work.session, moved)
    return CatalogReceipt(entries=len(rows), changed=len(moved))


def _remember(session: Session, source_id: str, domain_id: str | None) -> None:
    row = session.get(SourceDomain, source_id)
    if row is not None and domain_id is None:
        session.delete(row)
    elif domain_id is not None:
        session.merge(SourceDomain(source_id=source_id, domain_id=domain_id))


def domain_of_source(session: Session, source_id: str) -> str | None:
    """The domain that new assets of a source belong to."""
    row = session.get(SourceDomain, source_id)
    return row.domain_id if row else None


def restrict(work: UnitOfWork, command: RestrictDomain) -> DomainView:
    """Makes a domain visible to its members alone, or to all. Raises InvalidInput for a role that there is not."""
    row = _domain(work.session, command.domain_id, work.caller)
    members = command.members
    unknown = [name for name in members or () if name.startswith(ROLE) and name.removeprefix(ROLE) not in roles()]
    if unknown:
        raise InvalidInput("A member names a role that there is not.", f"Roles are: {', '.join(sorted(roles()))}.")
    if members is not None and not members:
        raise InvalidInput("A restricted domain needs a member.", "Name one, or give null to open it to all.")
    before = {"path": row.path, "members": list(members_of(work.session, row.id))}
    set_members(work.session, row.id, members or ())
    work.session.flush()
    within = [row.id, *_below(work.session, row.id)]
    inside = select(Asset).where(Asset.domain_id.in_(within) | Asset.id.in_(within))
    enclose(work.session, work.session.scalars(inside))
    if before["members"] != sorted(members or ()):
        work.emit("domain_restricted", asset_entity(row.id), before, {"path": row.path, "members": list(members or ())})
    return domain_view(work.session, row, work.caller)


def enclose(session: Session, rows: Iterable[Asset]) -> None:
    """Puts assets into the compartments of the domains they are in, or are."""
    known: dict[str | None, list[str]] = {}
    for row in rows:
        place = row.id if row.kind == "domain" else row.domain_id
        if place not in known:
            known[place] = _compartments(session, place)
        conceal(session, row.id, known[place])


def _compartments(session: Session, domain_id: str | None) -> list[str]:
    """The restricted ones among a domain and those above it."""
    above = list(_above(session, domain_id))
    restricted = select(CompartmentMember.compartment).where(CompartmentMember.compartment.in_(above)).distinct()
    return list(session.scalars(restricted))


def _above(session: Session, domain_id: str | None) -> Iterator[str]:
    seen: set[str] = set()
    while domain_id is not None and domain_id not in seen and len(seen) < DEEPEST:
        seen.add(domain_id)
        yield domain_id
        domain_id = session.scalars(select(Asset.parent_id).where(Asset.id == domain_id)).first()


def _below(session: Session, domain_id: str) -> list[str]:
    found: list[str] = []
    layer = [domain_id]
    while layer and len(found) < 10_000:
        below = select(Asset.id).where(Asset.parent_id.in_(layer), Asset.kind == "domain")
        layer = [identifier for identifier in session.scalars(below) if identifier not in found]
        found += layer
    return found


def _domain(session: Session, identifier: str, caller: Caller) -> Asset:
    row = asset_row(session, identifier, caller)
    if row.kind != "domain":
        raise NotFound("There is no such domain.", "List the domains to see their ids.")
    return row


def domain_view(session: Session, row: Asset, caller: Caller) -> DomainView:
    """A domain; its members are told to those who may see it."""
    inside = select(func.count()).where(Asset.domain_id == row.id, visible(caller, Asset.id))
    note = session.get(Annotation, (row.id, ""))
    members = members_of(session, row.id)
    return DomainView(
        id=row.id, name=row.name, description=note.description if note else None, parent_id=row.parent_id,
        restricted=bool(members), members=members, assets=session.execute(inside).scalar_one(),
    )  # fmt: skip


def domains(session: Session, caller: Caller, after: str | None = None, limit: int = 100) -> list[DomainView]:
    """The domains that the caller may see, by id."""
    statement: Any = select(Asset).where(Asset.kind == "domain", visible(caller, Asset.id))
    if after:
        statement = statement.where(Asset.id > after)
    return [domain_view(session, row, caller) for row in session.scalars(statement.order_by(Asset.id).limit(limit))]


def get_domain(session: Session, identifier: str, caller: Caller) -> DomainView:
    """One domain. Raises NotFound."""
    return domain_view(session, _domain(session, identifier, caller), caller)
