"""What the reports of a scan say together: evidence by asset, costs by detector, coverage, and a digest of it all."""

import hashlib
import json
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Row, case, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.scans.reuse import as_scanned
from actors.scans.tables import Asset, Partition, Report, Run
from cluster.detectors.detector import Detector
from cluster.errors import NotFound
from cluster.kernels.report import AssetEvidence, PartitionReport

READ = ("done", "cached")
UNREAD = ("failed", "quarantined")
# Measurements and samples of values: they differ between two runs that found the same.
_NO_CONTENT = frozenset({"examples"})


def packed(report: PartitionReport) -> bytes:
    """A report as it is stored."""
    return zlib.compress(report.model_dump_json().encode(), 6)


def unpacked(content: bytes) -> PartitionReport:
    """A stored report again."""
    return PartitionReport.model_validate_json(zlib.decompress(content))


def evidence(
    session: Session, scan_id: str, after: str | None = None, limit: int | None = None
) -> Iterator[AssetEvidence]:
    """The evidence of each asset that the scan has read something of, in the order of paths, behind the path `after`.

    One asset's reports are in memory at a time. Raises NotFound for the scan, or on the way if its reports are no
    longer kept.
    """
    assets = _assets(session, scan_id)
    found = (
        _folded(session, scan_id, identifier, counts) for identifier, path, counts in assets if path > (after or "")
    )
    return islice((evidence for evidence in found if evidence is not None), limit)


def evidence_of(session: Session, scan_id: str, asset_id: str) -> AssetEvidence | None:
    """The evidence of one asset, None if the scan does not cover it or could not read it. Raises NotFound."""
    for found, _, counts in _assets(session, scan_id, asset_id):
        return _folded(session, scan_id, found, counts)
    return None


def _folded(session: Session, scan_id: str, asset_id: str, counts: Row[Any]) -> AssetEvidence | None:
    from cluster.kernels.merge import fold  # loads numerical libraries that the actor has no use for

    if not counts.read:
        return None
    reports = _reports(session, scan_id, asset_id)
    return fold(reports, counts.total, int(counts.failed), int(counts.read), _own(session, scan_id))


def _own(session: Session, scan_id: str) -> tuple[Detector, ...]:
    """The detectors that the scan's rule set has beside the installed ones."""
    spec = session.execute(select(Run.rules["spec"]["detectors"]).where(Run.id == scan_id)).scalar_one()
    return tuple(Detector.model_validate(each) for each in spec or ())


def _assets(session: Session, scan_id: str, asset_id: str | None = None) -> list[tuple[str, str, Row[Any]]]:
    """(asset id, path, counts of its partitions) of the planned assets of a scan by path."""
    if session.get(Run, scan_id) is None:
        raise NotFound(f"There is no scan '{scan_id}'.", "List the scans to see their ids.")
    statement = (
        select(Asset.asset_id, Asset.path, *_counts())
        .outerjoin(Partition, (Partition.run_id == Asset.run_id) & (Partition.asset_id == Asset.asset_id))
        .where(Asset.run_id == scan_id, Asset.state == "planned")
        .group_by(Asset.asset_id, Asset.path)
        .order_by(Asset.path.collate("C"))  # as Python compares, and the same in every database
    )
    if asset_id:
        statement = statement.where(Asset.asset_id == asset_id)
    return [(row.asset_id, row.path, row) for row in session.execute(statement)]


def _counts() -> tuple[Any, ...]:
    return (
        func.count(Partition.number).label("total"),
        func.sum(case((Partition.state.in_(READ), 1), else_=0)).label("read"),
        func.sum(case((Partition.state.in_(UNREAD), 1), else_=0)).label("failed"),
    )


def _reports(session: Session, scan_id: str, asset_id: str) -> Iterator[PartitionReport]:
    """The reports in the order of the partitions, so that sums of floating point numbers come out the same."""
    statement = (
        select(Report.content)
        .select_from(Partition)
        .outerjoin(Report, Report.id == Partition.report_id)
        .where(Partition.run_id == scan_id, Partition.asset_id == asset_id, Partition.state.in_(READ))
        .order_by(Partition.number)
    )
    about = select(Run.rules_digest, Asset.path).join(Asset, Asset.run_id == Run.id)
    rules, path = session.execute(about.where(Run.id == scan_id, Asset.asset_id == asset_id)).one()
    contents = session.scalars(statement.execution_options(yield_per=50))
    yield from as_scanned(session, rules, path, (_kept(content, scan_id) for content in contents))


def _kept(content: bytes | None, scan_id: str) -> PartitionReport:
    if content is None:
        raise NotFound(f"The evidence of scan '{scan_id}' is no longer kept.", "Use a later scan of the source.")
    return unpacked(content)


def costs(session: Session, scan_id: str) -> dict[str, tuple[float, int, int]]:
    """What each detector cost and brought in a scan: (seconds, values scanned, values validated). Raises NotFound."""
    seconds: dict[str, float] = {}
    scanned: dict[str, int] = {}
    validated: dict[str, int] = {}
    for asset_id, _, _ in _assets(session, scan_id):
        for report in _reports(session, scan_id, asset_id):
            for detector, spent in report.detector_seconds.items():
                seconds[detector] = seconds.get(detector, 0.0) + spent
            for column in report.columns:
                for detector, counts in column.detectors.items():
                    scanned[detector] = scanned.get(detector, 0) + counts.scanned
                    validated[detector] = validated.get(detector, 0) + counts.validated
    names = seconds.keys() | scanned.keys()
    return {name: (seconds.get(name, 0.0), scanned.get(name, 0), validated.get(name, 0)) for name in sorted(names)}


def content_digest(session: Session, scan_id: str) -> str:
    """SHA-256 over the canonical JSON of all evidence of a scan, without identifiers, times and examples.

    Two scans that found the same have the same digest, however often their workers died on the way. Raises NotFound.
    """
    digest = hashlib.sha256()
    for found in evidence(session, scan_id):
        content = _content(found.model_dump(mode="json"))
        digest.update(json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def _content(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _content(inner) for key, inner in value.items() if key not in _NO_CONTENT}
    return [_content(inner) for inner in value] if isinstance(value, list) else value


def coverage(session: Session, source_id: str) -> dict[str, dict[str, Any]]:
    """How much of each asset of a source the newest ended scan of it has read, keyed by asset id.

    Each is {method, partitions, partitions_read, partitions_failed}; method is census, sample, or none where nothing
    could be read.
    """
    newest = (
        select(Asset.asset_id, Asset.run_id, Asset.state)
        .join(Run, Run.id == Asset.run_id)
        .where(Run.source_id == source_id, Run.state.in_(("succeeded", "partial", "failed")))
        .order_by(Asset.asset_id, Run.requested_at.desc(), Run.id.desc())
        .ext(distinct_on(Asset.asset_id))
        .subquery()
    )
    statement = (
        select(newest.c.asset_id, newest.c.state, *_counts())
        .outerjoin(Partition, (Partition.run_id == newest.c.run_id) & (Partition.asset_id == newest.c.asset_id))
        .group_by(newest.c.asset_id, newest.c.state)
    )
    return {row.asset_id: _coverage(row) for row in session.execute(statement)}


def _coverage(row: Row[Any]) -> dict[str, Any]:
    read = int(row.read)
    whole = row.state == "planned" and read == row.total
    method = "census" if whole else "sample" if read else "none"
    return {"method": method, "partitions": row.total, "partitions_read": read, "partitions_failed": int(row.failed)}
