"""Accounts: looked through for sources, what was found adopted or ignored, and gone only when a whole list lacks it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actors.sources.account_tables import Account, AccountDiscovery, FoundResource
from actors.sources.contract import (
    AccountDiscoveryView,
    AccountView,
    AdoptResource,
    DiscoverAccount,
    IgnoreResource,
    RecordAccount,
    RegisterAccount,
    RegisterSource,
    ResourceStatus,
    ResourceView,
    RetireAccount,
    SourceView,
)
from actors.sources.credentials import acceptable
from actors.sources.registering import register_source
from actors.sources.tables import Source
from cluster.clouds.azure import ACCOUNT
from cluster.clouds.interface import AccountAccess, AccountListing, Resource
from cluster.connectors import check_options, source_kind, split_url
from cluster.connectors.options import DECLARATIONS, OPTIONS
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.runtime.commands import UnitOfWork
from cluster.security import credentials
from cluster.security.network import check_places
from cluster.security.secrets import unseal

HISTORY_KEPT = 20
AWS_OPTIONS = ("endpoint", "role_arn", "external_id")
AZURE_OPTIONS = ("account", "endpoint")
_FACTS = ("encrypted_at_rest", "kms_key", "public_access", "tls_required", "tags", "extra")


def entity(account_id: str) -> str:
    """How events name an account."""
    return f"account:{account_id}"


def register_account(work: UnitOfWork, command: RegisterAccount) -> AccountView:
    """One account in service has a name."""
    url, options, credential = _reached(command)
    credential |= acceptable(command.credential, None, work.now)
    known = select(Account).where(Account.name == command.name, Account.state != "retired")
    if work.session.scalars(known).first() is not None:
        raise Conflict(f"An account '{command.name}' is registered already.", "Use it, or choose another name.")
    row = Account(
        id=new_id(), name=command.name, provider=command.provider, url=url, regions=list(command.regions),
        options=options, state="active", has_credential=bool(credential), created_at=work.now,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    credentials.put(work.session, row.id, credential, work.now)
    found = AccountView.model_validate(row)
    work.emit("account_registered", entity(row.id), after=found)
    return found


def retire_account(work: UnitOfWork, command: RetireAccount) -> AccountView:
    """Repeating it changes nothing."""
    row = _account(work.session, command.account_id)
    if row.state != "retired":
        row.state, row.has_credential = "retired", False
        credentials.remove(work.session, row.id)
        work.emit("account_retired", entity(row.id), after={"account_id": row.id})
    return AccountView.model_validate(row)


def discover_account(work: UnitOfWork, command: DiscoverAccount) -> AccountDiscoveryView:
    """Queues the look."""
    account = _account(work.session, command.account_id)
    if account.state == "retired":
        raise Conflict(f"The account '{account.name}' is retired.", "Register it again to use it.")
    row = AccountDiscovery(id=new_id(), account_id=account.id, state="queued", problems=[], requested_at=work.now)
    work.session.add(row)
    work.session.flush()
    return AccountDiscoveryView.model_validate(row)


def record_account(work: UnitOfWork, command: RecordAccount) -> AccountDiscoveryView:
    """Brings what is known of the account up to date."""
    row = work.session.get_one(AccountDiscovery, command.discovery_id)
    row.finished_at = work.now
    if command.listing is None:
        row.state, row.complete = "failed", False
        row.problems = [command.problem.model_dump(mode="json")] if command.problem else []
    else:
        row.state, row.complete, row.resources = "succeeded", command.listing.complete, len(command.listing.resources)
        row.problems = [problem.model_dump(mode="json") for problem in command.listing.problems]
        row.new, row.changed, row.gone = _applied(work, row.account_id, command.listing)
        if command.listing.complete:
            _account(work.session, row.account_id).listed_at = work.now
    work.session.flush()
    found = AccountDiscoveryView.model_validate(row)
    work.emit("account_discovered", entity(row.account_id), after=found)
    ended = select(AccountDiscovery.id).where(
        AccountDiscovery.account_id == row.account_id, AccountDiscovery.finished_at.is_not(None)
    )
    old = ended.order_by(AccountDiscovery.requested_at.desc(), AccountDiscovery.id.desc()).offset(HISTORY_KEPT)
    statement = delete(AccountDiscovery).where(AccountDiscovery.id.in_(old))
    work.session.execute(statement.execution_options(synchronize_session=False))
    return found


def ignore_resource(work: UnitOfWork, command: IgnoreResource) -> ResourceView:
    """Repeating it changes nothing."""
    row = _resource(work.session, command.resource_id)
    if row.ignored != command.ignored:
        row.ignored = command.ignored
        work.emit("resource_ignored", f"resource:{row.id}", after={"resource_id": row.id, "ignored": row.ignored})
    return resource_views(work.session, [row])[0]


def adopt_resource(work: UnitOfWork, command: AdoptResource) -> SourceView:
    """The facts that a source may declare go with it, so that controls have them."""
    row = _resource(work.session, command.resource_id)
    account = _account(work.session, row.account_id)
    status = resource_views(work.session, [row])[0].status
    if status in ("registered", "gone"):
        raise Conflict(f"'{row.name}' is {status}.", "List the resources of the account to see what is new.")
    if row.url is None:
        raise InvalidInput(f"No connector reads '{row.name}' ({row.kind}).", "Register what lies in it by its own URL.")
    kind = source_kind(split_url(row.url).url)
    options = {**_declared(row, kind, account), **command.options}
    credential = acceptable(command.credential, None, work.now)
    if not credential:
        credential = unseal(credentials.sealed_of(work.session, account.id), account.id)
    found = register_source(work, RegisterSource(url=row.url, name=command.name, options=options), credential)
    row.ignored = False
    work.emit("resource_adopted", f"resource:{row.id}", after={"resource_id": row.id, "source_id": found.id})
    return found


def _declared(row: FoundResource, kind: str, account: Account) -> dict[str, str]:
    told: dict[str, Any] = {"region": row.region}
    told |= {name: row.facts.get(name) for name in DECLARATIONS if name in row.facts}
    options = {name: _text(value) for name, value in told.items() if value is not None and name in OPTIONS[kind]}
    endpoint = account.options.get("endpoint")
    if endpoint and "endpoint" in OPTIONS[kind]:
        options["endpoint"] = endpoint
    if account.provider == "postgresql":
        options |= {name: value for name, value in account.options.items() if name in OPTIONS[kind]}
    return options


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reached(command: RegisterAccount) -> tuple[str | None, dict[str, str], dict[str, str]]:
    """The clean URL, options and credential of a command. Raises InvalidInput, AddressRefused."""
    if command.provider == "aws":
        unknown = set(command.options) - set(AWS_OPTIONS)
        if unknown or command.url is not None:
            raise InvalidInput(
                "An AWS account has a URL or an option that it has not.", f"Give {', '.join(AWS_OPTIONS)}."
            )
        check_places("aws://", command.options)
        return None, command.options, {}
    if command.provider == "azure":
        known = set(command.options) <= set(AZURE_OPTIONS) and ACCOUNT.fullmatch(command.options.get("account", ""))
        if not known or command.url is not None or command.regions:
            raise InvalidInput(
                "An Azure account needs the option 'account', and has no URL and no regions.",
                f"Give {', '.join(AZURE_OPTIONS)}: the name of a storage account, and where it is served if elsewhere.",
            )
        check_places("azure://", command.options)
        return None, command.options, {}
    if command.url is None or command.regions:
        raise InvalidInput("A server or folder needs a URL, and has no regions.", "Give the URL of the server.")
    parts = split_url(command.url.get_secret_value())
    expected = {"postgresql": "postgresql", "folder": "files"}[command.provider]
    if source_kind(parts.url) != expected or (expected == "files" and not parts.url.startswith("file:")):
        raise InvalidInput("The URL is of another provider.", "Write postgresql://host/postgres, or file:///folder.")
    options = {**parts.options, **command.options}
    check_options(source_kind(parts.url), options)
    check_places(parts.url, options)
    return parts.url, options, dict(parts.credential)


def _applied(work: UnitOfWork, account_id: str, listing: AccountListing) -> tuple[int, int, int]:
    """How many are new, changed and gone against what was known."""
    statement = select(FoundResource).where(FoundResource.account_id == account_id)
    known = {row.native_id: row for row in work.session.scalars(statement)}
    new = changed = gone = 0
    seen = set()
    for one in listing.resources:
        seen.add(one.native_id)
        row = known.get(one.native_id)
        if row is None:
            work.session.add(
                row := FoundResource(id=new_id(), account_id=account_id, first_seen=work.now, ignored=False)
            )
            known[one.native_id] = row
            new += 1
        elif _values(one) != {name: getattr(row, name) for name in _values(one)} or row.gone:
            changed += 1
        for name, value in _values(one).items():
            setattr(row, name, value)
        row.gone, row.last_seen = False, work.now
    if listing.complete and not listing.problems:
        for native_id, row in known.items():
            if native_id not in seen and not row.gone:
                row.gone, gone = True, gone + 1
    return new, changed, gone


def _values(one: Resource) -> dict[str, Any]:
    whole = one.model_dump(mode="json") | {"url": _place(one.url)}
    return {
        **{name: whole[name] for name in ("native_id", "kind", "name", "region", "engine", "url", "size_bytes")},
        "facts": {name: whole[name] for name in _FACTS},
    }


def _place(url: str | None) -> str | None:
    """The URL in the form in which sources have it; that of a kind that no connector reads as it is."""
    try:
        return split_url(url).url if url is not None else None
    except InvalidInput:
        return url


def _account(session: Session, account_id: str) -> Account:
    row = session.get(Account, account_id)
    if row is None:
        raise NotFound(f"There is no account '{account_id}'.", "List the accounts to see their ids.")
    return row


def _resource(session: Session, resource_id: str) -> FoundResource:
    row = session.get(FoundResource, resource_id)
    if row is None:
        raise NotFound(f"There is no resource '{resource_id}'.", "List the resources of an account to see their ids.")
    return row


def get_account(session: Session, account_id: str) -> AccountView:
    """One account. Raises NotFound."""
    return AccountView.model_validate(_account(session, account_id))


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
        _account(session, account_id)
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
    row = _account(session, session.get_one(AccountDiscovery, discovery_id).account_id)
    return AccountAccess.model_validate(
        {
            "account_id": row.id, "provider": row.provider, "url": row.url, "regions": row.regions,
            "options": row.options, "sealed": credentials.sealed_of(session, row.id),
        }
    )  # fmt: skip
