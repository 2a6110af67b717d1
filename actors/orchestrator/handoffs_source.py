"""Phase 1: the source is tried, enumerated, and its inventory handed to the catalog."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from actors.catalog.contract import InventoryReceipt, MoveCuration, RecordInventory, SourceRef
from actors.classification.contract import ForgetAssets, MoveDecisions
from actors.orchestrator.steps import Settled, Step, Way, only
from actors.sources import queries as sources
from actors.sources.contract import DiscoverSource, DiscoveryView, TestSource, TestView
from cluster.connectors import namespace
from cluster.runtime.commands import Command


def _test(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield TestSource(source_id=way.source_id)


def _tested(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    test = sources.get_test(session, only(results, TestView).id)
    if test.state in ("queued", "running"):
        return None
    failed = [step for step in test.steps if step.status == "failed"]
    counters = {"steps": len(test.steps), "steps_failed": len(failed)}
    gate = next((step for step in failed if step.category == "gate"), None)
    if gate is not None:
        return Settled("failed", counters, f"{gate.name}: {gate.summary} {gate.remedy or ''}".strip())
    return Settled("succeeded", counters)


def _discover(session: Session, way: Way) -> Iterable[Command[Any]]:
    yield DiscoverSource(source_id=way.source_id)


def _discovered(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    found = sources.get_discovery(session, only(results, DiscoveryView).id)
    if found.state in ("queued", "running"):
        return None
    counters = {
        "assets": found.assets, "new": found.new, "changed": found.changed, "gone": found.gone,
        "problems": len(found.problems),
    }  # fmt: skip
    first = found.problems[0] if found.problems else None
    problem = f"{first.path}: {first.detail} {first.remedy}".strip(": ") if first else None
    if found.state == "failed":
        return Settled("failed", counters, problem)
    return Settled("partial" if found.problems else "succeeded", counters, problem)


def _inventory(session: Session, way: Way) -> Iterable[Command[Any]]:
    source = sources.get_source(session, way.source_id)
    items = list(sources.all_items(session, way.source_id))
    present = tuple(item.info for item in items if item.status == "present")
    reference = SourceRef(
        id=source.id, name=source.name, kind=source.kind, namespace=namespace(source.url), url=source.url
    )
    complete = all(item.status != "unknown" for item in items)
    yield RecordInventory(source=reference, assets=present, complete=complete)
    paths = {item.asset_id: item.path for item in items if item.status == "present"}
    moves = [(old, new) for old, new in sources.moves(session, way.source_id) if new in paths]
    if moves:
        yield MoveCuration(source_id=way.source_id, moves=tuple(moves))
        yield MoveDecisions(source_id=way.source_id, moves=tuple((old, new, paths[new]) for old, new in moves))
    gone = tuple(item.asset_id for item in items if item.status == "gone")
    if gone:
        yield ForgetAssets(source_id=way.source_id, assets=gone)


def _recorded(session: Session, way: Way, results: list[BaseModel]) -> Settled | None:
    receipt = only(results, InventoryReceipt)
    return Settled(counters={"catalogued": receipt.assets})


TEST = Step("test the connection", _test, _tested)
DISCOVER = Step("enumerate the source", _discover, _discovered)
INVENTORY = Step("hand the inventory to the catalog", _inventory, _recorded)
