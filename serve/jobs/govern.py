"""Governs one source as a Ray job.

    ray job submit --submission-id shop -- python -m serve.jobs.govern postgresql://reader@db/shop --password-env PW

The driver is thin: the groups do the work and keep its state. The submission id is the idempotency key: a job that is
submitted again under its id, after its cluster was lost, follows the workflow it started, or resumes it if that failed.
"""

import argparse
import asyncio
import logging
import os
import sys

import ray
from pydantic import SecretStr

from actors.orchestrator import queries
from actors.orchestrator.contract import ResumeWorkflow, StartWorkflow, WorkflowView
from actors.sources import queries as sources
from actors.sources.contract import RegisterSource, SetCredential
from cluster.connectors import split_url
from cluster.context import Caller, new_id
from cluster.errors import ConfigurationError, Conflict, SextantError
from cluster.runtime.doors import NAMESPACE, send
from cluster.store.engine import reading

POLL_SECONDS = 1.0
PERMISSIONS = frozenset({"sources:write", "orchestrator:write"})


def caller(operation: str) -> Caller:
    """The principal of a job: its submission id makes the commands of a job that is run again the same operations."""
    job = os.environ.get("RAY_JOB_SUBMISSION_ID") or new_id()
    return Caller(principal="job:govern", permissions=PERMISSIONS, operation_id=f"{job}:{operation}")


async def source_for(url: str, name: str | None, credential: dict[str, SecretStr]) -> str:
    """The id of the source at the URL, registered if it is new; a credential that is given replaces the stored one."""
    try:
        command = RegisterSource(url=SecretStr(url), name=name, credential=credential)
        return (await send(command, caller("register"))).id
    except Conflict as conflict:
        known: str | None = conflict.context.get("source_id")
        if known is None or not await asyncio.to_thread(_same_place, known, url):
            raise
    if credential:
        await send(SetCredential(source_id=known, credential=credential), caller(f"credential:{new_id()}"))
    return known


def _same_place(source_id: str, url: str) -> bool:
    with reading() as session:
        return sources.get_source(session, source_id).url == split_url(url).url


async def started(source_id: str, ruleset: str) -> WorkflowView:
    """The workflow to follow: the running one of the source, or a new one; resumed if this job saw it fail."""
    first = await send(StartWorkflow(source_id=source_id, ruleset=ruleset), caller("start"))
    now = await asyncio.to_thread(_read, first.id)
    if now.state in {"failed", "cancelled"}:
        return await send(ResumeWorkflow(workflow_id=now.id), caller(f"resume:{new_id()}"))
    return now


async def followed(workflow: WorkflowView) -> WorkflowView:
    """Prints every change of a phase until the workflow ended, and returns how it did."""
    shown: dict[int, str] = {}
    while True:
        for phase in workflow.phases:
            if phase.state != "pending" and shown.get(phase.number) != phase.state:
                shown[phase.number] = phase.state
                print(f"{phase.number} {phase.name}: {phase.state} {phase.problem or ''}".rstrip(), flush=True)
        if workflow.state != "running":
            return workflow
        await asyncio.sleep(POLL_SECONDS)
        workflow = await asyncio.to_thread(_read, workflow.id)


def _read(workflow_id: str) -> WorkflowView:
    with reading() as session:
        return queries.get_workflow(session, workflow_id)


async def run(arguments: argparse.Namespace) -> int:
    """Registers, starts and follows; 0 unless the workflow failed or was cancelled."""
    credential = {"username": SecretStr(arguments.username)} if arguments.username else {}
    if arguments.password_env:
        credential["password"] = SecretStr(_environment(arguments.password_env))
    source_id = await source_for(arguments.url, arguments.name, credential)
    workflow = await started(source_id, arguments.ruleset)
    print(f"workflow {workflow.id}", flush=True)
    workflow = await followed(workflow)
    print(f"workflow {workflow.id}: {workflow.state}", flush=True)
    return 0 if workflow.state in {"succeeded", "partial"} else 1


def _environment(name: str) -> str:
    if name not in os.environ:
        raise ConfigurationError(f"The environment variable {name} is not set.", "Set it in the job's runtime_env.")
    return os.environ[name]


def main() -> int:
    """Joins the cluster that the job was submitted to."""
    parser = argparse.ArgumentParser(prog="python -m serve.jobs.govern", description="Governs one source.")
    parser.add_argument("url")
    parser.add_argument("--name")
    parser.add_argument("--username")
    parser.add_argument("--password-env", help="name of the environment variable that holds the password")
    parser.add_argument("--ruleset", default="default")
    arguments = parser.parse_args()
    try:
        ray.init(address="auto", namespace=NAMESPACE, logging_level=logging.WARNING)
        return asyncio.run(run(arguments))
    except ConnectionError:
        print("sextant: there is no Ray cluster here. Submit this with `ray job submit`.", file=sys.stderr)
    except SextantError as error:
        print(f"sextant: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
