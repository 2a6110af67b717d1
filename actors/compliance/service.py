"""The commands of the compliance group. What tells of all assets, or acts on them, is for those who see all."""

from actors.compliance import evaluating, factbook, handling, orders, overdue, queries, records, sampling, waivers
from actors.compliance.advice import advise, write_advice
from actors.compliance.contract import (
    GROUP,
    AdviceReceipt,
    AdviseSource,
    DecideOrder,
    DecideWaiver,
    EndRecord,
    EvaluateAssets,
    EvaluateSource,
    EvaluationView,
    FactReceipt,
    FindingView,
    HandleFinding,
    KeepClocks,
    KeepRecord,
    NoteFollowed,
    OrderEnforcement,
    OrderRetention,
    OrderRollback,
    OrderSubject,
    OrderView,
    RecordFacts,
    RecordOrder,
    RecordView,
    RequestWaiver,
    TouchedView,
    WaiverView,
)
from cluster.naming import source_entity
from cluster.runtime.commands import Done, Service, UnitOfWork
from cluster.security.visibility import require_all

service = Service(GROUP)


@service.handles(RecordFacts)
def record_facts(work: UnitOfWork, command: RecordFacts) -> FactReceipt:
    receipt = factbook.record(work.session, command, work.now)
    if receipt.changed:
        work.emit("facts_recorded", source_entity(command.source_id), after=receipt)
    return receipt


@service.handles(EvaluateSource)
def evaluate_source(work: UnitOfWork, command: EvaluateSource) -> EvaluationView:
    require_all(work.caller)
    return evaluating.whole(work, command.source_id, command.frameworks)


@service.handles(EvaluateAssets)
def evaluate_assets(work: UnitOfWork, command: EvaluateAssets) -> TouchedView:
    return evaluating.touched(work, command.source_id, command.assets)


@service.handles(NoteFollowed)
def note_followed(work: UnitOfWork, command: NoteFollowed) -> Done:
    evaluating.followed(work.session, command.upto)
    return Done()


@service.handles(AdviseSource)
def advise_source(work: UnitOfWork, command: AdviseSource) -> AdviceReceipt:
    require_all(work.caller)
    advice = advise(command.source_id, queries.actionable(work.session, command.source_id))
    changed = write_advice(work.session, command.source_id, advice)
    sampling.sample(work.session, command.source_id, work.now)
    receipt = AdviceReceipt(recommendations=len(advice), changed=changed)
    if changed:
        work.emit("advised", source_entity(command.source_id), after=receipt)
    return receipt


@service.handles(KeepRecord)
def keep_record(work: UnitOfWork, command: KeepRecord) -> RecordView:
    require_all(work.caller)
    kept = records.keep(work.session, command, work.caller.principal, work.now)
    work.emit("record_kept", f"record:{kept.id}", None, _brief(kept))
    return kept


@service.handles(EndRecord)
def end_record(work: UnitOfWork, command: EndRecord) -> RecordView:
    require_all(work.caller)
    ended = records.end(work.session, command, work.caller.principal, work.now)
    work.emit("record_ended", f"record:{ended.id}", None, _brief(ended))
    return ended


@service.handles(HandleFinding)
def handle_finding(work: UnitOfWork, command: HandleFinding) -> FindingView:
    return handling.handle(work, command)


@service.handles(RequestWaiver)
def request_waiver(work: UnitOfWork, command: RequestWaiver) -> WaiverView:
    return waivers.request(work, command)


@service.handles(DecideWaiver)
def decide_waiver(work: UnitOfWork, command: DecideWaiver) -> WaiverView:
    return waivers.decide(work, command)


@service.handles(OrderEnforcement)
def order_enforcement(work: UnitOfWork, command: OrderEnforcement) -> OrderView:
    require_all(work.caller)
    return orders.enforce(work, command)


@service.handles(OrderRollback)
def order_rollback(work: UnitOfWork, command: OrderRollback) -> OrderView:
    require_all(work.caller)
    return orders.roll_back(work, command)


@service.handles(OrderRetention)
def order_retention(work: UnitOfWork, command: OrderRetention) -> OrderView:
    require_all(work.caller)
    return orders.retain(work, command)


@service.handles(OrderSubject)
def order_subject(work: UnitOfWork, command: OrderSubject) -> OrderView:
    require_all(work.caller)
    return orders.find_subject(work, command)


@service.handles(DecideOrder)
def decide_order(work: UnitOfWork, command: DecideOrder) -> OrderView:
    require_all(work.caller)
    return orders.decide(work, command)


@service.handles(RecordOrder)
def record_order(work: UnitOfWork, command: RecordOrder) -> OrderView:
    return orders.record(work, command)


@service.handles(KeepClocks)
def keep_clocks(work: UnitOfWork, command: KeepClocks) -> Done:
    waivers.expire(work)
    if command.deadlines:
        overdue.tell(work)
    return Done()


def _brief(record: RecordView) -> dict[str, object]:
    return record.model_dump(mode="json", include={"id", "kind", "name", "version", "digest", "ended", "by"})
