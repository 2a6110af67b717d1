"""What scans found, shown in the catalog: profiles of columns, and their labels."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, select

from actors.catalog.annotations import discovered
from actors.catalog.carrying import carry_labels
from actors.catalog.contract import CatalogReceipt, ColumnLabel, RecordLabels, RecordProfiles
from actors.catalog.document import refresh
from actors.catalog.history import bump, label_facts
from actors.catalog.metrics import note_profiles
from actors.catalog.sensitivity import highest
from actors.catalog.tables import Asset, Profile, ShownLabel
from cluster.kernels.report import AssetEvidence
from cluster.naming import asset_entity, asset_id
from cluster.runtime.commands import UnitOfWork


def record_profiles(work: UnitOfWork, command: RecordProfiles) -> CatalogReceipt:
    """Shows what a scan measured of columns; a sample never takes the place of a census of the same content."""
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


def record_labels(work: UnitOfWork, command: RecordLabels) -> CatalogReceipt:
    """Shows the labels of assets as they stand, in place of those shown before, and carries them along lineage."""
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


def _kept(labels: Iterable[ColumnLabel]) -> list[dict[str, object]]:
    return sorted((label_facts(label) for label in labels), key=str)
