"""Ray jobs as awaited calls: drivers that outlive whoever submitted them, and run once."""

import asyncio

import ray
from ray.job_submission import JobStatus, JobSubmissionClient

from cluster.errors import Unavailable

LOST = "LOST"


async def submit_job(entrypoint: str, submission_id: str) -> None:
    """Submits the command line as a job of this cluster; one that is known under this id is left as it is.

    Raises Unavailable where the dashboard, which takes jobs, does not answer.
    """
    await asyncio.to_thread(_submit, entrypoint, submission_id)


async def job_ended(submission_id: str) -> str | None:
    """None while the job is pending or running, else how it ended; LOST for one that the cluster does not know.

    Raises Unavailable where the dashboard does not answer.
    """
    return await asyncio.to_thread(_ended, submission_id)


def _client() -> JobSubmissionClient:
    try:
        return JobSubmissionClient(ray.get_runtime_context().gcs_address)  # it asks the GCS where the dashboard is
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise Unavailable(
            f"Ray's job API does not answer ({type(error).__name__}).",
            "Start the dashboard, or submit the job by hand.",
        ) from None


def _submit(entrypoint: str, submission_id: str) -> None:
    client = _client()
    if _status(client, submission_id) is None:
        client.submit_job(entrypoint=entrypoint, submission_id=submission_id)


def _ended(submission_id: str) -> str | None:
    status = _status(_client(), submission_id)
    if status is None:
        return LOST
    return str(status.value) if status.is_terminal() else None


def _status(client: JobSubmissionClient, submission_id: str) -> JobStatus | None:
    try:
        return client.get_job_status(submission_id)
    except RuntimeError:  # so the client tells of a job that is not known
        return None
