"""The Ray job's driver without Ray: what it sends, what it prints, and what a second submission does."""

import asyncio
import warnings
from pathlib import Path
from typing import Any

import pytest

from actors.orchestrator.contract import RecordPhase

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from serve.jobs import govern


@pytest.fixture
def drive(instance: Any, store: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(govern, "POLL_SECONDS", 0.05)

    async def send(command: Any, caller: Any) -> Any:
        future = asyncio.run_coroutine_threadsafe(instance.groups.send(command, caller), instance.groups.loop)
        return await asyncio.wrap_future(future)

    return govern.Drive(send, store)


def end(instance: Any, workflow_id: str, numbers: range, state: str) -> None:
    for number in numbers:
        for step in ("running", state):
            command = RecordPhase(workflow_id=workflow_id, number=number, step=1, state=step, counters={}, problem=None)
            instance.groups.carry_out(command)


def test_a_job_that_is_submitted_again_resumes_its_own_workflow(
    drive: Any, instance: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("RAY_JOB_SUBMISSION_ID", f"job-{tmp_path.name}")
    arguments = govern.parsed([tmp_path.as_uri(), "--name", f"job {tmp_path.name}"])

    async def first() -> str:
        source = await drive.source_for(arguments.url, arguments.name, {})
        return str((await drive.started(source, "default")).id)

    workflow_id = asyncio.run(first())
    end(instance, workflow_id, range(1, 2), "failed")

    monkeypatch.setenv("RAY_JOB_SUBMISSION_ID", f"another-{tmp_path.name}")

    async def renamed() -> str:
        return str(await drive.source_for(arguments.url, f"{arguments.name} b", {}))

    known = asyncio.run(renamed())
    assert drive._source(known).name == f"{arguments.name} b"
    monkeypatch.setenv("RAY_JOB_SUBMISSION_ID", f"job-{tmp_path.name}")

    async def second() -> int:
        running = asyncio.create_task(drive.run(arguments))
        while f"workflow {workflow_id}" not in capsys_text():
            await asyncio.sleep(0.02)
        await asyncio.to_thread(end, instance, workflow_id, range(1, 9), "succeeded")
        return await running

    said: list[str] = []

    def capsys_text() -> str:
        said.append(capsys.readouterr().out)
        return "".join(said)

    assert asyncio.run(second()) == 0
    assert f"workflow {workflow_id}: succeeded" in capsys_text()


def test_a_missing_password_variable_is_said(drive: Any, tmp_path: Path) -> None:
    arguments = govern.parsed([tmp_path.as_uri(), "--password-env", "NOT_SET_ANYWHERE"])
    with pytest.raises(govern.ConfigurationError, match="NOT_SET_ANYWHERE"):
        asyncio.run(drive.run(arguments))
