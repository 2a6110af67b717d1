"""The OpenLineage client, as it is installed by everybody, told to send its events here."""

import gzip
import json
import uuid
from typing import Any

import httpx
import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    documentation_dataset,
    error_message_run,
    lifecycle_state_change_dataset,
    ownership_dataset,
    schema_dataset,
    symlinks_dataset,
    tags_dataset,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

NAMESPACE, TABLE = "postgres://lineage.example:5432", "shop.public.orders"


def client_of(url: str, token: str) -> OpenLineageClient:
    """A client that compresses what it sends."""
    auth = ApiKeyTokenProvider({"apiKey": token})
    config = HttpConfig(url=url, auth=auth, compression=HttpCompression.GZIP)
    return OpenLineageClient(transport=HttpTransport(config))


def emitted(url: str, token: str) -> None:
    client = client_of(url, token)
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


def test_facets_of_the_client_become_facts_figures_tests_and_runs(instance: Any, admin: httpx.Client) -> None:
    name, job = f"shop.{uuid.uuid4()}", Job(namespace="quality", name=f"check-{uuid.uuid4()}")
    fields = schema_dataset.SchemaDatasetFacetFields
    columns = [
        fields(name="id", type="bigint"),
        fields(name="at", type="struct", fields=[fields(name="day", type="date")]),
    ]
    facets: dict[str, Any] = {
        "schema": schema_dataset.SchemaDatasetFacet(fields=columns),
        "documentation": documentation_dataset.DocumentationDatasetFacet(description="What was checked."),
        "ownership": ownership_dataset.OwnershipDatasetFacet(owners=[ownership_dataset.Owner(name="team:quality")]),
        "tags": tags_dataset.TagsDatasetFacet(tags=[tags_dataset.TagsDatasetFacetFields(key="checked", value="true")]),
        "symlinks": symlinks_dataset.SymlinksDatasetFacet(
            identifiers=[symlinks_dataset.Identifier(namespace="hive://meta:9083", name=name, type="TABLE")]
        ),
    }  # fmt: skip
    seen: dict[str, Any] = {
        "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            rowCount=8, columnMetrics={"id": data_quality_metrics_input_dataset.ColumnMetrics(nullCount=2)}
        ),
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=[data_quality_assertions_dataset.Assertion(assertion="not_null", success=False, column="id")]
        ),
    }
    client, run = client_of(instance.url, instance.tokens["steward"]), Run(runId=str(uuid.uuid4()))
    run.facets = {"errorMessage": error_message_run.ErrorMessageRunFacet("Test 'x' failed", "PYTHON")}
    inputs = [InputDataset(namespace=NAMESPACE, name=name, facets=facets, inputFacets=seen)]
    client.emit(RunEvent(eventType=RunState.FAIL, eventTime="2026-03-02T10:00:00Z", run=run, job=job, inputs=inputs))
    (found,) = admin.get("/api/v1/assets", params={"source_id": "openlineage", "owner": "team:quality"}).json()["items"]
    where = f"/api/v1/assets/{found['id']}"
    asset = admin.get(where).json()
    assert [column["name"] for column in asset["column_list"]] == ["id", "at", "at.day"]
    assert (asset["comment"], asset["rows"], asset["tags"]) == ("What was checked.", 8, [])
    assert {told["facet"] for told in asset["told"]} >= {"documentation", "ownership", "tags", "schema"}
    figures = admin.get(f"{where}/quality/figures", params={"column": "id"}).json()["items"]
    assert [(one["metric"], one["value"]) for one in figures] == [("null_share", 0.25)]
    (test,) = admin.get("/api/v1/quality/tests", params={"asset_id": found["id"]}).json()["items"]
    (result,) = admin.get(f"/api/v1/quality/tests/{test['id']}/results").json()["items"]
    assert (test["definition"], result["status"], result["method"]) == ("dataQualityAssertion", "Failed", "told")
    (told,) = admin.get("/api/v1/lineage/jobs", params={"namespace": "quality"}).json()["items"]
    (one,) = admin.get(f"/api/v1/lineage/jobs/{told['id']}/runs").json()["items"]
    assert (one["state"], one["error"]) == ("FAIL", "Test ? failed")
    assert admin.get(f"/api/v1/lineage/runs/{run.runId}").json() == one
    dropped = lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
        lifecycleStateChange=lifecycle_state_change_dataset.LifecycleStateChange.DROP
    )
    gone = StaticDataset(namespace="hive://meta:9083", name=name, facets={"lifecycleStateChange": dropped})
    client.emit(DatasetEvent(eventTime="2026-03-03T10:00:00Z", dataset=gone))
    assert admin.get(where).json()["lifecycle"] == "tombstoned"


def test_a_batch_says_which_of_its_events_were_none(admin: httpx.Client, instance: Any) -> None:
    good = {"eventTime": "2026-03-02T10:00:00Z", "job": {"namespace": "batch", "name": f"{uuid.uuid4()}"}}
    packed = gzip.compress(json.dumps([good, {"job": 7}, good]).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = admin.post("/api/v1/lineage/batch", content=packed, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "partial_success")
    assert answer.json()["summary"] == {"received": 3, "successful": 2, "failed": 1}
    assert [each["index"] for each in answer.json()["failed_events"]] == [1]
    viewer = {"Authorization": f"Bearer {instance.tokens['viewer']}"}
    assert admin.post("/api/v1/lineage/batch", json=[good], headers=viewer).status_code == 403


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"{}", "br", 415), (b"no gzip", "gzip", 422), (gzip.compress(b"{}")[:-4], "gzip", 422),
        (gzip.compress(bytes(40 << 20)), "gzip", 413), (gzip.compress(b'{"a": "\\u0000"}'), "gzip", 422),
    ],
    ids=["another coding", "not packed", "cut", "too large", "a NUL"],  # what is packed holds the time
)  # fmt: skip
def test_a_body_that_does_not_unpack_to_a_fair_size_is_refused(
    admin: httpx.Client, body: bytes, encoding: str, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert admin.post("/api/v1/lineage", content=body, headers=headers).status_code == status
