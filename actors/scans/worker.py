"""What runs in worker processes: cutting assets into partitions, and reading a partition.

Only `Planned` and `PartitionReport` values and SextantErrors leave a worker. An unexpected exception does not, since
its message or its traceback may quote what was read.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict

from actors.scans.contract import ScanRules
from actors.scans.pilot import pilot_of
from actors.scans.pilots import Pilot
from cluster.connectors.interface import AssetInfo, Connector, Partition, Problem, SourceAccess
from cluster.connectors.pace import Pace, Pacer
from cluster.errors import ConfigurationError, Internal, SextantError, SourceAuthFailed, SourceUnreachable
from cluster.kernels.report import PartitionReport
from cluster.telemetry import place_of

if TYPE_CHECKING:
    import pyarrow as pa

    from cluster.detectors.compile import CompiledRules
    from cluster.kernels.duty import Duty
    from cluster.kernels.text_reader import TextReader
    from cluster.ml.entities import FindsEntities

T = TypeVar("T")


class Planned(BaseModel):
    """The partitions of an asset, or why there are none; `retryable` if the reason may pass."""

    model_config = ConfigDict(frozen=True)

    partitions: tuple[Partition, ...] = ()
    problem: Problem | None = None
    retryable: bool = False
    pilot: Pilot | None = None


def plan_assets(
    access: SourceAccess,
    assets: list[AssetInfo],
    target_bytes: int,
    piloted: ScanRules | None = None,
    pace: Pace | None = None,
) -> list[Planned]:
    """Cuts each asset into partitions, over one connection; an asset that fails does not keep the others back.

    With `piloted` a batch of each asset is scanned by these rules, to say what all of it will take.

    Raises SextantError only if the source as a whole cannot be reached.
    """
    return _guarded(lambda: _plan_assets(access, assets, target_bytes, piloted, pace))


def _plan_assets(
    access: SourceAccess, assets: list[AssetInfo], target_bytes: int, piloted: ScanRules | None, pace: Pace | None
) -> list[Planned]:
    with _opened(access, pace) as connector:
        plans = [_plan(connector, asset, target_bytes) for asset in assets]
        if piloted is None:
            return plans
        rules = _compiled(piloted.digest, piloted.model_dump_json())
        reader = _reader(piloted.text_model)
        tried = (
            (plan, _pilot(connector, asset, plan, rules, reader)) for asset, plan in zip(assets, plans, strict=True)
        )
        found = [plan.model_copy(update={"pilot": pilot}) for plan, pilot in tried]
        _settle(rules.digest)
        return found


def _pilot(
    connector: Connector, asset: AssetInfo, plan: Planned, rules: "CompiledRules", reader: "TextReader"
) -> Pilot | None:
    """None where a batch cannot be read: the scan itself will say why."""
    try:
        return _guarded(lambda: pilot_of(connector, asset, plan.partitions, rules, reader))
    except SextantError:
        return None


def _plan(connector: Connector, asset: AssetInfo, target_bytes: int) -> Planned:
    try:
        return Planned(partitions=tuple(_guarded(lambda: connector.plan(asset, target_bytes))))
    except (SourceUnreachable, SourceAuthFailed):
        raise  # this is about the source, and the next asset would only wait for the same
    except SextantError as error:
        return Planned(problem=problem_of(asset.path, error), retryable=error.retryable)


def scan_partition(
    access: SourceAccess,
    partition: Partition,
    rules: ScanRules,
    pace: Pace | None = None,
    only: tuple[str, ...] = (),
) -> PartitionReport:
    """Reads a partition in bounded batches, at a pace if it is given one, and returns its report with what it took.

    With `only` the report holds the counts of these detectors, and of no column that none of them looks at.

    Raises SourceError if it cannot be read, and ConfigurationError if this node's detectors are not those of the scan.
    """
    return _guarded(lambda: _scan_partition(access, partition, rules, pace, only))


def _scan_partition(
    access: SourceAccess, partition: Partition, rules: ScanRules, pace: Pace | None, only: tuple[str, ...]
) -> PartitionReport:
    from cluster.kernels import scan_batches
    from cluster.kernels.duty import Duty
    from cluster.security.secrets import derived
    from cluster.settings import settings

    compiled = _compiled(rules.digest, rules.model_dump_json())
    duty = Duty(pace.cpu_share or 1.0) if pace is not None else None
    started, cpu = time.perf_counter(), time.process_time()
    with _opened(access, pace) as connector:
        batches = connector.read(partition, access.fetch_rows or settings().batch_rows, settings().batch_bytes)
        if duty is not None:
            batches = _eased(connector, batches, duty, pace.readers if pace else 1)
        between = duty.rest if duty else None
        report = scan_batches(
            batches, partition, compiled.narrowed(only), derived("value-salt"), only, between=between,
            reader=_reader(rules.text_model),
        )  # fmt: skip
    report = report.model_copy(
        update={
            "rules_digest": compiled.digest,
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - cpu,
            "peak_rss_mb": _peak_rss_mb(),
        }
    )
    _settle(rules.digest)
    return report


def _eased(
    connector: Connector, batches: "Iterator[pa.RecordBatch]", duty: "Duty", readers: int
) -> "Iterator[pa.RecordBatch]":
    """The batches, cut where the process is to rest often: for its budget, or for what the source does for others."""
    most = duty.share
    for batch in batches:
        share = connector.ease()
        duty.share = min(most, share / readers if share < 1 else 1.0)
        step = duty.ROWS if duty.share < 1 else batch.num_rows
        yield from (batch.slice(start, step) for start in range(0, batch.num_rows, step)) if step else (batch,)


def _peak_rss_mb() -> float:
    """The most memory that this process has held, by proc(5); `getrusage` tells the peak of a parent too."""
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


@lru_cache(maxsize=4)
def _compiled(digest: str, rules_json: str) -> "CompiledRules":
    from cluster.detectors.compile import compile, load_detector_packs

    rules = ScanRules.model_validate_json(rules_json)
    compiled = compile(rules.spec, load_detector_packs(), rules.order)
    if compiled.digest != digest:
        raise ConfigurationError(
            f"The detectors on this node are not those that the scan was started with (rule set '{rules.name}').",
            "Install the same version of Sextant on all nodes, then start a new scan.",
        )
    return compiled


@lru_cache(maxsize=4)
def _settle(_digest: str) -> None:
    """Takes what a process has built to scan by these rules, which it keeps, out of the collector's sight: to look
    through it took a fifth of a second, now and then, in the midst of a partition."""
    gc.collect()
    gc.freeze()


@lru_cache(maxsize=2)
def _reader(folder: Path | None) -> "TextReader":
    """What reads free texts in this process, by the installed detectors whatever the rule set is, so that a report
    serves other rules too. The model is loaded when the first text is to be read."""
    from cluster.detectors.compile import compile, load_rule_set
    from cluster.kernels.text_reader import TextReader

    installed = find_spec("onnxruntime") is not None
    return TextReader(compile(load_rule_set().value), (lambda: _entities(folder)) if installed else None)


@lru_cache(maxsize=2)
def _entities(folder: Path | None) -> "FindsEntities":
    from cluster.ml.entities import load_entities

    return load_entities(folder)


@contextmanager
def _opened(access: SourceAccess, pace: Pace | None) -> Iterator[Connector]:
    from cluster.connectors.opening import opened

    with opened(access, Pacer(pace) if pace else None, "scan") as connector:
        yield connector


def problem_of(path: str, error: SextantError) -> Problem:
    """An error as the problem of an asset."""
    return Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy)


def _guarded(work: Callable[[], T]) -> T:
    """Lets SextantErrors through; of any other exception only its type and its place, which hold no data."""
    try:
        return work()
    except SextantError:
        raise
    except Exception as error:
        place = os.path.basename(place_of(error))  # the folders are of this machine, and this is shown to users
        defect = Internal(f"A worker failed ({type(error).__name__} in {place}).", "Report this as a defect.")
    raise defect
