"""The OpenAPI document is complete, and true: a fuzzer driven by it finds no answer that it does not announce."""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode

EXAMPLES = 3 if os.environ.get("LONG_TESTS") else 1
OPEN = {"live", "ready", "get_problem_type"}


@pytest.fixture(scope="session")
def document(instance: Any) -> dict[str, Any]:
    with instance.client(None) as client:
        found: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, found) for path, item in document["paths"].items() for method, found in item.items()]


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_is_named_described_secured_and_tells_its_problems(document: dict[str, Any]) -> None:
    names = [found["operationId"] for _, _, found in operations(document)]
    assert len(names) == len(set(names)) > 55
    for method, path, found in operations(document):
        where = f"{method} {path}"
        assert found["summary"], where
        assert found["description"], where
        assert len(found["tags"]) == 1, where
        assert bool(found.get("security")) is (found["operationId"] not in OPEN), where
        expected = {"422", "500", "503"} | ({"401", "403"} if found.get("security") else set())
        expected |= {"400", "409", "413"} if method != "get" else set()
        assert expected <= set(found["responses"]), where
        assert any(code.startswith("2") for code in found["responses"]), where
        for code, response in found["responses"].items():
            if code >= "400":
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where


def test_no_schema_asks_for_a_secret_in_an_answer(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("View"):
            assert not {"password", "secret", "credential", "sealed"} & set(schema.get("properties", {})), name


# What a schema cannot say (an unknown URL scheme, an unknown role) is refused with 422; an ETag with 412.
CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "404", "409", "412", "422"]},
    "negative_data_rejection": {"expected-statuses": ["4xx"]},
}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_every_answer_is_one_that_the_document_announces(instance: Any, mode: GenerationMode) -> None:
    config = SchemathesisConfig.from_dict({"checks": CHECKS, "generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_url(f"{instance.url}/api/v1/openapi.json", config=config)
    # Any bytes are lines, and each line is answered by itself: no body of a stream is one that could be refused.
    schema = schema.exclude(operation_id="classify_stream")
    headers = {"Authorization": f"Bearer {instance.tokens['admin']}"}
    with instance.client("admin") as client:
        client.timeout = 120  # the first request loads the models; the fuzzer's patience is 10 s
        client.post("/api/v1/classify/value", json={"value": "Ada Lovelace lives in Berlin"}).raise_for_status()
    wrong: list[str] = []
    tried = 0
    for result in schema.exclude(
        path_regex="/(events|source-health)/stream$"
    ).get_all_operations():  # the stream has no end
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers)

        try:
            answered()
        except Unsatisfiable:
            continue  # nothing about this operation can be wrong
        except (FailureGroup, Failure) as found:
            wrong.append(f"{operation.label}: {found}")
        tried += 1
    assert not wrong, "\n\n".join(wrong)
    assert tried > 40
