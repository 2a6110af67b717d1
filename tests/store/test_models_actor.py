"""The classification group's loops on a real database, without Ray: models of the release are there, and what is asked
for is measured, observed and trained."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

import cluster.runtime.actor
import cluster.store.engine
from actors.classification import actor as loop
from actors.classification import model_queries, model_retraining, model_watch
from actors.classification.contract import ClassifyAssets, EvaluateModel, RequestRetraining
from cluster.store.engine import make_engine, reading
from tests.store.test_classification import EMAIL, ROWS, evidence

JOBS: dict[str, str] = {}


@pytest.fixture
def engine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    engine = make_engine(database_url)
    monkeypatch.setenv("SEXTANT_STORE_URL", database_url)
    monkeypatch.setattr(cluster.runtime.actor, "engine", lambda: engine)
    monkeypatch.setattr(cluster.store.engine, "engine", lambda: engine)
    monkeypatch.setattr(loop, "run_task", here)
    monkeypatch.setattr(loop, "submit_job", submitted)
    monkeypatch.setattr(loop, "job_ended", ended)
    monkeypatch.setattr(loop, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(loop, "JOBS_SECONDS", 0.1)
    JOBS.clear()
    yield engine
    engine.dispose()


async def here(work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    return await asyncio.to_thread(work, *arguments)


async def submitted(entrypoint: str, submission_id: str) -> None:
    JOBS.setdefault(submission_id, entrypoint)


async def ended(submission_id: str) -> str | None:
    return "FAILED" if submission_id in JOBS else "LOST"


def run(work: Callable[[Any], Awaitable[None]]) -> None:
    """Does something with a running actor."""

    async def whole() -> None:
        actor: Any = loop.ClassificationActor.__new__(loop.ClassificationActor)
        await actor.__init__()
        try:
            async with asyncio.timeout(60):
                while not actor.writer.epoch or not actor._shipped:
                    await asyncio.sleep(0.02)
                await work(actor)
        finally:
            for task in actor._tasks:
                task.cancel()

    asyncio.run(whole())


async def until(holds: Callable[[Any], Any]) -> Any:
    while True:
        with reading() as session:
            found = holds(session)
        if found:
            return found
        await asyncio.sleep(0.05)


def test_the_models_of_the_release_are_there_and_an_evaluation_is_done(engine: Engine) -> None:
    async def work(actor: Any) -> None:
        found = await until(lambda session: model_queries.models(session, "embedding"))
        asked = await actor.command(EvaluateModel(model_id=found[0].id))
        done = await until(
            lambda session: [e for e in model_queries.evaluations(session, found[0].id) if e.state != "pending"]
        )
        assert [(each.id, each.state, each.passed) for each in done] == [(asked.id, "done", True)], done[0].refusals

    run(work)
    with reading() as session:
        active = {model.kind for model in model_queries.models(session, state="active")}
    assert {"embedding", "entities"} <= active


def test_what_was_classified_is_observed_and_a_job_that_dies_is_told(engine: Engine) -> None:
    async def work(actor: Any) -> None:
        await actor.command(ClassifyAssets(source_id="s1", evidence=(evidence({"mail": {EMAIL: ROWS}}),)))
        assert (await until(lambda session: model_watch.observations(session, "s1")))[0].scorer == "labels"
        asked = await actor.command(RequestRetraining(kind="columns", reason="x"))
        (job,) = await until(lambda session: [r for r in model_retraining.retrainings(session) if r.problem])
        assert (job.id, job.state) == (asked.id, "failed")
        assert "ended as FAILED" in (job.problem or "")
        assert JOBS[f"retrain-{asked.id}"].endswith(f"-m serve.jobs.retrain {asked.id}")

    run(work)
