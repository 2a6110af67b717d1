"""The commands of the sources group."""

from sqlalchemy import delete, select

from actors.sources import accounts, expiry, health_recording, pools, queries
from actors.sources.applying import apply_sources
from actors.sources.contract import (
    AdoptResource,
    ApplyReport,
    ApplySources,
    ApplyTuning,
    AskPreview,
    BeginWork,
    DiscoverAccount,
    DiscoverSource,
    DiscoveryView,
    DropKey,
    IgnoreResource,
    PlaceSource,
    ProbeSource,
    RecordAccount,
    RecordDiscovery,
    RecordHealth,
    RecordTest,
    RecordTuning,
    RegisterAccount,
    RegisterSource,
    RetireAccount,
    RetireSource,
    RotateCredential,
    RotateKeys,
    SetCredential,
    SetEndpoints,
    SetFetchRows,
    SourceState,
    SourceView,
    TestSource,
    TestView,
    TuneSource,
    UpdateSource,
    WatchCredentials,
)
from actors.sources.credentials import adopt, drop_key, rotate_credential, rotate_keys, set_credential
from actors.sources.endpoints import place_source, set_endpoints
from actors.sources.inventory import apply_enumeration
from actors.sources.preview import ask_preview
from actors.sources.registering import register_source
from actors.sources.standing import changed, in_service, refuse_known
from actors.sources.tables import ConnectionTest, Discovery, Source
from cluster.connectors import check_options
from cluster.connectors.interface import SourceFacts
from cluster.context import new_id
from cluster.errors import PreconditionFailed
from cluster.naming import source_entity
from cluster.runtime.commands import Done, Service, UnitOfWork
from cluster.security import credentials
from cluster.security.network import check_places

service = Service("sources")

service.handles(RegisterSource)(register_source)
service.handles(SetCredential)(set_credential)
service.handles(RotateCredential)(rotate_credential)
service.handles(SetEndpoints)(set_endpoints)
service.handles(PlaceSource)(place_source)
service.handles(RecordHealth)(health_recording.record_health)
service.handles(WatchCredentials)(expiry.watch_credentials)
service.handles(ProbeSource)(health_recording.probe_source)
service.handles(SetFetchRows)(pools.set_fetch_rows)
service.handles(TuneSource)(pools.tune_source)
service.handles(RecordTuning)(pools.record_tuning)
service.handles(ApplyTuning)(pools.apply_tuning)
service.handles(RegisterAccount)(accounts.register_account)
service.handles(RetireAccount)(accounts.retire_account)
service.handles(DiscoverAccount)(accounts.discover_account)
service.handles(RecordAccount)(accounts.record_account)
service.handles(IgnoreResource)(accounts.ignore_resource)
service.handles(AdoptResource)(accounts.adopt_resource)
service.handles(AskPreview)(ask_preview)
service.handles(RotateKeys)(rotate_keys)
service.handles(DropKey)(drop_key)

# Ended tests and discoveries of a source that stay readable.
HISTORY_KEPT = 50
# New and changed assets that the event of a discovery names.
ARRIVED_NAMED = 200


@service.handles(ApplySources)
def apply_all(work: UnitOfWork, command: ApplySources) -> ApplyReport:
    return apply_sources(work, command, service.carry_out)


@service.handles(UpdateSource)
def update_source(work: UnitOfWork, command: UpdateSource) -> SourceView:
    row = in_service(work, command.source_id)
    if row.version != command.version:
        raise PreconditionFailed(
            f"The source has version {row.version}, not {command.version}.", "Read it again and repeat the change."
        )
    before = queries.view(row)
    if command.name is not None and command.name != row.name:
        refuse_known(work, None, command.name)
        row.name = command.name
    if command.options is not None:
        check_options(row.kind, command.options)
        check_places(row.url, command.options)
        row.options = command.options
    return before if queries.view(row) == before else changed(work, row, before, "updated")


@service.handles(RetireSource)
def retire_source(work: UnitOfWork, command: RetireSource) -> SourceView:
    row = in_service(work, command.source_id)
    before = queries.view(row)
    row.state, row.has_credential = "retired", False
    credentials.remove(work.session, row.id)
    return changed(work, row, before, "retired")


@service.handles(TestSource)
def test_source(work: UnitOfWork, command: TestSource) -> TestView:
    in_service(work, command.source_id)
    row = ConnectionTest(
        id=new_id(), source_id=command.source_id, state="queued", passed=None, steps=[], requested_at=work.now
    )
    work.session.add(row)
    work.session.flush()
    return queries.test_view(row)


@service.handles(DiscoverSource)
def discover_source(work: UnitOfWork, command: DiscoverSource) -> DiscoveryView:
    in_service(work, command.source_id)
    row = Discovery(id=new_id(), source_id=command.source_id, state="queued", problems=[], requested_at=work.now)
    work.session.add(row)
    work.session.flush()
    return DiscoveryView.model_validate(row)


@service.handles(BeginWork)
def begin_work(work: UnitOfWork, command: BeginWork) -> Done:
    row: ConnectionTest | Discovery | None
    if command.kind == "test":
        row = work.session.get(ConnectionTest, command.id)
    else:
        row = work.session.get(Discovery, command.id)
    if row is not None and row.state == "queued":
        row.state = "running"
    return Done()


@service.handles(RecordTest)
def record_test(work: UnitOfWork, command: RecordTest) -> TestView:
    row = work.session.get_one(ConnectionTest, command.test_id)
    row.steps = [step.model_dump(mode="json") for step in command.steps]
    row.passed = bool(command.steps) and not any(step.status == "failed" for step in command.steps)
    row.state, row.finished_at = "succeeded", work.now
    gate_failed = any(step.status == "failed" and step.category == "gate" for step in command.steps)
    if row.rotates:
        adopt(work, row, passed=bool(command.steps) and not gate_failed)
    source = queries.row_of(work.session, row.source_id)
    if not (row.rotates and gate_failed):  # else it says something of the new credential only
        _observe(work, source, "degraded" if gate_failed else "active", command.facts)
        codes = {
            step.code: step.diagnosis for step in command.steps if step.status == "failed" and step.category == "gate"
        }
        refused = "source-auth-failed" in codes
        health_recording.tested(work, row.source_id, was_refused=refused, diagnosis=codes.get("source-auth-failed"))
    failed = [step.name for step in command.steps if step.status == "failed"]
    after = {"test_id": row.id, "source_id": row.source_id, "passed": row.passed, "failed": failed}
    work.emit("tested", source_entity(row.source_id), after=after)
    _keep_newest(work, ConnectionTest, row.source_id)
    return queries.test_view(row)


@service.handles(RecordDiscovery)
def record_discovery(work: UnitOfWork, command: RecordDiscovery) -> DiscoveryView:
    row = work.session.get_one(Discovery, command.discovery_id)
    source = queries.row_of(work.session, row.source_id)
    arrived: dict[str, object] = {}
    if command.enumeration is None:
        row.state, row.complete = "failed", False
        row.problems = [command.problem.model_dump(mode="json")] if command.problem else []
    else:
        difference = apply_enumeration(work.session, row.source_id, command.enumeration, work.now)
        row.state, row.complete = "succeeded", command.enumeration.complete
        row.assets, row.new, row.changed = difference.assets, len(difference.new), len(difference.changed)
        row.gone, row.unknown = len(difference.gone), len(difference.unknown)
        row.problems = [problem.model_dump(mode="json") for problem in command.enumeration.problems]
        arrived = difference.arrived(ARRIVED_NAMED)
        if difference.renamed:
            arrived["renamed"] = dict(sorted(difference.renamed.items())[:ARRIVED_NAMED])
        _observe(work, source, "active", command.facts)
    row.finished_at = work.now
    work.session.flush()
    found = DiscoveryView.model_validate(row)
    work.emit("discovered", source_entity(row.source_id), after={**found.model_dump(mode="json"), **arrived})
    _keep_newest(work, Discovery, row.source_id)
    return found


def _keep_newest(work: UnitOfWork, cls: type[ConnectionTest] | type[Discovery], source_id: str) -> None:
    """A source that is looked at every minute must not fill the store with how each look went."""
    ended = select(cls.id).where(cls.source_id == source_id, cls.finished_at.is_not(None))
    old = ended.order_by(cls.requested_at.desc(), cls.id.desc()).offset(HISTORY_KEPT)
    work.session.execute(delete(cls).where(cls.id.in_(old)).execution_options(synchronize_session=False))


def _observe(work: UnitOfWork, source: Source, state: SourceState, facts: SourceFacts | None) -> None:
    """Keeps what was seen of the source; a version and an event only where it differs from what was known.

    What ends after the source was retired does not bring it back.
    """
    before = queries.view(source)
    if facts is not None:
        source.facts = facts.model_dump(mode="json")
    source.state = "retired" if before.state == "retired" else state
    if queries.view(source) != before:
        changed(work, source, before, "observed")
