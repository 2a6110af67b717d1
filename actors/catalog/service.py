"""The commands of the catalog group."""

from actors.catalog import (
    alerts,
    contracts,
    domains,
    glossary,
    glossary_import,
    incidents,
    lifecycle,
    linking,
    monitors,
    phrases,
    properties,
    quality,
)
from actors.catalog.annotations import annotate
from actors.catalog.assets import get_asset
from actors.catalog.contract import (
    AnnotateAsset,
    AssetView,
    AssignDomain,
    CheckContract,
    CheckMonitors,
    DecideLink,
    DefineChannel,
    DefineMonitor,
    DefineProperty,
    DefineTerm,
    DefineTest,
    DeriveLineage,
    EndEdge,
    ImportContract,
    ImportGlossary,
    InventoryReceipt,
    MoveCuration,
    MoveIncident,
    MoveLifecycle,
    MoveTerm,
    OpenIncident,
    PrepareSearch,
    RecordDelivery,
    RecordInventory,
    RecordLabels,
    RecordLineageEvent,
    RecordOutcomes,
    RecordProfiles,
    RecordQueries,
    RecordVectors,
    RegisterAsset,
    RelateTerms,
    RemoveChannel,
    RemoveContract,
    RemoveMonitor,
    RemoveProperty,
    RemoveTerm,
    RemoveTest,
    RestoreAsset,
    RestrictDomain,
    RunTests,
    SuggestLinks,
    SuggestTests,
    SweepLifecycle,
    TellEdge,
    TellUse,
)
from actors.catalog.deriving import derive_lineage, record_queries
from actors.catalog.document import refresh
from actors.catalog.moving import move_curation
from actors.catalog.recording import Recording
from actors.catalog.run_events import record_lineage_event
from actors.catalog.scanned import record_labels, record_profiles
from actors.catalog.telling import end_edge, tell_edge
from cluster.runtime.commands import Service, UnitOfWork

service = Service("catalog")
service.handles(RecordProfiles)(record_profiles)
service.handles(RecordLabels)(record_labels)
service.handles(DeriveLineage)(derive_lineage)
service.handles(RecordQueries)(record_queries)
service.handles(RecordLineageEvent)(record_lineage_event)
service.handles(MoveCuration)(move_curation)
service.handles(TellEdge)(tell_edge)
service.handles(EndEdge)(end_edge)
service.handles(AssignDomain)(domains.assign)
service.handles(RestrictDomain)(domains.restrict)
service.handles(DefineProperty)(properties.define)
service.handles(RemoveProperty)(properties.remove)
service.handles(TellUse)(lifecycle.tell_use)
service.handles(SweepLifecycle)(lifecycle.sweep)
service.handles(RecordVectors)(phrases.record)
service.handles(PrepareSearch)(phrases.prepare)
service.handles(DefineTerm)(glossary.define)
service.handles(MoveTerm)(glossary.move)
service.handles(RelateTerms)(glossary.relate)
service.handles(RemoveTerm)(glossary.remove)
service.handles(ImportGlossary)(glossary_import.take_in)
service.handles(SuggestLinks)(linking.suggest)
service.handles(DecideLink)(linking.decide)
service.handles(DefineTest)(quality.define)
service.handles(RemoveTest)(quality.remove)
service.handles(SuggestTests)(quality.suggest)
service.handles(RunTests)(quality.run)
service.handles(RecordOutcomes)(quality.record)
service.handles(ImportContract)(contracts.take_in)
service.handles(CheckContract)(contracts.check)
service.handles(RemoveContract)(contracts.remove)
service.handles(DefineMonitor)(monitors.define)
service.handles(RemoveMonitor)(monitors.remove)
service.handles(CheckMonitors)(monitors.check)
service.handles(OpenIncident)(incidents.open_by_hand)
service.handles(MoveIncident)(incidents.move)
service.handles(DefineChannel)(alerts.define)
service.handles(RemoveChannel)(alerts.remove)
service.handles(RecordDelivery)(alerts.record)


@service.handles(RecordInventory)
def record_inventory(work: UnitOfWork, command: RecordInventory) -> InventoryReceipt:
    return Recording(work, command).write()


@service.handles(AnnotateAsset)
def annotate_asset(work: UnitOfWork, command: AnnotateAsset) -> AssetView:
    if annotate(work, command):
        _documented(work, command.asset_id)
    return get_asset(work.session, command.asset_id, work.caller)


@service.handles(RegisterAsset)
def register_asset(work: UnitOfWork, command: RegisterAsset) -> AssetView:
    row = domains.register(work, command)
    _documented(work, row.id)
    return get_asset(work.session, row.id, work.caller)


@service.handles(MoveLifecycle)
def move_lifecycle(work: UnitOfWork, command: MoveLifecycle) -> AssetView:
    row = lifecycle.move(work, command)
    _documented(work, row.id)
    return get_asset(work.session, row.id, work.caller)


@service.handles(RestoreAsset)
def restore_asset(work: UnitOfWork, command: RestoreAsset) -> AssetView:
    row = lifecycle.restore(work, command)
    _documented(work, row.id)
    return get_asset(work.session, row.id, work.caller)


def _documented(work: UnitOfWork, identifier: str) -> None:
    work.session.flush()
    refresh(work.session, [identifier])
