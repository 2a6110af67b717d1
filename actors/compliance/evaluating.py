"""Evaluating a source, whole or only where facts changed: both find the same, and write only what is different."""

import gc
from collections import defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.compliance import factbook, holdings, ledger, orders_on_record, records
from actors.compliance.contract import EvaluationView, RecordFacts, TouchedView
from actors.compliance.deriving import OWN_KINDS, OnRecord, derive, of_assets, places
from actors.compliance.evaluation import Draft, Key, evaluate
from actors.compliance.facts import AssetFacts, FactSet
from actors.compliance.frameworks import chosen
from actors.compliance.holdings import Held, subset
from actors.compliance.ledger import Change, Standing
from actors.compliance.news import News, announce, note, told
from actors.compliance.packs import Framework, Use
from actors.compliance.tables import Followed, Judged
from cluster.runtime.commands import UnitOfWork

Scope = tuple[tuple[str, ...], tuple[str, ...]]  # the tags that make data a check's concern, and those that do not
Seen = dict[Scope, list[str]]


def whole(work: UnitOfWork, source_id: str, keys: tuple[str, ...] = ()) -> EvaluationView:
    """Evaluates the frameworks of these keys, all if none is named, over all facts of the source."""
    frameworks, news = chosen(work.session, keys), News()
    with collector_off():
        _judge(work, frameworks, _with_records(work, source_id), news)
    if not keys:
        _withdraw(work, source_id, [framework.pack.value.key for framework in frameworks], news)
    return told(work, source_id, news)


@contextmanager
def collector_off() -> Iterator[None]:
    """Without the collector of cycles: it would look through millions of living tuples again and again."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _judge(work: UnitOfWork, frameworks: list[Framework], facts: FactSet, news: News) -> None:
    """Evaluates one framework after the other: the findings of a large estate under all would fill the memory.

    While those of one are written the next is evaluated, since half of the time is the server's. The session is used
    by one thread at a time: what the evaluation needs of it was read before.
    """
    session, source_id = work.session, facts.source_id
    changes: list[Change] = []
    with ThreadPoolExecutor(1) as beside:
        for framework in frameworks:
            stored = ledger.standing(session, source_id, framework.pack.value.key)
            ledger.write_rules(session, framework.uses)
            news.recounted = _judged(work, source_id, framework, len(facts.assets)) or news.recounted
            writing = beside.submit(ledger.write, session, source_id, changes, work.now)
            try:
                changes = ledger.compare(source_id, evaluate(framework.uses, facts, stored), stored)
            finally:
                writing.result()
            note(news, changes)
    ledger.write(session, source_id, changes, work.now)


def touched(work: UnitOfWork, source_id: str, assets: Collection[str]) -> TouchedView:
    """Evaluates what the facts of these assets touch; the whole source where what all verdicts rest on has changed."""
    frameworks = chosen(work.session, ())
    held = holdings.index(work.session, source_id)
    if not _comparable(work.session, source_id, frameworks, held):
        every = whole(work, source_id)
        return TouchedView(source_id=source_id, judged=len(held), changed=every.changed)
    seen = _seen(frameworks, held)
    facts, judged = _neighbourhood(work, source_id, set(assets), seen)
    news, found = News(), dict[Key, Draft]()
    stored = ledger.standing(work.session, source_id, None, {*judged, source_id})
    for framework in frameworks:
        local = [use for use in framework.uses if use.check.scope != "source"]
        found |= {key: draft for key, draft in evaluate(local, facts, stored).items() if key[3] in judged}
        found |= _of_source(work, facts, framework, seen, stored)
    _settle(work, source_id, found, stored, news)
    announce(work, source_id, {"changed": news.changed}, news)
    return TouchedView(source_id=source_id, judged=len(judged), changed=news.changed)


def followed(session: Session, seq: int) -> None:
    """Notes up to which event changed facts were followed."""
    upsert = insert(Followed).values(id=1, seq=seq)
    newer = upsert.on_conflict_do_update(index_elements=[Followed.id], set_={"seq": seq}, where=Followed.seq < seq)
    session.execute(newer)


def _with_records(work: UnitOfWork, source_id: str) -> FactSet:
    """All facts of the source, with those that follow from what is on record brought up to date."""
    session = work.session
    told = [fact for fact in factbook.standing(session, source_id) if fact.cited.kind not in OWN_KINDS]
    derived = derive(FactSet(source_id, told, work.now), _on_record(session))
    factbook.record(session, RecordFacts(source_id=source_id, facts=tuple(derived), complete=OWN_KINDS), work.now)
    return FactSet(source_id, [*told, *factbook.standing(session, source_id, kinds=OWN_KINDS)], work.now)


def _on_record(session: Session) -> OnRecord:
    requests, applied = orders_on_record.requests(session), orders_on_record.applied(session)
    return records.in_force(session, requests=requests, applied=applied)


def _neighbourhood(work: UnitOfWork, source_id: str, assets: set[str], seen: Seen) -> tuple[FactSet, set[str]]:
    """The facts by which these assets and their neighbours are judged, and whose findings are to be judged again."""
    session = work.session
    own = factbook.current(session, source_id, work.now, assets)
    drafts = of_assets(own, _on_record(session))
    factbook.record(session, RecordFacts(source_id=source_id, facts=tuple(drafts)), work.now)
    named = {draft.subject for draft in drafts}
    gone = [asset.subject for asset in own.assets if asset.records is not None and asset.subject not in named]
    factbook.drop(session, source_id, "records", gone)
    judged = assets | {flow for asset in own.assets for flow in _flows(asset, "in")}
    near = factbook.current(session, source_id, work.now, judged)
    downstream = {flow for asset in near.assets for flow in _flows(asset, "out")}
    wanted = judged | downstream | set(chain.from_iterable(seen.values()))
    return factbook.current(session, source_id, work.now, wanted), judged


def _flows(asset: AssetFacts, way: str) -> list[str]:
    return [str(flow["asset"]) for flow in (asset.flows.value.get(way) or ())] if asset.flows else []


def _seen(frameworks: list[Framework], held: list[Held]) -> Seen:
    """The witnesses of each scope that a check of a source has, so that each is looked for once."""
    scopes = {_scope(use) for framework in frameworks for use in framework.uses if use.check.scope == "source"}
    return {scope: list(chain.from_iterable(holdings.witnesses(held, *scope).values())) for scope in scopes}


def _scope(use: Use) -> Scope:
    return tuple(getattr(use.parameters, "tags", ())), tuple(getattr(use.parameters, "unless", ()))


def _of_source(
    work: UnitOfWork, facts: FactSet, framework: Framework, seen: Seen, stored: dict[Key, Standing]
) -> dict[Key, Draft]:
    """Judges the source as a whole, each check by its own witnesses; what it leaves alone is taken out of `stored`."""
    source_id = facts.source_id
    found: dict[Key, Draft] = {}
    uses: dict[Scope, list[Use]] = defaultdict(list)
    for use in framework.uses:
        if use.check.scope == "source":
            uses[_scope(use)].append(use)
    for scope, asked in uses.items():
        keys = [(use.framework, use.control.id, use.check.id, source_id) for use in asked]
        none_holds = bool(scope[0]) and not seen[scope] and bool(facts.assets)
        if none_holds and not any(key in stored and stored[key].verdict != "NOT_APPLICABLE" for key in keys):
            for key in keys:
                stored.pop(key, None)
            continue  # it is not concerned, and the findings that there are say so
        # That no asset holds the data is cited with all of them.
        known = factbook.current(work.session, source_id, work.now) if none_holds else subset(facts, set(seen[scope]))
        found |= evaluate(asked, known, stored)
    return found


def _comparable(session: Session, source_id: str, frameworks: list[Framework], held: list[Held]) -> bool:
    """Whether the last evaluation was by these packs, over as many assets, with as many kinds of place declared."""
    columns = (Judged.framework, Judged.pack_digest, Judged.assets)
    stored = {
        key: (digest, number)
        for key, digest, number in session.execute(select(*columns).where(Judged.source_id == source_id))
    }
    if stored != {one.pack.value.key: (one.pack.digest, len(held)) for one in frameworks}:
        return False
    on_record = factbook.value_of(session, source_id, "records", source_id) or {}
    return list(on_record.get("places") or ()) == places(tag for one in held for tag in one.tags)


def _judged(work: UnitOfWork, source_id: str, framework: Framework, assets: int) -> bool:
    """Notes the evaluation. Returns whether it was of another number of assets, or by another pack, than before."""
    key, digest = framework.pack.value.key, framework.pack.digest
    before = work.session.get(Judged, (source_id, key), populate_existing=True)
    values = {"source_id": source_id, "framework": key, "pack_digest": digest, "at": work.now, "assets": assets}
    same = before is not None and (before.pack_digest, before.assets) == (digest, assets)
    upsert = insert(Judged).values(values)
    work.session.execute(upsert.on_conflict_do_update(index_elements=["source_id", "framework"], set_=values))
    return not same


def _withdraw(work: UnitOfWork, source_id: str, known: list[str], news: News) -> None:
    """Findings under frameworks whose packs are no longer there."""
    for key in ledger.unpacked_frameworks(work.session, source_id, known):
        _settle(work, source_id, {}, ledger.standing(work.session, source_id, key), news)
    work.session.execute(delete(Judged).where(Judged.source_id == source_id, Judged.framework.not_in(known)))


def _settle(work: UnitOfWork, source_id: str, found: dict[Key, Draft], stored: dict[Key, Standing], news: News) -> None:
    """Writes what is different, and takes note of it."""
    changes = ledger.compare(source_id, found, stored)
    ledger.write(work.session, source_id, changes, work.now)
    note(news, changes)
