"""The commands of the catalog group."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

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
from actors.catalog.annotations import annotate, discovered
from actors.catalog.assets import get_asset
from actors.catalog.carrying import carry_labels
from actors.catalog.contract import (
    AnnotateAsset,
    AssetView,
    AssignDomain,
    CatalogReceipt,
    CheckContract,
    CheckMonitors,
    ColumnLabel,
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
from actors.catalog.document import refresh
from actors.catalog.history import bump, label_facts
from actors.catalog.lineage import DerivedEdge, Described, derive, derive_from_queries
from actors.catalog.metrics import note_profiles
from actors.catalog.moving import move_curation
from actors.catalog.recording import Recording, columns_of
from actors.catalog.run_events import record_lineage_event
from actors.catalog.sensitivity import highest
from actors.catalog.tables import Asset, Edge, Profile, ShownLabel
from actors.catalog.telling import end_edge, tell_edge
from cluster.errors import NotFound
from cluster.kernels.report import AssetEvidence
from cluster.naming import asset_entity, asset_id, source_entity
from cluster.runtime.commands import Service, UnitOfWork

service = Service("catalog")
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


@service.handles(RecordProfiles)
def record_profiles(work: UnitOfWork, command: RecordProfiles) -> CatalogReceipt:
    changed: list[str] = []
    for evidence in command.evidence:
        row = work.session.get(Asset, asset_id(command.source_id, evidence.asset))
        if row is not None and _tells_more(row, evidence) and _record_profile(work, row, evidence):
            changed.append(row.id)
    carry_labels(work, changed)  # a census may refute what lineage carries
    return CatalogReceipt(entries=len(command.evidence), changed=len(changed))


def _tells_more(row: Asset, evidence: AssetEvidence) -> bool:
    """Whether evidence is news: not where nothing could be read, nor a sample of what a census knows already."""
    if evidence.partitions and not evidence.partitions_read:
        return False
    unchanged = row.fingerprint is None or row.fingerprint == row.profiled_fingerprint
    return not (evidence.method == "sample" and row.coverage == "census" and unchanged)


def _record_profile(work: UnitOfWork, row: Asset, evidence: AssetEvidence) -> bool:
    stored = {p.column: p for p in work.session.scalars(select(Profile).where(Profile.asset_id == row.id))}
    fresh = {column.column: column.profile.model_dump(mode="json") for column in evidence.columns}
    rows = evidence.rows if evidence.method == "census" else None
    same = {name: (p.method, p.profile) for name, p in stored.items()} == {
        name: (evidence.method, profile) for name, profile in fresh.items()
    }
    if same and (row.coverage, row.rows_counted) == (evidence.method, rows):
        row.profiled_fingerprint = row.fingerprint
        return False
    work.session.execute(delete(Profile).where(Profile.asset_id == row.id))
    for name, profile in fresh.items():
        work.session.add(
            Profile(asset_id=row.id, column=name, method=evidence.method, profile=profile, observed_at=work.now)
        )
    before = {"coverage": row.coverage, "version": row.version}
    discovered(work, row)
    row.coverage, row.rows_counted, row.profiled_fingerprint = evidence.method, rows, row.fingerprint
    bump(work, row)
    if evidence.method == "census":
        note_profiles(work, row.id, evidence)
    after = {"path": row.path, "coverage": row.coverage, "version": row.version}
    work.emit("asset_profiled", asset_entity(row.id), before, after)
    return True


@service.handles(RecordLabels)
def record_labels(work: UnitOfWork, command: RecordLabels) -> CatalogReceipt:
    given: dict[str, dict[tuple[str, str], ColumnLabel]] = defaultdict(dict)
    for label in command.labels:
        given[label.asset_id][label.column, label.data_class] = label
    statement = select(Asset).where(Asset.id.in_(command.assets), Asset.source_id == command.source_id)
    touched = [row.id for row in work.session.scalars(statement) if _show(work, row, given[row.id])]
    work.session.flush()
    refresh(work.session, touched)
    carry_labels(work, touched)
    return CatalogReceipt(entries=len(command.assets), changed=len(touched))


def _show(work: UnitOfWork, row: Asset, labels: dict[tuple[str, str], ColumnLabel]) -> bool:
    shown = work.session.scalars(select(ShownLabel).where(ShownLabel.asset_id == row.id)).all()
    before = {(label.column, label.data_class): ColumnLabel.model_validate(label) for label in shown}
    if before == labels:
        return False
    work.session.execute(delete(ShownLabel).where(ShownLabel.asset_id == row.id))
    work.session.add_all(ShownLabel(**label.model_dump()) for label in labels.values())
    old = {"sensitivity": row.sensitivity, "version": row.version}
    row.sensitivity = highest(label.sensitivity for label in labels.values() if label.state != "rejected")
    bump(work, row, {"labels": (_kept(before.values()), _kept(labels.values()))})
    after = {"path": row.path, "sensitivity": row.sensitivity, "labels": len(labels), "version": row.version}
    work.emit("asset_labelled", asset_entity(row.id), old, after)
    return True


@service.handles(DeriveLineage)
def derive_lineage(work: UnitOfWork, command: DeriveLineage) -> CatalogReceipt:
    described, kind = _described(work.session, command.source_id)
    wanted: set[DerivedEdge] = set()
    for number, edges in enumerate(derive(command.source_id, kind, described)):
        wanted |= edges
        if number % 200 == 199:
            work.session.execute(select(1))  # PostgreSQL ends a transaction in which nothing happens for a minute
    valid = select(Edge).where(Edge.source_id == command.source_id, Edge.valid_to.is_(None), Edge.origin == "view")
    held = {
        DerivedEdge(*(getattr(edge, name) for name in DerivedEdge._fields)): edge
        for edge in work.session.scalars(valid)
    }
    ended = [edge.id for key, edge in held.items() if key not in wanted]
    begun = sorted(wanted - held.keys(), key=str)
    which = bindparam("which", ended, ARRAY(BigInteger))  # one parameter, however many edges
    work.session.execute(update(Edge).where(Edge.id == any_(which)).values(valid_to=work.now))
    _begin(work, command.source_id, begun)
    carry_labels(
        work, [edge.to_asset for edge in begun] + [edge.to_asset for key, edge in held.items() if key not in wanted]
    )
    if begun or ended:
        work.emit(
            "lineage_derived", source_entity(command.source_id), {"edges": len(held)},
            {"edges": len(wanted), "begun": len(begun), "ended": len(ended)},
        )  # fmt: skip
    views = sum(asset.definition is not None for asset in described)
    return CatalogReceipt(entries=views, changed=len(begun) + len(ended))


@service.handles(RecordQueries)
def record_queries(work: UnitOfWork, command: RecordQueries) -> CatalogReceipt:
    described, kind = _described(work.session, command.source_id)
    if not described:
        raise NotFound("The catalog knows nothing of this source.", "Take its inventory first.")
    wanted: set[DerivedEdge] = set()
    for number, edges in enumerate(derive_from_queries(command.source_id, kind, described, command.queries)):
        wanted |= edges
        if number % 8 == 7:  # a long statement takes seconds
            work.session.execute(select(1))  # see `derive_lineage`
    # Of this origin persons alone end edges, and a log that holds the statement still must not take that back.
    known = select(Edge).where(Edge.source_id == command.source_id, Edge.origin == "query")
    held = {DerivedEdge(*(getattr(edge, name) for name in DerivedEdge._fields)) for edge in work.session.scalars(known)}
    # Logs go on naming a table as it was called before; what came from it has been moved to its new name.
    left = select(Asset.id).where(Asset.source_id == command.source_id, Asset.status == "gone")
    gone = set(work.session.scalars(left))
    begun = sorted((edge for edge in wanted - held if edge.from_asset not in gone), key=str)
    _begin(work, command.source_id, begun)
    carry_labels(work, [edge.to_asset for edge in begun])
    if begun:
        after = {"queries": len(command.queries), "begun": len(begun)}
        work.emit("queries_recorded", source_entity(command.source_id), None, after)
    return CatalogReceipt(entries=len(command.queries), changed=len(begun))


def _begin(work: UnitOfWork, source_id: str, edges: Sequence[DerivedEdge]) -> None:
    rows = [{"source_id": source_id, "valid_from": work.now, "valid_to": None, **edge._asdict()} for edge in edges]
    if rows:
        work.session.execute(insert(Edge), rows)


def _described(session: Session, source_id: str) -> tuple[list[Described], str]:
    columns = columns_of(session, source_id)
    rows = session.scalars(
        select(Asset).where(Asset.source_id == source_id, Asset.status != "gone").order_by(Asset.path)
    )
    kind = ""
    described = []
    for row in rows:
        kind = row.source_kind
        types = {name: column.physical_type for name, column in columns.get(row.id, {}).items()}
        described.append(Described(row.id, row.path, row.definition, types))
    return described, kind


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


def _kept(labels: Iterable[ColumnLabel]) -> list[dict[str, object]]:
    return sorted((label_facts(label) for label in labels), key=str)
