"""Figures and results that other tools told of an asset become those of its new name, or of the source that has it."""

from sqlalchemy import delete, func, literal, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.catalog.contract import QUALITY_TOLD
from actors.catalog.datasets import TOLD
from actors.catalog.incident_tables import Incident
from actors.catalog.quality_facets import told_test
from actors.catalog.quality_tables import MetricPoint, QualityResult, QualityRun, QualityTest
from actors.catalog.tables import Asset


def move_quality(session: Session, before: Asset, after: Asset) -> None:
    """Of an asset that events alone told of. Its figures stand apart from those that scans measure of the other one."""
    if before.source_id != TOLD:
        return
    tests = select(QualityTest).where(QualityTest.asset_id == before.id, QualityTest.definition == QUALITY_TOLD)
    for test in session.scalars(tests).all():
        _move_test(session, test, after.id)
    mine = update(QualityRun).where(QualityRun.asset_id == before.id).values(asset_id=after.id)
    session.execute(mine.execution_options(synchronize_session=False))
    _move_figures(session, before, after)
    session.flush()
    session.expire_all()


def _move_test(session: Session, test: QualityTest, asset_id: str) -> None:
    before, after = test.id, told_test(asset_id, test.column, test.parameters)
    moved = update(QualityResult).where(QualityResult.test_id == before).values(test_id=after, asset_id=asset_id)
    session.execute(moved.execution_options(synchronize_session=False))
    if session.get(QualityTest, after) is not None:  # with an incident of its own
        session.delete(test)
        return
    test.id, test.asset_id = after, asset_id
    named = {"cause": f"test:{after}", "asset_id": asset_id}
    same = update(Incident).where(Incident.cause == f"test:{before}").values(named)
    session.execute(same.execution_options(synchronize_session=False))


def _move_figures(session: Session, before: Asset, after: Asset) -> None:
    """A figure of the same time that is there already stays."""
    point = MetricPoint
    apart = point.metric if after.source_id == TOLD else func.concat("told_", point.metric)
    taken = select(literal(after.id), point.column, apart, point.at, point.value).where(
        point.asset_id == before.id, true() if after.source_id == TOLD else point.metric != "content"
    )
    names = ["asset_id", "column", "metric", "at", "value"]
    session.execute(insert(point).from_select(names, taken).on_conflict_do_nothing())
    gone = delete(point).where(point.asset_id == before.id)
    session.execute(gone.execution_options(synchronize_session=False))
