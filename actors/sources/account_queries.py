"""The read side of accounts: which there are, what was found in them, and what became of it."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.sources.account_tables import Account, AccountDiscovery, FoundResource
from actors.sources.contract import AccountDiscoveryView, AccountView, ResourceStatus, ResourceView
from actors.sources.tables import Source
from cluster.clouds.interface import AccountAccess
from cluster.errors import NotFound
from cluster.security import credentials


def account_row(session: Session, account_id: str) -> Account:
    """The row of an account. Raises NotFound."""
    row = session.get(Account, account_id)
    if row is None:
        raise NotFound(f"There is no account '{account_id}'.", "List the accounts to see their ids.")
    return row


def resource_row(session: Session, resource_id: str) -> FoundResource:
    """The row of what was found. Raises NotFound."""
    row = session.get(FoundResource, resource_id)
    if row is None:
        raise NotFound(f"There is no resource '{resource_id}'.", "List the resources of an account to see their ids.")
    return row


def get_account(session: Session, account_id: str) -> AccountView:
    """One account. Raises NotFound."""
    return AccountView.model_validate(account_row(session, account_id))


def list_accounts(session: Session, after: str | None, limit: int) -> list[AccountView]:
    """Accounts in the order of their ids."""
    statement = select(Account).order_by(Account.id).limit(limit)
    if after:
        statement = statement.where(Account.id > after)
    return [AccountView.model_validate(row) for row in session.scalars(statement)]


def get_account_discovery(session: Session, account_id: str, discovery_id: str) -> AccountDiscoveryView:
    """One look through an account. Raises NotFound."""
    row = session.get(AccountDiscovery, discovery_id)
    if row is None or row.account_id != account_id:
        raise NotFound("This account has no such discovery.", "Use the address that the request returned.")
    return AccountDiscoveryView.model_validate(row)


def list_resources(
    session: Session, account_id: str | None, status: ResourceStatus | None, after: str | None, limit: int
) -> list[ResourceView]:
    """What was found, in the order of the ids, of one account or of all. Raises NotFound for the account."""
    if account_id is not None:
        account_row(session, account_id)
    live = select(Source.url).where(Source.state != "retired")
    statement = select(FoundResource).order_by(FoundResource.id).limit(limit)
    if account_id is not None:
        statement = statement.where(FoundResource.account_id == account_id)
    if after:
        statement = statement.where(FoundResource.id > after)
    registered = FoundResource.url.is_not(None) & FoundResource.url.in_(live)
    if status == "gone":
        statement = statement.where(FoundResource.gone)
    elif status is not None:
        statement = statement.where(~FoundResource.gone)
        statement = statement.where(registered if status == "registered" else ~registered)
        if status != "registered":
            statement = statement.where(FoundResource.ignored == (status == "ignored"))
    return resource_views(session, session.scalars(statement).all())


def resource_views(session: Session, rows: Iterable[FoundResource]) -> list[ResourceView]:
    """Resources with what became of them: a source in service at the same place makes one registered."""
    rows = list(rows)
    urls = {row.url for row in rows if row.url is not None}
    statement = select(Source.url, Source.id).where(Source.state != "retired", Source.url.in_(urls))
    sources = {url: source_id for url, source_id in session.execute(statement)}  # noqa: C416 - rows are no pairs to mypy
    return [_view(row, sources.get(row.url or "")) for row in rows]


def _view(row: FoundResource, source_id: str | None) -> ResourceView:
    settled: ResourceStatus = "registered" if source_id else "ignored" if row.ignored else "new"
    status: ResourceStatus = "gone" if row.gone else settled
    return ResourceView.model_validate(
        {
            **{name: getattr(row, name) for name in ResourceView.model_fields if hasattr(row, name)},
            **row.facts,
            "status": status,
            "source_id": source_id,
        }
    )


def waiting_discoveries(session: Session) -> list[str]:
    """Looks that wait, or were under way when the actor went down."""
    statement = select(AccountDiscovery.id).where(AccountDiscovery.state.in_(("queued", "running")))
    return list(session.scalars(statement.order_by(AccountDiscovery.requested_at)))


def discovery_input(session: Session, discovery_id: str) -> AccountAccess:
    """How to reach the account of a look, with its credential still sealed."""
    row = account_row(session, session.get_one(AccountDiscovery, discovery_id).account_id)
    return AccountAccess.model_validate(
        {
            "account_id": row.id, "provider": row.provider, "url": row.url, "regions": row.regions,
            "options": row.options, "sealed": credentials.sealed_of(session, row.id),
        }
    )  # fmt: skip
