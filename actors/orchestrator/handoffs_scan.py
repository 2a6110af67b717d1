"""Phases 3 to 6: a scan, whose evidence is classified, orders the detectors, and is handed to the catalog."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from actors.catalog.contract import CatalogReceipt, ColumnLabel, DeriveLineage, RecordLabels, RecordProfiles
from actors.classification import queries as classification
from actors.classification.contract import ClassifyAssets, ClassifyReceipt
from actors.orchestrator import queries as workflows
from actors.orchestrator.questions import answered, questions, told, with_answers
from actors.orchestrator.steps import Inquiry, Settled, Step, Way, batches, only
from actors.rulesets import queries as rulesets
from actors.rulesets.contract import DetectorCost, OptimiseOrder
from actors.scans import queries as scans
from actors.scans.contract import Method, Sampling, ScanRules, ScanView, StartScan
from actors.sources import queries as sources
from cluster.runtime.commands import Command

ASSETS_A_COMMAND = 50


def _scan(method: Method) -> Any:
    def commands(session: Session, way: Way) -> Iterable[Command[Any]]:
        rules = rulesets.current(session, way.ruleset)
        pinned = ScanRules(
            name=rules.name, version=rules.version, digest=rules.digest, spec=rules.spec, order=rules.order,
            text_model=classification.text_model(session),
        )  # fmt: skip
        yield StartScan(
            key=_key(way.workflow_id, way.phase, _number(session, way)),
            access=sources.access(session, way.source_id),
            assets=tuple(item.info for item in sources.present(session, way.source_id)),
            rules=pinned,
            sampling=Sampling(method=method, share=rules.spec.sample_share),
        )

    return commands


def _scanned(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    scan = scans.get_scan(session, only(results, ScanView).id)
    if scan.state in ("planning", "running"):
        return None
    counts = scan.partitions
    counters = {
        "partitions_read": counts.get("done", 0), "partitions_cached": counts.get("cached", 0),
        "partitions_failed": counts.get("failed", 0) + counts.get("quarantined", 0), "rows": scan.rows,
        "bytes": scan.bytes, "scan": scan.id,
    }  # fmt: skip
    if scan.state == "succeeded":
        return Settled("succeeded", counters)
    first = scan.problems[0] if scan.problems else None
    problem = f"{first.path}: {first.detail} {first.remedy}".strip() if first else f"The scan was {scan.state}."
    return Settled("partial" if scan.state == "partial" else "failed", counters, problem)


def _classify(session: Session, way: Way) -> Iterator[Command[Any]]:
    scan_id = _latest_scan(session, way)
    rules = scans.scan_input(session, scan_id)[1].spec
    for evidence in batches(scans.evidence(session, scan_id), ASSETS_A_COMMAND):
        yield ClassifyAssets(source_id=way.source_id, evidence=evidence, rules=rules)


def _classified(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    receipts = [result for result in results if isinstance(result, ClassifyReceipt)]
    names = ("columns", "created", "changed", "withdrawn")
    counters = {name: sum(getattr(receipt, name) for receipt in receipts) for name in names}
    asked, problem = told(results)
    return Settled("partial" if problem else "succeeded", counters | asked, problem)


def _order(session: Session, way: Way) -> Iterable[Command[Any]]:
    scan_id = _latest_scan(session, way)
    if not scans.get_scan(session, scan_id).partitions.get("done", 0):
        return  # nothing was read, so nothing new is known
    costs = scans.costs(session, scan_id)
    yield OptimiseOrder(
        name=way.ruleset,
        costs={
            detector: DetectorCost(seconds=seconds, scanned=scanned, validated=validated)
            for detector, (seconds, scanned, validated) in costs.items()
        },
    )


def _ordered(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    rules = rulesets.current(session, way.ruleset)
    return Settled(counters={"detectors": rules.detectors, "first": list(rules.order[:3]), "optimised": bool(results)})


def _profiles(session: Session, way: Way) -> Iterator[Command[Any]]:
    scan_id = _latest_scan(session, way)
    for evidence in batches(scans.evidence(session, scan_id), ASSETS_A_COMMAND):
        yield RecordProfiles(source_id=way.source_id, evidence=evidence)


def _labels(session: Session, way: Way) -> Iterator[Command[Any]]:
    found: dict[str, list[ColumnLabel]] = {}
    for label in classification.labels_of_source(session, way.source_id):
        if label.state != "rejected":
            found.setdefault(label.asset_id, []).append(
                ColumnLabel.model_validate(label.model_dump(include=set(ColumnLabel.model_fields)))
            )
    for items in batches(sources.present(session, way.source_id), ASSETS_A_COMMAND):
        assets = tuple(item.asset_id for item in items)
        labels = tuple(label for asset in assets for label in found.get(asset, ()))
        yield RecordLabels(source_id=way.source_id, assets=assets, labels=labels)


def _lineage(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield DeriveLineage(source_id=way.source_id)


def _catalogued(name: str) -> Any:
    def settled(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
        receipts = [result for result in results if isinstance(result, CatalogReceipt)]
        return Settled(counters={name: sum(receipt.entries for receipt in receipts)})

    return settled


def _latest_scan(session: Session, way: Way) -> str:
    """The scan of this workflow that ran last: the full one if there is one already, else the sample."""
    for phase in ("scan", "classify"):
        if found := _scans(session, way.workflow_id, phase):
            return found[-1]
    return ""


def _scans(session: Session, workflow_id: str, phase: str) -> list[str]:
    """The scans that a phase has started, the oldest first."""
    found: list[str] = []
    while scan_id := scans.find_by_key(session, _key(workflow_id, phase, len(found) + 1)):
        found.append(scan_id)
    return found


def _number(session: Session, way: Way) -> int:
    """The number of the phase's scan: that of its last one, or a new one's where that one brought nothing.

    So a phase that is begun again goes on with its scan, while one that was resumed after a cancelled or failed scan
    reads with the credential and the inventory of now; what was read before is not read again.
    """
    found = _scans(session, way.workflow_id, way.phase)
    in_vain = bool(found) and scans.get_scan(session, found[-1]).state in ("failed", "cancelled")
    return max(1, len(found)) + in_vain


def _key(workflow_id: str, phase: str, number: int) -> str:
    return f"{workflow_id}:{phase}" if number == 1 else f"{workflow_id}:{phase}:{number}"


def scans_to_stop(session: Session) -> list[str]:
    """The scans that have not ended although the workflow that started them was cancelled."""
    started = {scan_id: key.partition(":")[0] for scan_id, key in scans.open_keys(session)}
    cancelled = workflows.cancelled_among(session, set(started.values()))
    return [scan_id for scan_id, workflow_id in started.items() if workflow_id in cancelled]


SAMPLE = Step("scan a sample", _scan("fraction"), _scanned)
CENSUS = Step("scan everything", _scan("census"), _scanned)
CLASSIFY = Step("classify the columns", _classify, _classified, Inquiry(questions, answered, with_answers))
ORDER = Step("order the detectors", _order, _ordered)
PROFILES = Step("hand the profiles to the catalog", _profiles, _catalogued("profiles"))
LABELS = Step("hand the labels to the catalog", _labels, _catalogued("labels"))
LINEAGE = Step("derive lineage", _lineage, _catalogued("lineage_edges"))
