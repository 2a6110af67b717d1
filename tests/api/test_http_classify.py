"""Classification on the spot over HTTP: what is found, what is refused, and that nothing of it stays."""

import io
import json
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CARD = "4111 1111 1111 1111"
MAILS = [f"person{n}@example.org" for n in range(20)]


@pytest.fixture
def client(instance: Any) -> Any:
    with instance.client("viewer") as client:
        yield client


def post(client: Any, path: str, body: Any, **params: Any) -> httpx.Response:
    answer: httpx.Response = client.post(f"/api/v1/classify/{path}", json=body, params=params or None)
    return answer


def test_columns_are_ranked_with_intervals_and_reasons(client: Any) -> None:
    body = {"columns": {"": MAILS, "qty": [1, 2, 3], "nothing": [None, None]}, "table": "people", "tiers": [1]}
    found = post(client, "columns", body).json()
    assert found["skipped"] == []
    (mail,) = found["columns"][""]
    assert (mail["class"], mail["tier"], mail["state"]) == ("contact.email", "rules", "automatic")
    assert 0.8 < mail["interval"][0] < mail["prevalence"] == mail["interval"][1] == 1
    assert mail["reasons"]
    assert found["columns"]["qty"] == found["columns"]["nothing"] == []


def test_offsets_are_characters(client: Any) -> None:
    text = "😀 é́ שלום: ada@example.org."
    found = post(client, "text", {"text": text, "tiers": ["rules"]}).json()
    (span,) = found["spans"]
    assert (span["class"], text[span["start"] : span["end"]]) == ("contact.email", "ada@example.org")


def test_a_tier_that_takes_no_part_is_named(client: Any) -> None:
    found = post(client, "text", {"text": "hello", "tiers": [1, 2]}).json()
    assert [one["tier"] for one in found["skipped"]] == ["model"]


def test_one_value_and_one_record(client: Any) -> None:
    one = post(client, "value", {"value": CARD, "tiers": [1]}).json()
    assert [c["class"] for c in one["classes"]] == ["payment.card_number"]
    assert [(s["start"], s["end"]) for s in one["spans"]] == [(0, len(CARD))]
    row = post(client, "record", {"record": {"dob": "1984-07-05", "n": 3}, "tiers": [1]}).json()
    assert [c["class"] for c in row["columns"]["dob"]] == ["person.birth_date"]


def test_a_batch_keeps_the_order(client: Any) -> None:
    found = post(client, "batch", {"texts": ["", "mail ada@example.org", "none"], "tiers": [1]}).json()
    assert [len(one["spans"]) for one in found["results"]] == [0, 1, 0]


@pytest.mark.parametrize("layout", ["csv", "jsonl", "parquet"])
def test_a_file(client: Any, layout: str) -> None:
    rows = [{"id": str(n), "mail": mail} for n, mail in enumerate(MAILS)]
    data = {"csv": "id,mail\n" + "\n".join(f"{r['id']},{r['mail']}" for r in rows),
            "jsonl": "\n".join(json.dumps(r) for r in rows)}.get(layout, "").encode()  # fmt: skip
    if layout == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        data = sink.getvalue()
    found = client.post("/api/v1/classify/file", content=data, params={"format": layout, "tiers": "1"}).json()
    assert found["rows"] == len(rows)
    assert [c["class"] for c in found["columns"]["mail"]] == ["contact.email"]


def test_a_stream_answers_line_by_line(client: Any) -> None:
    lines = b'{"text": "ada@example.org"}\n\nnothing\n{"text": "x"}\n'
    answer = client.post("/api/v1/classify/stream", content=lines, params={"tiers": "rules"})
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["line"] for one in found] == [1, 3, 4]
    assert found[0]["spans"][0]["end"] == len("ada@example.org")
    assert "problem" in found[1]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("columns", {"columns": {}}, 422),
        ("columns", {"columns": {"a": [{"b": CARD}]}}, 422),
        ("text", {"text": CARD, "tiers": [4]}, 422),
        ("text", {"text": CARD, "more": 1}, 422),
        ("text", {"text": CARD + "x" * (33 << 20)}, 413),
        ("columns", {"columns": {"a": [1] * 1_000_001}}, 422),
    ],
)
def test_what_is_too_much_or_wrong_is_refused_and_not_repeated(client: Any, path: str, body: Any, status: int) -> None:
    answer = post(client, path, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert CARD not in answer.text


def test_a_file_of_another_layout_is_refused(client: Any) -> None:
    answer = client.post("/api/v1/classify/file", content=b"a,b\n1,2\n", params={"format": "parquet"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


def test_binary_junk_in_a_text_is_read(client: Any) -> None:
    text = "\x00\x01\x7f junk \ufffd ada@example.org"
    (span,) = post(client, "text", {"text": text, "tiers": [1]}).json()["spans"]
    assert text[span["start"] : span["end"]] == "ada@example.org"


def test_it_takes_a_permission(instance: Any) -> None:
    with instance.client(None) as client:
        assert post(client, "text", {"text": "x"}).status_code == 401
