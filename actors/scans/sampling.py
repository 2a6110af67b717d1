"""How much of an asset a sample reads, and when an adaptive one has read enough."""

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from actors.scans.contract import Sampling
from actors.scans.evidence import READ, unpacked
from actors.scans.planner import FIRST, by_chance
from actors.scans.reuse import as_scanned
from actors.scans.tables import Asset, Partition, Report, Run
from cluster.kernels.doubt import part_of, widest
from cluster.runtime.commands import UnitOfWork


def widen(work: UnitOfWork, run: Run) -> int:
    """Puts skipped partitions of an adaptive scan to work where it is not sure enough yet; how many of them.

    An asset is sure enough when the interval of every class that was found in it is as narrow as was asked for, or when
    the share that was asked for has been read. Else as many partitions as were read are read in addition.
    """
    sampling = Sampling.model_validate(run.sampling)
    if sampling.method != "adaptive" or run.degraded:
        return 0
    assets = select(Asset.asset_id).where(Asset.run_id == run.id, Asset.state == "planned").order_by(Asset.asset_id)
    return sum(_widen(work, run, sampling, asset) for asset in work.session.scalars(assets).all())


def _widen(work: UnitOfWork, run: Run, sampling: Sampling, asset_id: str) -> int:
    of_asset = (Partition.run_id == run.id, Partition.asset_id == asset_id)
    rows = work.session.execute(
        select(Partition.number, Partition.content_key, Partition.state, Partition.report_id)
        .where(*of_asset)
        .order_by(Partition.number)
    ).all()
    read = [row for row in rows if row.state in READ]
    most = max(FIRST, math.ceil(len(rows) * sampling.share))
    wanted = min(len(read) * 2, most) - len(read)
    if wanted <= 0 or len(read) == len(rows) or _sure(work, run, read, len(rows), sampling.width):
        return 0
    order = by_chance(asset_id, [row.content_key for row in rows], sampling.seed)
    chosen = [rows[place].number for place in order if rows[place].state == "skipped"][:wanted]
    if chosen:
        more = update(Partition).where(*of_asset, Partition.number.in_(chosen)).values(state="pending", due_at=work.now)
        work.session.execute(more.execution_options(synchronize_session=False))
    return len(chosen)


def _sure(work: UnitOfWork, run: Run, read: Sequence[Any], total: int, width: float) -> bool:
    contents = work.session.scalars(select(Report.content).where(Report.id.in_([row.report_id for row in read])))
    reports = as_scanned(work.session, run.rules_digest, "", map(unpacked, contents))
    return widest([part_of(report) for report in reports], total) <= width
