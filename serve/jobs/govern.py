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
from sqlalchemy import Engine

from actors.orchestrator import queries
from actors.orchestrator.contract import ResumeWorkflow, StartWorkflow, WorkflowView
from actors.sources import queries as sources
from actors.sources.contract import RegisterSource, SetCredential, SourceView, UpdateSource
from cluster.connectors import split_url
from cluster.context import Caller, new_id
from cluster.errors import ConfigurationError, Conflict, SextantError
from cluster.runtime.doors import NAMESPACE, send
from cluster.store.engine import engine, reading
from serve.client import credential_in
from serve.http.doors import SendCommand

POLL_SECONDS = 1.0
PERMISSIONS = frozenset({"sources:write", "orchestrator:write"})


def caller(operation: str) -> Caller:
    """The principal of a job: its submission id makes the commands of a job that is run again the same operations."""
    job = os.environ.get("RAY_JOB_SUBMISSION_ID") or new_id()
    return Caller(principal="job:govern", permissions=PERMISSIONS, operation_id=f"{job}:{operation}")


class Drive:
    """One run of the job over a way to send commands and a database to read."""

    def __init__(self, send: SendCommand, engine: Engine) -> None:
        self._send, self._engine = send, engine

    async def source_for(self, url: str, name: str | None, credential: dict[str, SecretStr]) -> str:
        """The id of the source at the URL, registered if new; a given name or credential replaces the stored one."""
        try:
            command = RegisterSource(url=SecretStr(url), name=name, credential=credential)
            return (await self._send(command, caller("register"))).id
        except Conflict as conflict:
            known: str | None = conflict.context.get("source_id")
            source = await asyncio.to_thread(self._source, known) if known is not None else None
            if known is None or source is None or source.url != split_url(url).url:
                raise
        if name is not None and name != source.name:
            renamed = UpdateSource(source_id=known, version=source.version, name=name)
            await self._send(renamed, caller(f"name:{new_id()}"))
        given = credential_in(url, {name: secret.get_secret_value() for name, secret in credential.items()})
        if given:
            sealed = {name: SecretStr(secret) for name, secret in given.items()}
            replaced = SetCredential(source_id=known, credential=sealed)
            await self._send(replaced, caller(f"credential:{new_id()}"))
        return known

    async def started(self, source_id: str, ruleset: str) -> WorkflowView:
        """The workflow to follow: the running one of the source, or a new one; resumed if this job saw it fail."""
        first = await self._send(StartWorkflow(source_id=source_id, ruleset=ruleset), caller("start"))
        now = await asyncio.to_thread(self._read, first.id)
        if now.state in {"failed", "cancelled"}:
            return await self._send(ResumeWorkflow(workflow_id=now.id), caller(f"resume:{new_id()}"))
        return now

    async def followed(self, workflow: WorkflowView) -> WorkflowView:
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
            workflow = await asyncio.to_thread(self._read, workflow.id)

    async def run(self, arguments: argparse.Namespace) -> int:
        """Registers, starts and follows; 0 unless the workflow failed or was cancelled."""
        credential = {"username": SecretStr(arguments.username)} if arguments.username else {}
        if arguments.password_env:
            credential["password"] = SecretStr(_environment(arguments.password_env))
        source_id = await self.source_for(arguments.url, arguments.name, credential)
        workflow = await self.started(source_id, arguments.ruleset)
        print(f"workflow {workflow.id}", flush=True)
        workflow = await self.followed(workflow)
        print(f"workflow {workflow.id}: {workflow.state}", flush=True)
        return 0 if workflow.state in {"succeeded", "partial"} else 1

    def _source(self, source_id: str) -> SourceView:
        with reading(self._engine) as session:
            return sources.get_source(session, source_id)

    def _read(self, workflow_id: str) -> WorkflowView:
        with reading(self._engine) as session:
            return queries.get_workflow(session, workflow_id)


def _environment(name: str) -> str:
    if name not in os.environ:
        raise ConfigurationError(f"The environment variable {name} is not set.", "Set it in the job's runtime_env.")
    return os.environ[name]


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The command line of the job."""
    parser = argparse.ArgumentParser(prog="python -m serve.jobs.govern", description="Governs one source.")
    parser.add_argument("url")
    parser.add_argument("--name")
    parser.add_argument("--username")
    parser.add_argument("--password-env", help="name of the environment variable that holds the password")
    parser.add_argument("--ruleset", default="default")
    return parser.parse_args(words)


def main() -> int:
    """Joins the cluster that the job was submitted to, and runs."""
    arguments = parsed()
    try:
        ray.init(address="auto", namespace=NAMESPACE, logging_level=logging.WARNING)
        return asyncio.run(Drive(send, engine()).run(arguments))
    except ConnectionError:
        print("sextant: there is no Ray cluster here. Submit this with `ray job submit`.", file=sys.stderr)
    except SextantError as error:
        print(f"sextant: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
