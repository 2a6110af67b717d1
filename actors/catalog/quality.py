"""Quality tests of assets: defining, suggesting, running them, and what came of it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Integer, delete, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from actors.catalog.assets import asset_row
from actors.catalog.contract import (
    CatalogReceipt,
    CheckOutcome,
    DefineTest,
    QualityRunView,
    QualityTestView,
    RecordOutcomes,
    RemoveTest,
    RunTests,
    SuggestTests,
)
from actors.catalog.incidents import after_results
from actors.catalog.metrics import note
from actors.catalog.quality_definitions import DEFINITIONS, checked
from actors.catalog.quality_profiles import Known, decided, suggested
from actors.catalog.quality_results import run_view, tests_of
from actors.catalog.quality_tables import DimensionScore, QualityResult, QualityRun, QualityTest
from actors.catalog.tables import Asset, AssetColumn, Profile
from cluster.context import new_id
from cluster.errors import Conflict, NotFound
from cluster.kernels.report import ColumnProfile
from cluster.naming import asset_entity
from cluster.runtime.commands import Done, UnitOfWork

MOST: Final = 500  # tests of one asset


def define(work: UnitOfWork, command: DefineTest) -> QualityTestView:
    """Raises NotFound for the asset or the column, InvalidInput for parameters, Conflict for too many tests."""
    row = asset_row(work.session, command.asset_id, work.caller)
    if command.column and work.session.get(AssetColumn, (row.id, command.column)) is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    parameters = checked(command.definition, command.column, command.parameters)
    test = add(work, row.id, command.definition, command.column, parameters, origin="human")
    test.dimension = command.dimension or DEFINITIONS[command.definition].dimension
    test.severity, test.origin = command.severity, "human"
    return QualityTestView.model_validate(test)


def add(
    work: UnitOfWork, asset_id: str, definition: str, column: str, parameters: dict[str, Any], *, origin: str,
    contract_id: str | None = None,
) -> QualityTest:  # fmt: skip
    """The stored test; a new one if there is none like it."""
    key = json.dumps([asset_id, definition, column, parameters, contract_id], sort_keys=True)
    identifier = hashlib.sha256(key.encode()).hexdigest()[:32]
    held = work.session.get(QualityTest, identifier)
    if held is not None:
        return held
    count = select(func.count()).where(QualityTest.asset_id == asset_id)
    if work.session.execute(count).scalar_one() >= MOST:
        raise Conflict(f"The asset has {MOST} tests already.", "Remove some.")
    test = QualityTest(
        id=identifier, asset_id=asset_id, column=column, definition=definition, parameters=parameters,
        dimension=DEFINITIONS[definition].dimension, severity=3, origin=origin, contract_id=contract_id, enabled=True,
        principal=work.caller.principal, created_at=work.now,
    )  # fmt: skip
    work.session.add(test)
    work.session.flush()
    work.emit("test_defined", asset_entity(asset_id), None, {"test": identifier, "definition": definition})
    return test


def remove(work: UnitOfWork, command: RemoveTest) -> Done:
    """Raises NotFound."""
    test = work.session.get(QualityTest, command.test_id)
    if test is None:
        raise NotFound("There is no such test.", "List the tests to see their ids.")
    asset_row(work.session, test.asset_id, work.caller)
    work.emit("test_removed", asset_entity(test.asset_id), {"test": test.id, "definition": test.definition}, None)
    work.session.delete(test)
    return Done()


def suggest(work: UnitOfWork, command: SuggestTests) -> CatalogReceipt:
    """Adds what the profiles suggest. Nothing is suggested where the last scan was no census of the content of now."""
    row = asset_row(work.session, command.asset_id, work.caller)
    before = work.session.execute(select(func.count()).where(QualityTest.asset_id == row.id)).scalar_one()
    told = list(suggested(known_of(work.session, row)))
    for definition, column, parameters in told:
        add(work, row.id, definition, column, parameters, origin="suggested")
    after = work.session.execute(select(func.count()).where(QualityTest.asset_id == row.id)).scalar_one()
    return CatalogReceipt(entries=len(told), changed=after - before)


def known_of(session: Session, row: Asset) -> Known:
    """What a census of the content of now tells; without one the columns alone."""
    columns = session.scalars(
        select(AssetColumn.name).where(AssetColumn.asset_id == row.id).order_by(AssetColumn.ordinal, AssetColumn.name)
    ).all()
    current = row.coverage == "census" and row.fingerprint is not None and row.fingerprint == row.profiled_fingerprint
    if not current:
        return Known(columns, None, {})
    rows = session.scalars(select(Profile).where(Profile.asset_id == row.id, Profile.method == "census"))
    profiles = {each.column: ColumnProfile.model_validate(each.profile) for each in rows}
    return Known(columns, row.rows_counted, profiles)


def run(work: UnitOfWork, command: RunTests) -> QualityRunView:
    """Raises NotFound, and Conflict where the asset has no test. A run that waits already is returned."""
    row = asset_row(work.session, command.asset_id, work.caller)
    waiting = select(QualityRun).where(QualityRun.asset_id == row.id, QualityRun.state == "pending")
    open_run = work.session.scalars(waiting).first()
    if open_run is not None:
        return run_view(work.session, open_run.id, work.caller)
    tests = tests_of(work.session, row.id)
    if not tests:
        raise Conflict("The asset has no tests.", "Define some, or let profiles suggest them.")
    run = QualityRun(
        id=new_id(), asset_id=row.id, state="pending", principal=work.caller.principal, requested_at=work.now,
        finished_at=None, problem=None,
    )  # fmt: skip
    work.session.add(run)
    work.session.flush()
    known = Known((), None, {}) if command.fresh else known_of(work.session, row)
    found = [outcome for test in tests if (outcome := decided(test, known)) is not None]
    if command.fresh:
        columns = known_of(work.session, row).columns
        found = [each for test in tests if (each := decided(test, Known(columns, None, {}))) is not None]
    _store(work, run, found)
    if len(found) == len(tests):
        _finish(work, run, None)
    return run_view(work.session, run.id, work.caller)


def record(work: UnitOfWork, command: RecordOutcomes) -> QualityRunView:
    """Raises NotFound for a run that is not. A run that has ended stays as it is."""
    run = work.session.get(QualityRun, command.run_id)
    if run is None:
        raise NotFound("There is no such run.", "Use the id that the request returned.")
    if run.state == "pending":
        _store(work, run, command.outcomes)
        _finish(work, run, command.problem)
    return run_view(work.session, run.id, work.caller)


def _store(work: UnitOfWork, run: QualityRun, outcomes: Sequence[CheckOutcome]) -> None:
    tests = {
        test.id: test for test in work.session.scalars(select(QualityTest).where(QualityTest.asset_id == run.asset_id))
    }
    for told in outcomes:
        test = tests.get(told.test_id)
        if test is None:  # removed meanwhile
            continue
        values = told.model_dump() | {"run_id": run.id, "asset_id": run.asset_id, "dimension": test.dimension}
        work.session.merge(QualityResult(**values, at=work.now))
        if told.observed is not None and DEFINITIONS[test.definition].metric:
            note(work, run.asset_id, test.column, f"test.{DEFINITIONS[test.definition].metric}", told.observed)
    work.session.flush()


def _finish(work: UnitOfWork, run: QualityRun, problem: str | None) -> None:
    run.state, run.finished_at, run.problem = ("failed" if problem else "succeeded"), work.now, problem
    work.session.flush()
    score(work, run.asset_id)
    results = work.session.scalars(select(QualityResult).where(QualityResult.run_id == run.id)).all()
    row = work.session.get(Asset, run.asset_id)
    counts = {status: sum(each.status == status for each in results) for status in ("Success", "Failed", "Aborted")}
    place = {"path": row.path if row else "", "run": run.id}
    work.emit("quality_run", asset_entity(run.asset_id), None, place | counts | {"problem": problem})
    after_results(work, run.asset_id, results)


def score(work: UnitOfWork, asset_id: str) -> None:
    """Writes the scores of today, by the newest result of each test."""
    latest = (
        select(QualityResult.dimension, QualityResult.status)
        .join(QualityTest, QualityTest.id == QualityResult.test_id)
        .where(QualityResult.asset_id == asset_id, QualityResult.status != "Aborted", QualityTest.enabled)
        .ext(distinct_on(QualityResult.test_id))
        .order_by(QualityResult.test_id, QualityResult.at.desc())
        .subquery()
    )
    passed = func.sum(func.cast(latest.c.status == "Success", Integer))
    rows = work.session.execute(select(latest.c.dimension, passed, func.count()).group_by(latest.c.dimension)).all()
    day = work.now.date()
    work.session.execute(delete(DimensionScore).where(DimensionScore.asset_id == asset_id, DimensionScore.day == day))
    values = [
        {"asset_id": asset_id, "dimension": dimension, "day": day, "passed": int(right), "total": total}
        for dimension, right, total in rows
    ]
    if values:
        work.session.execute(insert(DimensionScore), values)
