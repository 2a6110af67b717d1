"""Accounts: looked through for sources, what was found adopted or ignored, and gone only when a whole list lacks it."""

from typing import Any

from sqlalchemy import delete, select

from actors.sources.account_places import reached
from actors.sources.account_queries import account_row, resource_row, resource_views
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
    ResourceView,
    RetireAccount,
    SourceView,
)
from actors.sources.credentials import acceptable
from actors.sources.registering import register_source
from cluster.clouds.interface import AccountListing, Resource
from cluster.connectors import source_kind, split_url
from cluster.connectors.options import DECLARATIONS, OPTIONS
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput
from cluster.runtime.commands import UnitOfWork
from cluster.security import credentials
from cluster.security.secrets import unseal

HISTORY_KEPT = 20
_FACTS = ("encrypted_at_rest", "kms_key", "public_access", "tls_required", "tags", "extra")


def entity(account_id: str) -> str:
    """How events name an account."""
    return f"account:{account_id}"


def register_account(work: UnitOfWork, command: RegisterAccount) -> AccountView:
    """One account in service has a name."""
    url, options, credential = reached(command)
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
    row = account_row(work.session, command.account_id)
    if row.state != "retired":
        row.state, row.has_credential = "retired", False
        credentials.remove(work.session, row.id)
        work.emit("account_retired", entity(row.id), after={"account_id": row.id})
    return AccountView.model_validate(row)


def discover_account(work: UnitOfWork, command: DiscoverAccount) -> AccountDiscoveryView:
    """Queues the look."""
    account = account_row(work.session, command.account_id)
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
            account_row(work.session, row.account_id).listed_at = work.now
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
    row = resource_row(work.session, command.resource_id)
    if row.ignored != command.ignored:
        row.ignored = command.ignored
        work.emit("resource_ignored", f"resource:{row.id}", after={"resource_id": row.id, "ignored": row.ignored})
    return resource_views(work.session, [row])[0]


def adopt_resource(work: UnitOfWork, command: AdoptResource) -> SourceView:
    """The facts that a source may declare go with it, so that controls have them."""
    row = resource_row(work.session, command.resource_id)
    account = account_row(work.session, row.account_id)
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
