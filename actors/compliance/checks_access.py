"""Checks on who may reach the data. Grants are facts of tables and views; of files, what the source says of itself.

Grants are those on the asset itself. What they do not show is not judged: membership of roles, superusers, and to
which columns a grant is limited, so that one to PUBLIC on a column counts as one on the asset. An empty list is an
answer only from a source that lists all grants from its catalogue; from any other it is INSUFFICIENT_EVIDENCE, as what
was not reported is no closed door.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from actors.compliance.facts import AssetFacts, Fact, FactSet
from actors.compliance.judgement import (
    Judgement,
    Parameters,
    awaiting,
    check,
    columns_of,
    count,
    how_to_tell,
    listed,
    undecided,
    without,
)

LISTS_GRANTS = frozenset({"postgresql"})
READ = frozenset({"SELECT", "READ", "ALL", "ALL PRIVILEGES"})
WRITE = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCATE", "WRITE", "ALL", "ALL PRIVILEGES"})


class Readers(Parameters):
    """`limit` is how many principals may read such data before it counts as broadly readable."""

    limit: int = Field(10, ge=1, le=1000)


class Accounts(Parameters):
    """`generic` are names of accounts that belong to nobody in particular."""

    generic: tuple[str, ...] = ("anonymous", "demo", "everyone", "generic", "guest", "nobody", "shared", "test")


def _scoped(asset: AssetFacts, parameters: Parameters, stand: tuple[Fact, ...]) -> Judgement | None:
    """The judgement where the asset is not known to hold the data; None where it does."""
    holding = asset.holds(parameters.tags, parameters.unless)
    if holding.state == "held":
        return None
    if asset.is_view:
        return _of_view(asset)
    if holding.state == "review":
        return awaiting(asset, parameters.data, holding.labels, stand)
    return (
        undecided(asset, parameters.data, stand)
        if holding.state == "unknown"
        else without(asset, parameters.data, stand)
    )


def _of_view(asset: AssetFacts) -> Judgement:
    if _public(asset, READ | WRITE):
        reason = "It is open to PUBLIC, and what a view shows is not known until somebody labels its columns."
        return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), asset.facts, "label_view")
    reason = "A view that is not open to PUBLIC; what it shows is judged where it is stored."
    return Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), asset.facts)


def _grants(asset: AssetFacts) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = asset.asset.value.get("grants") or []
    return grants


def _privilege(grant: dict[str, Any]) -> str:
    return str(grant.get("privilege", "")).upper()


def _public(asset: AssetFacts, privileges: frozenset[str]) -> list[str]:
    found = {
        _privilege(grant)
        for grant in _grants(asset)
        if grant.get("public") or str(grant.get("grantee", "")).upper() == "PUBLIC"
    }
    return sorted(found & privileges)


def reported(facts: FactSet, asset: AssetFacts) -> bool:
    """Whether what is known of the grants on the asset is all there is."""
    return bool(_grants(asset)) or facts.told("kind") in LISTS_GRANTS


def unreported(asset: AssetFacts, stand: tuple[Fact, ...]) -> Judgement:
    """INSUFFICIENT_EVIDENCE: who may reach the asset is not known."""
    reason = "The source did not report who may reach it."
    return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, "report_grants")


def _closed(facts: FactSet, parameters: Parameters, privileges: frozenset[str], verb: str) -> Iterable[Judgement]:
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        is_file = asset.asset.value.get("kind") == "file"
        stand = (*source, *asset.facts)
        scoped = _scoped(asset, parameters, stand)
        if scoped is not None:
            yield scoped
        elif is_file:
            yield _file_closed(asset, parameters, facts.told("public_access"), stand, verb)
        elif not reported(facts, asset):
            yield unreported(asset, stand)
        else:
            yield _table_closed(asset, parameters, _public(asset, privileges), stand, verb)


def _table_closed(
    asset: AssetFacts, parameters: Parameters, open_to_all: list[str], stand: tuple[Fact, ...], verb: str
) -> Judgement:
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    if open_to_all:
        held = f"{count(len(columns), 'column')} of {parameters.data}: {listed(columns)}"
        reason = f"PUBLIC has {' and '.join(open_to_all)} on it, and it holds {held}."
        action = f"revoke_public:{', '.join(open_to_all)}"
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, action)
    reason = f"It holds {parameters.data}, and none of its {count(len(_grants(asset)), 'grant')} lets PUBLIC {verb} it."
    return Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


def _file_closed(
    asset: AssetFacts, parameters: Parameters, public: Any, stand: tuple[Fact, ...], verb: str
) -> Judgement:
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    if public is None:
        how, action = how_to_tell("public_access")
        reason = f"Whether the source is open to the public is not known.{how}"
        return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), stand, action)
    if public:
        reason = f"It holds {parameters.data}, and the source is open to the public."
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "close_public_access")
    reason = f"It holds {parameters.data}, and the source does not let the public {verb} it."
    return Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("access.not_public", Parameters, ("source", "asset", "labels", "coverage"))
def not_public(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Not everybody may read an asset that holds the data."""
    return _closed(facts, parameters, READ, "read")


@check("access.not_publicly_writable", Parameters, ("source", "asset", "labels", "coverage"))
def not_publicly_writable(facts: FactSet, parameters: Parameters) -> Iterable[Judgement]:
    """Not everybody may change an asset that holds the data."""
    return _closed(facts, parameters, WRITE, "change")


@check("access.few_readers", Readers, ("source", "asset", "labels", "coverage"))
def few_readers(facts: FactSet, parameters: Readers) -> Iterable[Judgement]:
    """An asset that holds the data is readable by a few named principals, and not by PUBLIC."""
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.facts)
        scoped = _scoped(asset, parameters, stand)
        if scoped is not None:
            yield scoped
        elif not reported(facts, asset):
            yield unreported(asset, stand)
        else:
            yield _counted(asset, parameters, stand)


def _counted(asset: AssetFacts, parameters: Readers, stand: tuple[Fact, ...]) -> Judgement:
    columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
    if _public(asset, READ):
        reason = f"PUBLIC may read it, and it holds {parameters.data}: {listed(columns)}."
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "revoke_public:SELECT")
    readers = {str(grant.get("grantee")) for grant in _grants(asset) if _privilege(grant) in READ}
    granted = f"Reading its {parameters.data} is granted to {count(len(readers), 'principal')}"
    reason = f"{granted}; the limit is {parameters.limit}."
    if len(readers) > parameters.limit:
        return Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "reduce_readers")
    return Judgement(asset.subject, asset.name, "PASS", reason, (), stand)


@check("access.no_generic_accounts", Accounts, ("source", "asset", "labels", "coverage"))
def no_generic_accounts(facts: FactSet, parameters: Accounts) -> Iterable[Judgement]:
    """No account that belongs to nobody in particular has a right on an asset that holds the data."""
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.facts)
        scoped = _scoped(asset, parameters, stand)
        grantees = {str(grant.get("grantee")) for grant in _grants(asset) if not grant.get("public")}
        generic = sorted(name for name in grantees if name.lower() in parameters.generic)
        if scoped is not None:
            yield scoped
        elif not reported(facts, asset):
            yield unreported(asset, stand)
        elif generic:
            columns = columns_of(asset.holds(parameters.tags, parameters.unless).labels)
            reason = f"Accounts that belong to nobody in particular reach its {parameters.data}: {listed(generic)}."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, columns, stand, "revoke_generic")
        else:
            reason = (
                f"None of the {count(len(grantees), 'account')} that reach its {parameters.data} has a generic name."
            )
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), stand)
