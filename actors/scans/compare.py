"""Two runs side by side: what one found that the other did not, from their evidence, with no value of a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract.forecasts import (
    AssetDifference,
    ClassDifference,
    ColumnDifference,
    RunComparison,
    RunSide,
)
from actors.scans.evidence import READ, evidence_of
from actors.scans.tables import Asset, Partition
from cluster.kernels.report import AssetEvidence, ClassEvidence, ColumnEvidence

# Reports unfolded for one page: assets of which other partitions were read, but in which the same was found.
LOOKED_AT_MOST = 1000


@dataclass(frozen=True)
class _Held:
    """What a run has of an asset: the reports it stands on, and how many partitions it read and had."""

    path: str
    asset_id: str
    side: int
    reports: tuple[int | None, ...]
    read: int
    cached: int


def compare(session: Session, before: str, after: str, behind: str | None = None, limit: int = 100) -> RunComparison:
    """A page of the assets in which two runs differ, beginning behind the path `behind`.

    Assets are matched by path, columns by name, classes by detector. Raises NotFound if there is no such scan or its
    reports are no longer kept.
    """
    sides = [side_of(session, scan) for scan in (before, after)]
    found: list[AssetDifference] = []
    same, looked_at, last = 0, 0, None
    pairs = _pairs(_held(session, before, 0, behind), _held(session, after, 1, behind))
    for path, pair in pairs:
        if len(found) >= limit or looked_at >= LOOKED_AT_MOST:
            break
        last = path
        one, two = pair
        if one is not None and two is not None and None not in one.reports and one.reports == two.reports:
            same += 1
            continue
        looked_at += 1
        difference = _difference(session, (before, after), one, two)
        if difference is None:
            same += 1
        else:
            found.append(difference)
    else:
        last = None
    return RunComparison(
        before=sides[0], after=sides[1], same_rules=sides[0].rules_digest == sides[1].rules_digest,
        assets=tuple(found), same=same, next=last,
    )  # fmt: skip


def side_of(session: Session, scan_id: str) -> RunSide:
    """The figures of one run. Raises NotFound."""
    view = queries.get_scan(session, scan_id)
    spent = select(func.sum(Partition.cpu_seconds)).where(Partition.run_id == scan_id, Partition.state == "done")
    ended = view.finished_at
    return RunSide(
        scan_id=view.id, source_id=view.source_id, state=view.state, method=view.sampling.method,
        rules_digest=view.rules_digest, requested_at=view.requested_at, partitions=view.partitions, rows=view.rows,
        bytes=view.bytes, seconds=(ended - view.requested_at).total_seconds() if ended else None,
        cpu_seconds=float(session.scalar(spent) or 0.0),
    )  # fmt: skip


def _held(session: Session, scan_id: str, side: int, behind: str | None) -> Iterator[_Held]:
    """What the run has of each asset of which it has read something, by path."""
    path = Asset.path.collate("C")
    statement = (
        select(
            Asset.path,
            Asset.asset_id,
            func.array_agg(aggregate_order_by(Partition.report_id, Partition.number)).label("reports"),
            func.count().filter(Partition.state == "done").label("read"),
            func.count().filter(Partition.state == "cached").label("cached"),
        )
        .join(Partition, (Partition.run_id == Asset.run_id) & (Partition.asset_id == Asset.asset_id))
        .where(Asset.run_id == scan_id, Partition.state.in_(READ))
        .group_by(Asset.path, Asset.asset_id)
        .order_by(path)
    )
    if behind is not None:
        statement = statement.where(path > behind)
    for row in session.execute(statement):
        yield _Held(row.path, row.asset_id, side, tuple(row.reports), row.read, row.cached)


def _pairs(one: Iterator[_Held], two: Iterator[_Held]) -> Iterator[tuple[str, tuple[_Held | None, _Held | None]]]:
    for path, held in groupby(merge(one, two, key=lambda item: item.path), key=lambda item: item.path):
        by_side = {item.side: item for item in held}
        yield path, (by_side.get(0), by_side.get(1))


def _difference(
    session: Session, scans: tuple[str, str], one: _Held | None, two: _Held | None
) -> AssetDifference | None:
    before = evidence_of(session, scans[0], one.asset_id) if one else None
    after = evidence_of(session, scans[1], two.asset_id) if two else None
    either = two or one
    if either is None:
        return None
    columns = _columns(before, after) if before and after else ()
    if before and after and not columns and (before.rows, before.method) == (after.rows, after.method):
        return None
    return AssetDifference(
        asset_id=either.asset_id, asset=either.path,
        change="added" if before is None else "gone" if after is None else "changed",
        before_rows=before.rows if before else None, after_rows=after.rows if after else None,
        before_method=before.method if before else None, after_method=after.method if after else None,
        before_read=one.read if one else 0, after_read=two.read if two else 0,
        before_cached=one.cached if one else 0, after_cached=two.cached if two else 0, columns=columns,
    )  # fmt: skip


def _columns(before: AssetEvidence, after: AssetEvidence) -> tuple[ColumnDifference, ...]:
    old = {column.column: column for column in before.columns}
    new = {column.column: column for column in after.columns}
    names = [*new, *(name for name in old if name not in new)]
    found = (_column(name, old.get(name), new.get(name)) for name in names)
    return tuple(difference for difference in found if difference is not None)


def _column(name: str, before: ColumnEvidence | None, after: ColumnEvidence | None) -> ColumnDifference | None:
    classes = _classes(before.classes if before else (), after.classes if after else ())
    figures = {f"before_{key}": value for key, value in _figures(before).items()}
    figures |= {f"after_{key}": value for key, value in _figures(after).items()}
    if before and after and not classes and _figures(before) == _figures(after):
        return None
    change = "added" if before is None else "gone" if after is None else "changed"
    return ColumnDifference.model_validate({"column": name, "change": change, "classes": classes, **figures})


def _figures(column: ColumnEvidence | None) -> dict[str, Any]:
    if column is None:
        return {"type": None, "rows": None, "nulls": None, "distinct": None}
    profile = column.profile
    return {"type": column.type, "rows": profile.rows, "nulls": profile.nulls, "distinct": profile.distinct}


def _classes(before: tuple[ClassEvidence, ...], after: tuple[ClassEvidence, ...]) -> tuple[ClassDifference, ...]:
    """A class is there where at least one value of it was validated."""
    old = {found.detector: found for found in before if found.validated}
    new = {found.detector: found for found in after if found.validated}
    found = (_class(old.get(detector), new.get(detector)) for detector in sorted(old.keys() | new.keys()))
    return tuple(difference for difference in found if difference is not None)


def _class(before: ClassEvidence | None, after: ClassEvidence | None) -> ClassDifference | None:
    either = after or before
    if either is None or (
        before and after and (before.validated, before.prevalence) == (after.validated, after.prevalence)
    ):
        return None
    return ClassDifference(
        data_class=either.data_class, detector=either.detector,
        change="appeared" if before is None else "vanished" if after is None else "moved",
        before_validated=before.validated if before else None, after_validated=after.validated if after else None,
        before_prevalence=before.prevalence if before else None,
        after_prevalence=after.prevalence if after else None,
    )  # fmt: skip
