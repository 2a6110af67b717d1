"""Figures and results of tests that other tools tell of assets: they join the history of figures and the results of
tests, each at the time when it held, so that events may come twice, late and in any order.

Figures of an asset of a source have `told_` before their names: they are of what a job looked at, which may be a part,
and the bounds of measured figures are not learned from them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from actors.catalog.contract import QUALITY_TOLD
from actors.catalog.datasets import TOLD
from actors.catalog.incidents import after_results
from actors.catalog.metrics import note
from actors.catalog.quality import MOST, score
from actors.catalog.quality_facets import Assertion, assertions, figures, told_test
from actors.catalog.quality_tables import QualityResult, QualityRun, QualityTest
from actors.catalog.tables import Asset
from actors.catalog.tellings import Telling
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

METHOD: Final = "told"


def observe(work: UnitOfWork, seen: Iterable[tuple[Asset, Telling]]) -> None:
    """Keeps figures and results; a test whose newest result is a failure opens an incident, one that passes ends it."""
    for asset, told in seen:
        before = "" if asset.source_id == TOLD else "told_"
        unfinished = not told.written and told.event.state in {"START", "RUNNING"}  # it will say what it read in all
        for column, metric, value in () if unfinished else figures(told.dataset.told):
            note(work, asset.id, column, before + metric, value, told.at)
        if told.written and asset.source_id == TOLD:
            note(work, asset.id, "", "content", 1.0, told.at)
        tested = assertions(told.dataset.told)
        if tested:
            _record(work, asset, told, tested)


def _record(work: UnitOfWork, asset: Asset, told: Telling, tested: Sequence[Assertion]) -> None:
    run = _run(work, asset, told)
    changed = []
    for one in tested:
        test = _test(work, asset, told, one)
        if test is None:
            continue
        held = work.session.get(QualityResult, (run.id, test.id))
        status = "Success" if one.passed else "Failed"
        if held is not None and (held.at > told.event.at or held.status == status):
            continue
        result = QualityResult(
            run_id=run.id, test_id=test.id, asset_id=asset.id, dimension=test.dimension, at=told.event.at,
            status=status, method=METHOD, observed=None, passed_rows=None, failed_rows=None, low=None, high=None,
            reason=None,
        )  # fmt: skip
        changed.append(work.session.merge(result))
    work.session.flush()
    if changed:
        score(work, asset.id)
        after_results(work, asset.id, [result for result in changed if _newest(work, result)])
        counts = {status: sum(each.status == status for each in changed) for status in ("Success", "Failed")}
        work.emit("quality_told", asset_entity(asset.id), None, {"path": asset.path, "run": run.id, **counts})


def _run(work: UnitOfWork, asset: Asset, told: Telling) -> QualityRun:
    key = json.dumps([told.event.job_id, told.event.run_id or told.event.id, asset.id])
    identifier = hashlib.sha256(key.encode()).hexdigest()[:32]
    at: datetime = told.event.at
    held = work.session.get(QualityRun, identifier)
    if held is None:
        held = QualityRun(
            id=identifier, asset_id=asset.id, state="succeeded", principal=work.caller.principal, requested_at=at,
            finished_at=at, problem=None,
        )  # fmt: skip
        work.session.add(held)
        work.session.flush()
    return held


def _test(work: UnitOfWork, asset: Asset, told: Telling, one: Assertion) -> QualityTest | None:
    """The test that a job runs on the asset; None where the asset has as many as it may have."""
    parameters = {"assertion": one.assertion, "name": one.name, "job": told.event.job_id}
    identifier = told_test(asset.id, one.column, parameters)
    held = work.session.get(QualityTest, identifier)
    if held is not None:
        return held
    count = select(func.count()).where(QualityTest.asset_id == asset.id)
    if work.session.execute(count).scalar_one() >= MOST:
        return None
    test = QualityTest(
        id=identifier, asset_id=asset.id, column=one.column, definition=QUALITY_TOLD, parameters=parameters,
        dimension=one.dimension, severity=one.severity, origin=TOLD, contract_id=None, enabled=True,
        principal=work.caller.principal, created_at=work.now,
    )  # fmt: skip
    work.session.add(test)
    work.session.flush()
    work.emit("test_defined", asset_entity(asset.id), None, {"test": identifier, "definition": QUALITY_TOLD})
    return test


def _newest(work: UnitOfWork, result: QualityResult) -> bool:
    later = select(QualityResult.run_id).where(QualityResult.test_id == result.test_id, QualityResult.at > result.at)
    return work.session.execute(later.limit(1)).first() is None
