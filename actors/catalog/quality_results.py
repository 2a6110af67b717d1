"""What is told of quality tests: their runs, results and scores, and which runs wait for a worker."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.catalog.assets import asset_row
from actors.catalog.contract import (
    QUALITY_TOLD,
    DimensionScoreView,
    PendingRun,
    QualityResultView,
    QualityRunView,
    QualityTestView,
    TestOrder,
)
from actors.catalog.quality_tables import DimensionScore, QualityResult, QualityRun, QualityTest
from actors.catalog.tables import Asset
from cluster.context import Caller
from cluster.errors import NotFound
from cluster.naming import asset_id as id_of
from cluster.security.roles import permissions_of
from cluster.security.visibility import admitted, hidden, roles_of, visible


def tests_of(session: Session, asset_id: str) -> list[TestOrder]:
    """The enabled tests of an asset as their evaluation needs them."""
    ours = (QualityTest.enabled, QualityTest.definition != QUALITY_TOLD)  # what other tools test, they run themselves
    rows = session.scalars(select(QualityTest).where(QualityTest.asset_id == asset_id, *ours))
    return [TestOrder.model_validate(row) for row in rows]


def run_view(session: Session, run_id: str, caller: Caller) -> QualityRunView:
    """A run with its results. Raises NotFound."""
    run = session.get(QualityRun, run_id)
    if run is None:
        raise NotFound("There is no such run.", "Use the id that the request returned.")
    asset_row(session, run.asset_id, caller)
    results = session.scalars(
        select(QualityResult).where(QualityResult.run_id == run_id).order_by(QualityResult.test_id)
    )
    return QualityRunView(
        id=run.id, asset_id=run.asset_id, state=run.state, requested_at=run.requested_at,
        finished_at=run.finished_at, problem=run.problem,
        results=tuple(QualityResultView.model_validate(each) for each in results),
    )  # fmt: skip


def list_tests(
    session: Session, caller: Caller, asset_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[QualityTestView]:
    """Tests by id, of an asset or of all that the caller may see."""
    statement = select(QualityTest).where(visible(caller, QualityTest.asset_id))
    if asset_id is not None:
        asset_row(session, asset_id, caller)
        statement = statement.where(QualityTest.asset_id == asset_id)
    if after is not None:
        statement = statement.where(QualityTest.id > after)
    rows = session.scalars(statement.order_by(QualityTest.id).limit(limit))
    return [QualityTestView.model_validate(row) for row in rows]


def results(session: Session, caller: Caller, test_id: str, days: int = 90) -> list[QualityResultView]:
    """The results of a test, the newest first. Raises NotFound for one that never was."""
    rows = session.scalars(
        select(QualityResult).where(QualityResult.test_id == test_id).order_by(QualityResult.at.desc()).limit(days)
    ).all()
    test = session.get(QualityTest, test_id)
    asset = test.asset_id if test else (rows[0].asset_id if rows else None)
    if asset is None:
        raise NotFound("There is no such test.", "List the tests to see their ids.")
    asset_row(session, asset, caller)
    return [QualityResultView.model_validate(row) for row in rows]


def scores(session: Session, caller: Caller, asset_id: str, days: int = 90) -> list[DimensionScoreView]:
    """The scores of an asset by dimension and day, the newest first."""
    asset_row(session, asset_id, caller)
    newest = select(func.max(DimensionScore.day)).where(DimensionScore.asset_id == asset_id)
    last = session.execute(newest).scalar_one()
    if last is None:
        return []
    statement = select(DimensionScore).where(
        DimensionScore.asset_id == asset_id, DimensionScore.day > last - timedelta(days=days)
    )
    return [
        DimensionScoreView(
            dimension=row.dimension, day=row.day, passed=row.passed, total=row.total,
            score=round(row.passed / row.total, 4),
        )
        for row in session.scalars(statement.order_by(DimensionScore.day.desc(), DimensionScore.dimension))
    ]  # fmt: skip


def pending_runs(session: Session, most: int = 4) -> list[PendingRun]:
    """Runs that wait for a worker, the oldest first, with the tests that are not decided yet."""
    runs = session.scalars(
        select(QualityRun).where(QualityRun.state == "pending").order_by(QualityRun.requested_at).limit(most)
    )
    found = []
    for run in runs:
        done = set(session.scalars(select(QualityResult.test_id).where(QualityResult.run_id == run.id)))
        row = session.get(Asset, run.asset_id)
        if row is None:
            continue
        orders = tuple(test for test in tests_of(session, row.id) if test.id not in done)
        named = {str(test.parameters["table2"]) for test in orders if test.definition == "tableDiff"}
        others = {name: place for name in named if (place := _second(session, row, name, run.principal)) is not None}
        found.append(PendingRun(run_id=run.id, source_id=row.source_id, asset_id=row.id, tests=orders, others=others))
    return found


def _second(session: Session, row: Asset, name: str, principal: str) -> tuple[str, str] | None:
    """The second table of a difference: an asset's id, or a path in the same source; one that whoever started the run
    may not see is not there."""
    found = session.get(Asset, name) or session.get(Asset, id_of(row.source_id, name))
    roles = roles_of(session, principal)
    caller = Caller(principal=principal, permissions=permissions_of(roles))
    if found is None or hidden(session, admitted(session, caller, roles), [found.id]):
        return None
    return found.source_id, found.id
