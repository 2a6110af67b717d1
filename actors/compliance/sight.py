"""What a caller from whom assets are hidden is told of verdicts and facts: what would be known without those assets.

Left out are the findings and facts on hidden assets, those that stand on flows to or from them, and, of a source that
holds any of them, the verdicts and the record on the source as a whole, since those stand on all of its assets. What is
computed from facts (risk, explanations, what-if) is computed from those that are left. The record of a source still
says which kinds of declaration its assets carry; it is left out of lists and counted from visible assets elsewhere.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, column, exists, func, not_, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import Session

import actors.compliance.packs  # noqa: F401 - registers the checks, of which some stand on flows
from actors.compliance import factbook
from actors.compliance.contract import FactView
from actors.compliance.deriving import places
from actors.compliance.facts import Cited, Fact, FactSet, digest_of
from actors.compliance.judgement import CHECKS
from actors.compliance.tables import FactVersion, Finding, Holding
from cluster.context import Caller, system
from cluster.naming import asset_id
from cluster.security.visibility import hidden, visible

EVERYBODY = system("compliance")  # the groups' own reads see everything; a door hands in who asks


def findings(caller: Caller) -> ColumnElement[bool]:
    """The condition that a finding is one that the caller may see."""
    if caller.sees_all:
        return true()
    by_flows = [check.id for check in CHECKS.values() if "flows" in check.needs]
    return and_(
        visible(caller, Finding.subject),
        or_(Finding.check.not_in(by_flows), not_(_joined(caller))),
        or_(Finding.subject != Finding.source_id, Finding.source_id.not_in(_veiled(caller))),
    )


def facts(caller: Caller) -> ColumnElement[bool]:
    """The condition that a fact is one that the caller may see; what is shown of it goes through `shown`."""
    if caller.sees_all:
        return true()
    of_source = and_(FactVersion.kind == "records", FactVersion.subject == FactVersion.source_id)
    return and_(visible(caller, FactVersion.subject), not_(and_(of_source, FactVersion.source_id.in_(_veiled(caller)))))


def veiled(session: Session, source_id: str, caller: Caller) -> bool:
    """Whether anything that the verdicts on this source stand on is hidden from the caller."""
    if caller.sees_all:
        return False
    names = select(Holding.source_id).where(Holding.source_id == source_id, ~visible(caller, Holding.subject))
    tied = select(FactVersion.source_id).where(*_tied(caller), FactVersion.source_id == source_id)
    return session.execute(names.union_all(tied).limit(1)).first() is not None


def unseen(session: Session, source_id: str, caller: Caller) -> int:
    """How many assets of the source are hidden from the caller."""
    if caller.sees_all:
        return 0
    counted = select(func.count()).select_from(Holding)
    return session.scalars(counted.where(Holding.source_id == source_id, ~visible(caller, Holding.subject))).one()


def current(
    session: Session, source_id: str, now: datetime, subjects: Collection[str] | None = None, caller: Caller = EVERYBODY
) -> FactSet:
    """The facts of a source as they stand, as they were if there were no assets that are hidden from the caller."""
    known = list(factbook.standing(session, source_id, subjects))
    if caller.sees_all:
        return FactSet(source_id, known, now)
    named = {fact.cited.subject for fact in known}.union(*(_named(source_id, fact.value) for fact in known))
    away = hidden(session, caller, named)
    left = [fact for fact in known if fact.cited.subject not in away]
    if veiled(session, source_id, caller):
        left = [_of_visible(source_id, fact, left) for fact in left]
    return FactSet(source_id, [_without(source_id, fact, away) for fact in left], now)


def shown(session: Session, fact: FactView, caller: Caller) -> FactView:
    """The fact without the flows and keys that lead to hidden assets, and the digest of what is left."""
    if caller.sees_all or fact.kind not in {"flows", "asset"}:
        return fact
    away = hidden(session, caller, _named(fact.source_id, fact.value))
    if not away:
        return fact
    value = _cut(fact.source_id, fact.value, away)
    return fact.model_copy(update={"value": value, "digest": digest_of(value)})


def _named(source_id: str, value: dict[str, Any]) -> set[str]:
    """The other assets that a fact on flows or on an asset names."""
    flows = (flow for way in ("in", "out") for flow in value.get(way) or ())
    keys = (asset_id(source_id, str(key.get("to_asset"))) for key in value.get("foreign_keys") or ())
    return {*(str(flow.get("asset")) for flow in flows), *keys}


def _cut(source_id: str, value: dict[str, Any], away: Collection[str]) -> dict[str, Any]:
    kept = dict(value)
    for way in ("in", "out"):
        if way in value:
            kept[way] = [flow for flow in value[way] if str(flow.get("asset")) not in away]
    if value.get("foreign_keys"):
        keys = value["foreign_keys"]
        kept["foreign_keys"] = [key for key in keys if asset_id(source_id, str(key.get("to_asset"))) not in away]
    return kept


def _without(source_id: str, fact: Fact, away: Collection[str]) -> Fact:
    return _with_value(fact, _cut(source_id, fact.value, away)) if away else fact


def _of_visible(source_id: str, fact: Fact, left: list[Fact]) -> Fact:
    """The record on the source, with the declarations of the assets that are left, and nothing that names others."""
    if fact.cited.kind != "records" or fact.cited.subject != source_id:
        return fact
    tags = (str(tag).lower() for one in left if one.cited.kind == "asset" for tag in one.value.get("tags") or ())
    return _with_value(fact, fact.value | {"places": places(tags), "incidents": None, "requests": []})


def _with_value(fact: Fact, value: dict[str, Any]) -> Fact:
    cited = fact.cited
    return Fact(Cited(cited.kind, cited.subject, cited.version, digest_of(value)), value, fact.observed_at)


def _veiled(caller: Caller) -> Select[str]:
    """The sources that hold an asset hidden from the caller."""
    return select(Holding.source_id).where(~visible(caller, Holding.subject)).distinct()


def _joined(caller: Caller) -> ColumnElement[bool]:
    """The condition that a finding cites flows of its subject to or from an asset hidden from the caller."""
    cited = func.jsonb_build_array(FactVersion.kind, FactVersion.subject, FactVersion.version, FactVersion.digest)
    stands = Finding.facts.contains(func.jsonb_build_array(cited))
    told = select(1).where(*_tied(caller), FactVersion.subject == Finding.subject, stands)
    return exists(told.correlate(Finding))


def _tied(caller: Caller) -> tuple[ColumnElement[bool], ...]:
    ends = func.jsonb_path_query(FactVersion.value, cast("$.*[*].asset", JSONPATH))
    end = ends.table_valued(column("end", JSONB), name="flow").render_derived()
    far = cast(end.c.end[()].astext, String)
    apart = exists(select(1).select_from(end).where(~visible(caller, far)).correlate(FactVersion))
    return FactVersion.kind == "flows", apart
