"""The OpenLineage client, as it is installed by everybody, told to send its events here."""

import uuid
from typing import Any

import httpx
import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import column_lineage_dataset
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

NAMESPACE, TABLE = "postgres://lineage.example:5432", "shop.public.orders"


def emitted(url: str, token: str) -> None:
    auth = ApiKeyTokenProvider({"apiKey": token})
    client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=url, auth=auth)))
    run, job = Run(runId=str(uuid.uuid4())), Job(namespace="nightly", name=f"load-{uuid.uuid4()}")
    field = column_lineage_dataset.InputField(
        namespace="s3://landing", name="orders.csv", field="amount",
        transformations=[column_lineage_dataset.Transformation(type="DIRECT", subtype="IDENTITY")],
    )  # fmt: skip
    facet = column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={"amount": column_lineage_dataset.Fields(inputFields=[field])}
    )
    read = [InputDataset(namespace="s3://landing", name="orders.csv")]
    written: list[Any] = [OutputDataset(namespace=NAMESPACE, name=TABLE, facets={"columnLineage": facet})]
    for state, outputs in ((RunState.START, []), (RunState.COMPLETE, written)):
        client.emit(
            RunEvent(
                eventType=state,
                eventTime="2026-03-02T10:00:00+00:00",
                run=run,
                job=job,
                inputs=read,
                outputs=outputs,
                producer="https://example.org/test",
            )
        )


def test_an_unmodified_client_is_understood(instance: Any, admin: httpx.Client) -> None:
    emitted(instance.url, instance.tokens["steward"])
    (seen,) = admin.get("/api/v1/events", params={"kinds": "catalog.job_lineage_changed"}).json()["items"]
    assert seen["after"]["begun"] == 1


def test_a_token_that_may_not_tell_lineage_is_refused(instance: Any) -> None:
    with pytest.raises(Exception, match="403"):
        emitted(instance.url, instance.tokens["viewer"])


def test_a_body_that_is_no_event_gets_a_problem_that_names_the_place(admin: httpx.Client) -> None:
    answer = admin.post("/api/v1/lineage", json={"eventType": "COMPLETE", "job": {"namespace": "a", "name": "b"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert "eventTime" in answer.json()["detail"]
