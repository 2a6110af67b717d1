"""A catalog for tests: commands are carried out as a person or as the groups' loops, on a database of its own."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from actors.catalog.contract import (
    AnnotateAsset,
    AssignDomain,
    RecordInventory,
    RegisterAsset,
    RestrictDomain,
    SourceRef,
)
from actors.catalog.service import service
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.context import Caller, system
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.security.visibility import admitted

SHOP = SourceRef(id="s1", name="shop", kind="postgresql", namespace="postgres://db.example:5432")
LOOPS = system("catalog")


class Site:
    """What tests do with a catalog."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[Any] = []

    def do(self, command: Command[Any], caller: Caller = LOOPS, at: datetime | None = None) -> Any:
        """Carries out one command and commits; one that raises leaves nothing."""
        work = UnitOfWork(self.session, caller, "catalog", at or datetime.now(UTC))
        try:
            with self.session.begin_nested():
                result = service.carry_out(work, command)
        except Exception:
            self.session.rollback()
            raise
        self.session.commit()
        self.events = work.events
        return result

    def inventory(self, **tables: str) -> None:
        """Tables of the shop by name, each with its columns divided by blanks."""
        assets = tuple(table(name, *columns.split()) for name, columns in tables.items())
        self.do(RecordInventory(source=SHOP, assets=assets, complete=True))

    def describe(self, name: str, **words: Any) -> Any:
        return self.do(AnnotateAsset(asset_id=ident(name), **words))

    def domain(self, name: str, *tables: str, members: tuple[str, ...] | None = None, parent: str | None = None) -> str:
        """A domain with these tables, restricted to the members if there are any; its id."""
        made = self.do(RegisterAsset(kind="domain", name=name, parent_id=parent))
        self.do(AssignDomain(domain_id=made.id, assets=tuple(map(ident, tables))))
        if members:
            self.do(RestrictDomain(domain_id=made.id, members=members))
        return str(made.id)

    def person(self, name: str, *roles: str, permissions: tuple[str, ...] = ("catalog:read",)) -> Caller:
        """A caller as authentication gives it."""
        return admitted(self.session, Caller(principal=name, permissions=frozenset(permissions)), roles)


def ident(name: str) -> str:
    return asset_id("s1", f"public.{name}")


def table(name: str, *names: str, **facts: Any) -> AssetInfo:
    columns = tuple(
        ColumnInfo(name=each, ordinal=place, type="string", physical_type="text") for place, each in enumerate(names)
    )
    return AssetInfo(path=f"public.{name}", kind="table", columns=columns, **facts)
