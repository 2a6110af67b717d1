"""Small estates for the compliance tests: for each check one that passes and one that fails."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from actors.compliance.contract import FactDraft
from actors.compliance.facts import Cited, Fact, FactSet, digest_of
from actors.compliance.packs import load_frameworks

SOURCE = "source1"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
TOLD = {
    "kind": "postgres",
    "name": "shop",
    "url": "postgresql://db.example.org/shop",
    "tls": True,
    "encrypted_at_rest": True,
    "public_access": False,
    "authenticated": True,
    "superuser": False,
    "audit_logging": True,
    "region": "eu-west-1",
    "environment": "production",
    "extra": {},
}
OWN = {"grantee": "owner", "privilege": "SELECT", "public": False}
Drafts = list[FactDraft]


def label(tag: str, **changes: Any) -> dict[str, Any]:
    """A settled label with one tag on 990 of 1,000 values."""
    return {
        "data_class": "a.class",
        "sensitivity": "Restricted",
        "tags": [tag],
        "matched": 990,
        "scanned": 1000,
        "prevalence": 0.99,
        "state": "automatic",
        "origin": "machine",
        "whole_column": True,
        **changes,
    }


def source(**changes: Any) -> FactDraft:
    return FactDraft(kind="source", subject=SOURCE, value=TOLD | changes)


def asset(
    name: str = "t",
    columns: dict[str, list[dict[str, Any]]] | None = None,
    method: str | None = "census",
    problem: str | None = None,
    **changes: Any,
) -> Drafts:
    """An asset with its labels and coverage; `method` None is one that nobody has scanned."""
    path = f"shop.{name}"
    value = {
        "path": path,
        "kind": "table",
        "status": "present",
        "owner": "ada",
        "has_owner": True,
        "tags": [],
        "grants": [OWN],
        "columns": sorted(columns or {"id": []}),
        "problem": None,
    }
    drafts = [FactDraft(kind="asset", subject=f"id-{name}", value=value | changes)]
    if method is not None:
        read = 4 if method == "census" else 1
        covered = {"method": method, "partitions": 4, "partitions_read": read, "rows": 1000, "problem": problem}
        drafts.append(FactDraft(kind="coverage", subject=f"id-{name}", value=covered))
        drafts.append(FactDraft(kind="labels", subject=f"id-{name}", value={"columns": columns or {}}))
    return drafts


def fact_set(drafts: Drafts, source_id: str = SOURCE) -> FactSet:
    return FactSet(source_id, [Fact(Cited(d.kind, d.subject, 1, digest_of(d.value)), d.value, NOW) for d in drafts])


def holding(parameters: Any, **changes: Any) -> Drafts:
    """One asset that holds what the control is about."""
    return asset("t", {"c": [label(parameters.tags[0])]}, **changes)


def _told(fact: str, good: bool) -> tuple[Callable[[Any], Drafts], Callable[[Any], Drafts]]:
    return (
        lambda p: [source(**{fact: good}), *holding(p)],
        lambda p: [source(**{fact: not good}), *holding(p)],
    )


def public(privilege: str) -> list[dict[str, Any]]:
    return [OWN, {"grantee": "PUBLIC", "privilege": privilege, "public": True}]


def _many_readers(parameters: Any) -> list[dict[str, Any]]:
    return [{"grantee": f"r{n}", "privilege": "SELECT", "public": False} for n in range(parameters.limit + 1)]


def _answer(parameters: Any) -> list[str]:
    value = parameters.allowed[0] if parameters.allowed else "something"
    return [f"{parameters.declaration}:{value}"]


ESTATES: dict[str, tuple[Callable[[Any], Drafts], Callable[[Any], Drafts]]] = {
    "content.absent": (lambda p: [source(), *asset()], lambda p: [source(), *holding(p)]),
    "content.absent_outside_production": (
        lambda p: [source(environment="staging"), *asset()],
        lambda p: [source(environment="staging"), *holding(p)],
    ),
    "content.absent_where_declared": (
        lambda p: [source(), *asset(tags=[p.declared_by[0]])],
        lambda p: [source(), *holding(p, tags=[p.declared_by[0]])],
    ),
    "content.not_in_free_text": (
        lambda p: [source(), *holding(p)],
        lambda p: [source(), *asset("t", {"note": [label(p.tags[0], whole_column=False, matched=3)]})],
    ),
    "content.not_only_disk_encrypted": (
        lambda p: [source(encrypted_at_rest=True), *asset()],
        lambda p: [source(encrypted_at_rest=True), *holding(p)],
    ),
    "access.not_public": (
        lambda p: [source(), *holding(p)],
        lambda p: [source(), *holding(p, grants=public("SELECT"))],
    ),
    "access.not_publicly_writable": (
        lambda p: [source(), *holding(p, grants=public("SELECT"))],
        lambda p: [source(), *holding(p, grants=public("UPDATE"))],
    ),
    "access.few_readers": (
        lambda p: [source(), *holding(p)],
        lambda p: [source(), *holding(p, grants=_many_readers(p))],
    ),
    "access.no_generic_accounts": (
        lambda p: [source(), *holding(p)],
        lambda p: [source(), *holding(p, grants=[OWN, {"grantee": "Guest", "privilege": "SELECT", "public": False}])],
    ),
    "transport.encrypted": _told("tls", True),
    "storage.encrypted": _told("encrypted_at_rest", True),
    "source.not_public": _told("public_access", False),
    "source.authenticated": _told("authenticated", True),
    "source.lesser_account": _told("superuser", False),
    "source.audited": _told("audit_logging", True),
    "coverage.read": (
        lambda p: [source(), *asset()],
        lambda p: [source(), *asset(problem="source-denied")],
    ),
    "coverage.decided": (
        lambda p: [source(), *asset()],
        lambda p: [source(), *asset("t", {"c": [label("personal", state="review")]})],
    ),
    "governance.owned": (
        lambda p: [source(), *holding(p)],
        lambda p: [source(), *holding(p, has_owner=False, owner=None)],
    ),
    "governance.declared": (
        lambda p: [source(), *holding(p, tags=_answer(p))],
        lambda p: [source(), *holding(p, tags=[f"{p.declaration}:none"])],
    ),
    "governance.expected_place": (
        lambda p: [source(), *holding(p, tags=_answer(p))],
        lambda p: [source(), *asset("a", tags=_answer(p)), *holding(p)],
    ),
    "governance.transfer_basis": (
        lambda p: [source(region=p.inside[0]), *holding(p)],
        lambda p: [source(region=p.outside[0]), *holding(p)],
    ),
}


def every_estate() -> list[tuple[str, Drafts]]:
    """The estates that pass and that fail of every control, each with the key of the framework."""
    return [
        (use.framework, build(use.parameters))
        for framework in load_frameworks().values()
        for use in framework.uses
        for build in ESTATES[use.check.id]
    ]
