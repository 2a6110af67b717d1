"""Rows over HTTP: masked by what is known of each column, revealed only to whoever may, noted before they are read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from actors.classification.tables import Evidence, Label
from actors.compliance.contract import EndRecord, FactDraft, KeepRecord, Policy, RecordFacts, Selector
from actors.sources.contract import RecordDiscovery
from actors.sources.preview import HIDDEN, masked, treatment
from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.security.visibility import conceal
from cluster.store.tables import AuditEntry, Operation
from tests.api.conftest import Instance

EMAIL = "ada.lovelace@example.org"
CITY = "Reykjavik 101"


@pytest.fixture
def source(instance: Instance, admin: httpx.Client, tmp_path: Path) -> dict[str, Any]:
    """A folder with one file, of which three columns were scanned: one restricted, one internal, one of no class."""
    (tmp_path / "people.csv").write_text(f"id,email,city,note\n1,{EMAIL},{CITY},free text\n2,,{CITY},\n")
    made: dict[str, Any] = admin.post(
        "/api/v1/sources", json={"url": tmp_path.as_uri(), "name": f"preview {tmp_path.name}"}
    ).json()
    asked = admin.post(f"/api/v1/sources/{made['id']}/discoveries").json()
    connector = open_connector(SourceAccess(source_id=made["id"], url=made["url"]), {})
    found = connector.enumerate()
    connector.close()
    instance.groups.carry_out(RecordDiscovery(discovery_id=asked["id"], enumeration=found, facts=None))
    item = admin.get(f"/api/v1/sources/{made['id']}/inventory").json()["items"][0]
    with Session(instance.groups.engine) as session, session.begin():
        scanned(session, made["id"], item["asset_id"])
    return made


def scanned(session: Session, source_id: str, asset_id: str) -> None:
    now = session.scalar(select(text("now()")))
    where = {"source_id": source_id, "asset_id": asset_id, "asset": "people.csv"}
    for column in ("id", "email", "city"):
        session.add(
            Evidence(
                **where, column=column, method="census", rules_digest="d", evidence={"classes": []}, observed_at=now
            )
        )
    columns = {column.name: column for column in Label.__table__.columns}
    for column, data_class, sensitivity in (
        ("email", "contact.email", "Restricted"), ("city", "location.city", "Internal"),
    ):  # fmt: skip
        values: dict[str, Any] = {
            **where, "id": f"{asset_id[:20]}{column}", "column": column, "data_class": data_class,
            "sensitivity": sensitivity, "tags": [], "confidence": 1.0, "method": "census", "tier": "rules",
            "whole_column": True, "origin": "machine", "state": "automatic", "drifted": False, "reasons": [],
        }  # fmt: skip
        for name, known in columns.items():
            if name not in values and not known.nullable and known.server_default is None:
                kind = known.type.python_type
                values[name] = now if "datetime" in str(kind) else {} if kind is dict else kind()
        session.add(Label(**values))


def shown(client: httpx.Client, source: dict[str, Any], **more: Any) -> httpx.Response:
    return client.post(f"/api/v1/sources/{source['id']}/preview", json={"path": "people.csv", **more})


def test_rows_are_masked_by_class_and_what_was_not_scanned_is_hidden(
    instance: Instance, source: dict[str, Any]
) -> None:
    with instance.client("engineer") as engineer:
        answer = shown(engineer, source)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    treated = {column["name"]: column["treatment"] for column in found["columns"]}
    assert treated == {"id": "shown", "email": "hidden", "city": "shape", "note": "hidden"}
    assert found["rows"] == [["1", HIDDEN, "xxxxxxxxx 999", HIDDEN], ["2", None, "xxxxxxxxx 999", None]]
    assert found["columns"][1]["classes"] == ["contact.email"]


def test_values_are_revealed_only_to_whoever_may_and_it_is_noted(instance: Instance, source: dict[str, Any]) -> None:
    with instance.client("engineer") as engineer, instance.client("auditor") as auditor:
        assert shown(engineer, source, reveal=True).status_code == 403
        assert shown(auditor, source).status_code == 403
    with instance.client("admin") as admin:
        found = shown(admin, source, reveal=True)
        assert found.json()["rows"][0] == ["1", EMAIL, CITY, "free text"]
        assert shown(admin, source, rows=1).json()["rows"][0][1] == HIDDEN
        assert shown(admin, {"id": source["id"]}, path="none.csv").status_code == 404
        events = admin.get("/api/v1/events", params={"kinds": "sources.previewed", "limit": 200}).json()["items"]
    mine = [event["after"] for event in events if event["after"]["source_id"] == source["id"]]
    assert [(one["revealed"], one["masked"]) for one in mine] == [(True, 0), (False, 3)]
    with Session(instance.groups.engine) as session:
        noted = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "sources.AskPreview")).all()
        kept = session.execute(text("SELECT response::text FROM ground.operation")).scalars().all()
    assert len(noted) >= 2
    assert not any(EMAIL in row for row in kept), "rows are in no answer that is kept"
    assert EMAIL not in str(events)
    assert Operation.__tablename__ == "operation"


@pytest.fixture
def policies(instance: Instance) -> Iterator[Callable[..., None]]:
    """Keeps policies on a column of the file, which are taken back in the end."""
    kept: list[str] = []

    def keep(column: str, **rule: Any) -> None:
        targets = Selector(classes=(f"test.{column}",))
        body = Policy.model_validate({"name": f"On {column}", "targets": targets, **rule})
        kept.append(instance.groups.carry_out(KeepRecord(body=body)).id)

    yield keep
    for record in kept:
        instance.groups.carry_out(EndRecord(record_id=record))


def test_a_preview_asks_the_policies_in_force_and_reveals_nothing_against_them(
    instance: Instance, source: dict[str, Any], policies: Callable[..., None]
) -> None:
    with instance.client("admin") as admin:
        policies("city", rule="prohibition", condition={"roles": ["admin"]}, effects=[{"kind": "mask"}])
        unknown = shown(admin, source, reveal=True).json()
        assert set(unknown["rows"][0]) == {HIDDEN}, "what policies are about is not known before facts are"
        told(instance, source, admin)
        masked_ = shown(admin, source, reveal=True).json()
        assert masked_["rows"] == [["1", EMAIL, HIDDEN, "free text"], ["2", None, HIDDEN, None]]
        assert masked_["columns"][2]["policy"] == "Masked by 'On city'."
        policies("email", rule="permission", condition={"purposes": ["support"]})
        assert shown(admin, source, reveal=True).json()["rows"][0][1] == HIDDEN
        assert shown(admin, source, reveal=True, purpose="support").json()["rows"][0][1] == EMAIL
        policies("id", rule="permission", rows={"column": "id", "values": ["2"]})
        assert [row[0] for row in shown(admin, source, reveal=True).json()["rows"]] == ["2"]


def told(instance: Instance, source: dict[str, Any], admin: httpx.Client) -> None:
    """The facts by which policies find the columns of the file."""
    item = admin.get(f"/api/v1/sources/{source['id']}/inventory").json()["items"][0]
    columns = {
        name: [{"data_class": f"test.{name}", "tags": [], "state": "confirmed"}] for name in ("id", "email", "city")
    }
    value = {"path": "people.csv", "kind": "file", "status": "present", "tags": [], "columns": [*columns, "note"]}
    facts = (
        FactDraft(kind="asset", subject=item["asset_id"], value=value),
        FactDraft(kind="labels", subject=item["asset_id"], value={"columns": columns}),
    )
    instance.groups.carry_out(RecordFacts(source_id=source["id"], facts=facts))


def test_nobody_previews_an_asset_that_is_hidden_from_them(instance: Instance, source: dict[str, Any]) -> None:
    with instance.client("engineer") as engineer, Session(instance.groups.engine) as session:
        item = engineer.get(f"/api/v1/sources/{source['id']}/inventory").json()["items"][0]
        conceal(session, item["asset_id"], ["secret"])
        session.commit()
        assert shown(engineer, source).status_code == 404
        conceal(session, item["asset_id"], [])
        session.commit()
        assert shown(engineer, source).status_code == 200


@given(st.text(max_size=300), st.sampled_from(["shape", "hidden"]))
def test_masked_text_has_no_letter_or_digit_of_the_value(value: str, how: Any) -> None:
    found = masked(value, how)
    assert found is not None
    assert len(found) <= 120
    left = {character for character in found if character.isalnum()} - {"x", "9"}
    assert not {character for character in left if character.isalpha() or character.isdigit()}


def test_a_column_that_was_not_scanned_is_treated_as_if_it_held_anything() -> None:
    assert treatment(set(), scanned=False, reveal=False) == "hidden"
    assert treatment(set(), scanned=True, reveal=False) == "shown"
    assert treatment({"Public"}, scanned=True, reveal=False) == "shown"
    assert treatment({"Internal"}, scanned=True, reveal=False) == "shape"
    assert treatment({"Internal", "Restricted"}, scanned=True, reveal=False) == "hidden"


def test_sources_are_exported_and_applied_as_a_document(admin: httpx.Client, source: dict[str, Any]) -> None:
    document = admin.get("/api/v1/source-document").json()
    mine = next(one for one in document["sources"] if one["url"] == source["url"])
    mine = {name: value for name, value in mine.items() if name != "credential"} | {"options": {"region": "eu"}}
    body = {"sources": [mine], "dry_run": True}
    planned = admin.post("/api/v1/source-document", json=body).json()
    assert [(one["action"], one["fields"]) for one in planned["changes"]] == [("update", ["options"])]
    assert admin.get(f"/api/v1/sources/{source['id']}").json()["options"] == {}
    body["dry_run"] = False
    assert admin.post("/api/v1/source-document", json=body).json()["changes"] == planned["changes"]
    again = admin.post("/api/v1/source-document", json=body).json()["changes"]
    assert [one["action"] for one in again] == ["unchanged"]
    assert admin.post("/api/v1/source-document", json={"sources": [mine | {"typo": 1}]}).status_code == 422
