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


def fact_set(drafts: Drafts, source_id: str = SOURCE, now: datetime = NOW) -> FactSet:
    facts = [Fact(Cited(d.kind, d.subject, 1, digest_of(d.value)), d.value, NOW) for d in drafts]
    return FactSet(source_id, facts, now)


def on_record(subject: str = "id-t", **value: Any) -> FactDraft:
    """What is on record about an asset, or about the source."""
    empty = {"register": False, "places": [], "reviews": {}, "incidents": None, "requests": []}
    if subject != SOURCE:
        empty = {"activities": [], "retention": None, "holds": [], "policies": []}
    return FactDraft(kind="records", subject=subject, value=empty | value)


def entry(**changes: Any) -> dict[str, Any]:
    """A complete entry of the register that covers the column `c`."""
    return {
        "id": "a1",
        "name": "Billing",
        "columns": ["c"],
        "controller": "Shop Ltd",
        "contact": "privacy@shop.example",
        "dpo": "Ada",
        "purposes": ["billing"],
        "data_subjects": ["customers"],
        "data_categories": ["personal"],
        "recipients": ["bank"],
        "vendors": [],
        "transfers": [],
        "retention_days": 365,
        "security_measures": "encrypted",
        "legal_basis": "contract",
        "collected_from": "third-party",
        "notice": "https://shop.example/notice",
        "children": False,
        "profiling": False,
        "opt_out": "nothing is sold",
        "assessment": None,
    } | changes


def policy(**changes: Any) -> dict[str, Any]:
    made = {"id": "p1", "name": "Rule", "rule": "prohibition", "actions": ["read"], "roles": ["analyst"]}
    return made | {"effects": ["mask"], "columns": ["c"], "priority": 0, "applied": True} | changes


def profile(**column: Any) -> FactDraft:
    value = {"rows": 1000, "nulls": 0, "unreadable": 0, "distinct": 900, "min": "2025-06", "max": "2025-12"}
    return FactDraft(kind="profile", subject="id-t", value={"columns": {"at": value | column}})


def flow(**changes: Any) -> FactDraft:
    target = {
        "asset": "id-u",
        "source": "source2",
        "source_name": "lake",
        "masking": False,
        "tls": True,
        "region": "de",
    }
    return FactDraft(kind="flows", subject="id-t", value={"out": [target | changes], "in": []})


def _entered(build: Callable[[Any], dict[str, Any]], *more: FactDraft, **changes: Any) -> Callable[[Any], Drafts]:
    kept = on_record(SOURCE, register=True)
    return lambda p: [source(), kept, *holding(p, **changes), on_record(activities=[build(p)]), *more]


def _reviewed(done_at: str, result: str = "passed") -> Callable[[Any], Drafts]:
    def build(p: Any) -> Drafts:
        reviews = {p.reviewed: {"done_at": done_at, "result": result}}
        return [source(), on_record(SOURCE, reviews=reviews), *holding(p)]

    return build


def _incident(**at: str | None) -> Callable[[Any], Drafts]:
    one = {"id": "i1", "name": "Laptop", "severity": "high", "detected_at": "2026-01-01T00:00:00+00:00"}
    told = one | {"notice_not_needed": False, "assessed_at": None, "notified_at": None} | at
    return lambda p: [source(), on_record(SOURCE, incidents=[told]), *holding(p)]


def _requested(**changes: Any) -> Callable[[Any], Drafts]:
    one = {"id": "r1", "due_at": "2026-02-01", "done_at": None, "outcome": "open", "sources": [SOURCE]} | changes
    return lambda p: [source(), on_record(SOURCE, requests=[one]), *holding(p)]


def _attested(met: bool) -> Callable[[Any], Drafts]:
    value = {"met": met, "by": "ada", "expires_at": "2026-12-31", "evidence": 1, "id": "x"}
    return lambda p: [source(), FactDraft(kind="attestation", subject=f"{p.framework}/{p.control}", value=value)]


def _governed(build: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Drafts]:
    return lambda p: [source(), *holding(p), on_record(policies=[build(p)])]


def _kept(**column: Any) -> Callable[[Any], Drafts]:
    rule = {"id": "r", "name": "A year", "days": 365, "clock": "at"}
    return lambda p: [source(), *holding(p), profile(**column), on_record(retention=rule)]


def _purposes(consumer: list[str]) -> Callable[[Any], Drafts]:
    def build(p: Any) -> Drafts:
        taken = on_record("id-u", activities=[entry(purposes=consumer)])
        mine = on_record(activities=[entry()])
        return [source(), *holding(p), *asset("u"), mine, taken, flow(source=SOURCE)]

    return build


def _way(tag: str) -> Callable[[Any], Drafts]:
    return lambda p: [source(), *holding(p, tags=[f"{p.declaration}:{tag}"])]


def _vendor(p: Any, **changes: Any) -> dict[str, Any]:
    vendor = {"name": "Bank", "role": "processor", "contracts": [p.contracts[0]], "expires_at": "2027-01-01"}
    return entry(vendors=[vendor | changes])


ASSESSED = {"reference": "DPIA-1", "due": "2027-01-01", "risk": "low"}


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
        lambda p: [source(), on_record(SOURCE, places=[p.declaration]), *holding(p, tags=_answer(p))],
        lambda p: [source(), on_record(SOURCE, places=[p.declaration]), *holding(p)],
    ),
    "register.entered": (_entered(lambda p: entry()), _entered(lambda p: entry(columns=["other"]))),
    "register.complete": (_entered(lambda p: entry()), _entered(lambda p: entry(**dict.fromkeys(p.fields)))),
    "register.assessed": (
        _entered(lambda p: entry(assessment=ASSESSED, profiling=True)),
        _entered(lambda p: entry(assessment=ASSESSED | {"due": "2025-01-01"}, profiling=True)),
    ),
    "register.contracts": (_entered(_vendor), _entered(lambda p: _vendor(p, expires_at="2025-12-31"))),
    "register.purpose_kept": (_purposes(["billing"]), _purposes(["billing", "advertising"])),
    "register.children": (
        _entered(lambda p: entry(children=True)),
        _entered(lambda p: entry(children=True, legal_basis="consent")),
    ),
    "review.done": (_reviewed("2026-01-10"), _reviewed("2020-01-01")),
    "incident.in_time": (
        _incident(assessed_at="2026-01-02T00:00:00+00:00", notified_at="2026-01-02T00:00:00+00:00"),
        _incident(assessed_at="2026-06-02T00:00:00+00:00", notified_at="2026-06-02T00:00:00+00:00"),
    ),
    "request.answered": (_requested(), _requested(due_at="2026-01-14")),
    "attestation.given": (_attested(True), _attested(False)),
    "policy.masked": (_governed(lambda p: policy()), _governed(lambda p: policy(applied=False))),
    "policy.forbidden": (
        _governed(lambda p: policy(actions=[p.action], effects=["deny"])),
        _governed(lambda p: policy(actions=[p.action], rule="permission", effects=[])),
    ),
    "access.authorised": (
        _governed(lambda p: policy(rule="permission", effects=[], roles=["owner"])),
        _governed(lambda p: policy(rule="permission", effects=[], roles=["somebody"])),
    ),
    "retention.kept": (_kept(), _kept(min="2019-03")),
    "quality.valid": (
        lambda p: [source(), *holding(p)],
        lambda p: [source(), *asset("t", {"c": [label(p.tags[0], matched=500)]})],
    ),
    "subject.findable": (_way("customer_id"), _way("none")),
    "subject.erasable": (_way("monthly"), _way("none")),
    "flow.encrypted": (
        lambda p: [source(), *holding(p), flow()],
        lambda p: [source(), *holding(p), flow(tls=False)],
    ),
    "flow.transfer_basis": (
        lambda p: [source(), *holding(p), flow(region=p.inside[0])],
        lambda p: [source(), *holding(p), flow(region=p.outside[0])],
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
