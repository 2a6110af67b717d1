"""Compliance over HTTP: records, policies, findings taken on and waived, orders, risk, and acting on advice."""

import base64
import csv
import html
import io
import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from actors.compliance.certificates import is_genuine
from actors.compliance.contract import EvaluateSource, FactDraft, RecordFacts
from actors.compliance.documents import CONTROLS, FINDINGS, Document, Table, as_html
from actors.compliance.printing import as_pdf
from actors.compliance.queries import reports
from serve.compliance_client import Compliance
from serve.transport import Transport

SOURCE = "compliance-http"
LONG = ("control", "title", "check", "on", "why", "what to do")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
CARD = {
    "data_class": "payment.card_number", "sensitivity": "Restricted", "tags": ["pci.pan", "personal"], "matched": 9,
    "scanned": 9, "prevalence": 1.0, "state": "automatic", "origin": "machine", "whole_column": True,
}  # fmt: skip


def facts() -> tuple[FactDraft, ...]:
    grant = {"grantee": "PUBLIC", "privilege": "SELECT", "public": True}
    asset = {
        "path": "public.cards", "kind": "table", "status": "present", "owner": None, "has_owner": False, "tags": [],
        "grants": [grant], "columns": ["pan"], "problem": None, "foreign_keys": [],
    }  # fmt: skip
    told = {"kind": "postgresql", "name": "shop", "tls": False, "environment": "production", "extra": {}}
    coverage = {"method": "census", "partitions": 1, "partitions_read": 1, "rows": 9}
    return (
        FactDraft(kind="source", subject=SOURCE, value=told),
        FactDraft(kind="asset", subject="cards-1", value=asset),
        FactDraft(kind="coverage", subject="cards-1", value=coverage),
        FactDraft(kind="labels", subject="cards-1", value={"columns": {"pan": [CARD]}}),
    )


@pytest.fixture(scope="module")
def governed(instance: Any) -> Any:
    instance.groups.carry_out(RecordFacts(source_id=SOURCE, facts=facts()))
    instance.groups.carry_out(EvaluateSource(source_id=SOURCE, frameworks=("pci_dss",)))
    return instance


@pytest.fixture
def officer(governed: Any) -> Iterator[httpx.Client]:
    with governed.client("steward") as client:
        yield client


@pytest.fixture
def admin(governed: Any) -> Iterator[httpx.Client]:
    with governed.client("admin") as client:
        yield client


def finding(client: httpx.Client, control: str) -> dict[str, Any]:
    found = client.get("/api/v1/findings", params={"source_id": SOURCE, "verdict": "FAIL", "limit": 200}).json()[
        "items"
    ]
    return next(one for one in found if one["control"] == control)


def test_a_record_is_made_changed_read_and_ended(officer: httpx.Client) -> None:
    body = {"kind": "vendor", "name": "Bank", "role": "processor"}
    made = officer.post("/api/v1/compliance/records", json={"body": body})
    assert made.status_code == 201, made.text
    path = f"/api/v1/compliance/records/{made.json()['id']}"
    changed = officer.put(path, json={"body": body | {"contracts": ["dpa"]}}, params={"version": 1}).json()
    assert changed["version"] == 2
    assert officer.put(path, json={"body": body}, params={"version": 1}).status_code == 412
    assert officer.get(path).json() == changed
    assert officer.get("/api/v1/compliance/records", params={"kind": "vendor"}).json()["items"] == [changed]
    assert officer.delete(path).json()["ended"] is True
    assert [one["version"] for one in officer.get(f"{path}/history").json()["items"]] == [3, 2, 1]
    assert officer.post("/api/v1/compliance/records", json={"body": {"kind": "vendor"}}).status_code == 422


def test_policies_are_asked_and_their_contradictions_listed(officer: httpx.Client) -> None:
    def keep(rule: str) -> str:
        body = {"kind": "policy", "name": rule, "rule": rule, "targets": {"tags": ["pci.pan"]}}
        return str(officer.post("/api/v1/compliance/records", json={"body": body}).json()["id"])

    ids = [keep("permission"), keep("prohibition")]
    asked = {"source_id": SOURCE, "asset_id": "cards-1", "column": "pan"}
    decision = officer.post("/api/v1/policies/evaluate", json=asked).json()
    assert (decision["outcome"], decision["policies"]) == ("deny", [ids[1]])
    (found,) = officer.get("/api/v1/policies/contradictions").json()["items"]
    assert {found["permission"], found["prohibition"]} == set(ids)
    for record in ids:
        officer.delete(f"/api/v1/compliance/records/{record}")
    assert officer.post("/api/v1/policies/evaluate", json=asked).json()["governed"] is False


def test_a_finding_is_taken_on_and_waived_by_somebody_else(officer: httpx.Client, admin: httpx.Client) -> None:
    path = f"/api/v1/findings/{finding(officer, '7.2.6')['id']}"
    taken = officer.patch(path, json={"handling": "in_progress", "assignee": "ada"}).json()
    assert (taken["state"], taken["assignee"]) == ("in_progress", "ada")
    order = {
        "reason": "The table moves next month", "compensating_control": "The network is closed",
        "approver": "admin.person", "expires_at": str(datetime.now(UTC).date() + timedelta(days=90)),
    }  # fmt: skip
    refused = officer.post(f"{path}/waivers", json=order | {"approver": "steward.person"})
    assert refused.status_code == 422
    waiver = officer.post(f"{path}/waivers", json=order).json()
    decision = {"decision": "approve", "comment": "As discussed"}
    assert officer.post(f"/api/v1/waivers/{waiver['id']}/decision", json=decision).status_code == 403
    assert admin.post(f"/api/v1/waivers/{waiver['id']}/decision", json=decision).json()["state"] == "approved"
    assert admin.get(path).json()["state"] == "waived"
    assert [one["id"] for one in admin.get("/api/v1/waivers").json()["items"]] == [waiver["id"]]


def test_risk_is_read_and_imagined(officer: httpx.Client) -> None:
    told = officer.get(f"/api/v1/sources/{SOURCE}/risk").json()
    assert told["columns"] == 1
    (column,) = officer.get(f"/api/v1/sources/{SOURCE}/risk/cards-1").json()["items"]
    assert column["score"] == told["score"] > 0
    change = {"changes": [{"kind": "revoke_public", "targets": {"everything": True}}], "frameworks": ["pci_dss"]}
    imagined = officer.post(f"/api/v1/sources/{SOURCE}/what-if", json=change).json()
    assert imagined["risk_after"] < imagined["risk_before"]
    assert "7.2.6" in {one["control"] for one in imagined["controls"]}
    explained = officer.get(f"/api/v1/sources/{SOURCE}/controls", params={"framework": "pci_dss", "control": "7.2.6"})
    assert [one["verdict"] for one in explained.json()["items"]] == ["FAIL"]


def test_recommendations_say_what_they_settle_and_trend_begins(officer: httpx.Client) -> None:
    assert officer.post(f"/api/v1/sources/{SOURCE}/advice").status_code == 200
    found = officer.get(f"/api/v1/sources/{SOURCE}/recommendations").json()["items"]
    revoke = next(one for one in found if one["action"].startswith("revoke_public"))
    assert revoke["can_act"]
    assert "pci_dss 7.2.6" in revoke["settles"]
    (sample,) = officer.get(f"/api/v1/sources/{SOURCE}/risk-trend").json()["items"]
    assert sample["failing"] > 0
    assert SOURCE in {one["source_id"] for one in officer.get("/api/v1/risk").json()["items"]}
    attest = next(one for one in found if one["action"].startswith("attest"))
    assert officer.post(f"/api/v1/recommendations/{attest['id']}/act", json={}).status_code == 409
    owner = next(one for one in found if one["action"].startswith("declare_asset"))
    assert officer.post(f"/api/v1/recommendations/{owner['id']}/act", json={}).status_code == 422


def test_an_order_on_what_is_no_database_is_refused_and_who_reads_may_not_order(
    governed: Any, officer: httpx.Client, tmp_path: Any
) -> None:
    with governed.client("admin") as admin:
        registered = admin.post("/api/v1/sources", json={"url": tmp_path.as_uri(), "name": "order-files"}).json()
    body = {"source_id": registered["id"]}
    assert officer.post("/api/v1/orders/enforcements", json=body).status_code == 409
    keys = {"kind": "access", "keys": ["ada@example.org"], "sources": [registered["id"]]}
    placed = officer.post("/api/v1/orders/subjects", json=keys)
    assert (placed.status_code, placed.json()["state"]) == (202, "planning")
    assert "ada@example.org" not in placed.text
    assert officer.get(f"/api/v1/orders/{placed.json()['id']}").json()["kind"] == "access"
    with governed.client("auditor") as auditor:
        assert auditor.post("/api/v1/orders/subjects", json=keys).status_code == 403
        assert len(auditor.get("/api/v1/orders").json()["items"]) == 1
    decision = officer.post(f"/api/v1/orders/{placed.json()['id']}/decision", json={"approve": True})
    assert decision.status_code == 409


def exported(client: httpx.Client, form: str) -> Any:
    answer = client.get(f"/api/v1/sources/{SOURCE}/findings/export", params={"format": form, "framework": "pci_dss"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_findings_are_exported_as_oscal_with_ids_that_stay_and_references_that_lead_somewhere(
    officer: httpx.Client,
) -> None:
    document = exported(officer, "oscal")["assessment-results"]
    (result,) = document["results"]
    (posture,) = officer.get(f"/api/v1/sources/{SOURCE}/posture", params={"framework": "pci_dss"}).json()["items"]
    states = {one["props"][0]["value"]: one["target"]["status"]["state"] for one in result["findings"]}
    expected = {one["control"]: one["verdict"] for one in posture["controls"]}
    assert states == {
        control: "satisfied" if verdict == "PASS" else "not-satisfied"
        for control, verdict in expected.items() if verdict != "NOT_APPLICABLE"
    }  # fmt: skip
    items = {one["uuid"] for one in result["local-definitions"]["inventory-items"]}
    observed = {one["uuid"]: one for one in result["observations"]}
    assert {one["subjects"][0]["subject-uuid"] for one in observed.values()} == items
    named = [ref["observation-uuid"] for one in result["findings"] for ref in one.get("related-observations", ())]
    assert sorted(named) == sorted(observed)
    assert document["import-ap"]["href"] == f"#{document['back-matter']['resources'][0]['uuid']}"
    assert all(UUID.fullmatch(found) for found in re.findall(r'uuid": "#?([^"]*)"', json.dumps(document)))
    reviewed = result["reviewed-controls"]["control-selections"][0]["include-controls"]
    assert all(TOKEN.fullmatch(one["control-id"]) for one in reviewed)
    assert len({one["control-id"] for one in reviewed}) == len(expected)
    assert exported(officer, "oscal")["assessment-results"]["results"][0]["observations"] == result["observations"]
    assert officer.get("/api/v1/sources/never-seen/findings/export").status_code == 404


def test_findings_are_exported_as_sarif_and_waived_ones_are_suppressed(governed: Any, officer: httpx.Client) -> None:
    document = exported(officer, "sarif")
    (run,) = document["runs"]
    asked = {"source_id": SOURCE, "framework": "pci_dss", "limit": 200}
    standing = officer.get("/api/v1/findings", params=asked).json()["items"]
    wanted = {one["fingerprint"]: one for one in standing if one["verdict"] in {"FAIL", "INSUFFICIENT_EVIDENCE"}}
    assert {one["fingerprints"]["sextant/v1"] for one in run["results"]} == set(wanted)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for one in run["results"]:
        found = wanted[one["fingerprints"]["sextant/v1"]]
        assert rules[one["ruleIndex"]] == one["ruleId"] == f"pci_dss/{found['control']}/{found['check']}"
        assert one["kind"] == ("fail" if found["verdict"] == "FAIL" else "open")
        assert (one["level"] == "none") is (one["kind"] != "fail")
        assert bool(one.get("suppressions")) is (found["state"] in {"waived", "false_positive"})
    assert any(one.get("suppressions") for one in run["results"]), "one was waived before"
    assert run["properties"]["findingsLeftOut"] == 0
    assert (
        Compliance(Transport(governed.url, governed.tokens["steward"])).export(SOURCE, "sarif", "pci_dss") == document
    )


def reported(client: httpx.Client, form: str, **asked: str) -> httpx.Response:
    answer = client.get(f"/api/v1/sources/{SOURCE}/report", params={"framework": "pci_dss", "format": form, **asked})
    assert answer.status_code == 200, answer.text
    return answer


def test_a_report_says_the_same_as_json_csv_html_and_pdf(governed: Any, officer: httpx.Client) -> None:
    told = reported(officer, "json").json()
    controls = [one["control"] for one in told["posture"]["controls"]]
    assert {one["verdict"] for one in told["findings"]} == {"FAIL", "INSUFFICIENT_EVIDENCE"}
    rows = list(csv.DictReader(io.StringIO(reported(officer, "csv").text)))
    assert [row["control"] for row in rows if row["kind"] == "control"] == controls
    assert [row["finding"] for row in rows if row["kind"] == "finding"] == [
        one["fingerprint"] for one in told["findings"]
    ]  # fmt: skip
    page = reported(officer, "html")
    assert all(html.escape(f"{one['reason']}") in page.text for one in told["findings"])
    assert "default-src 'none'" in page.headers["content-security-policy"]
    printed = Compliance(Transport(governed.url, governed.tokens["steward"])).report(SOURCE, "pci_dss")
    words = text_of(printed)
    assert all(control in words for control in controls)
    assert f"{told['posture']['coverage']:.0%}" in words
    old = reported(officer, "json", since="2020-01-01T00:00:00Z", until="2020-02-01T00:00:00Z").json()
    assert (old["findings"], old["posture"]) == ([], told["posture"])
    backwards, beyond = {"since": "2021-01-01", "until": "2020-01-01"}, {"since": "0001-01-01T00:00:00+14:00"}
    for asked in ({"framework": "nope"}, {"framework": "pci_dss", **backwards}, {"framework": "pci_dss", **beyond}, {}):
        assert officer.get(f"/api/v1/sources/{SOURCE}/report", params=asked).status_code in {404, 422}


def text_of(printed: bytes) -> str:
    """What stands on the pages of a PDF of Latin letters, whose codes are those of ASCII."""
    streams = (one.strip() for one in re.findall(rb"stream\r?\n(.*?)endstream", printed, re.DOTALL))
    coded = [b"<~" + one.removeprefix(b"<~") for one in streams if one.endswith(b"~>")]
    pages = b"".join(zlib.decompress(base64.a85decode(one, adobe=True)) for one in coded)
    return b"".join(re.findall(rb"\((.*?)(?<!\\)\) Tj", pages)).decode("latin-1")


def test_names_are_no_formula_no_markup_and_no_sign_of_them_is_lost() -> None:
    odd = Document("<b>&", ("=1+1", "\u4e2d <script>"), (Table("t", ("verdict", "why"), (("fail", "<i>" * 300),)),))
    assert "<script" not in as_html(odd)
    words = text_of(as_pdf(odd))
    assert "=1+1" in words
    assert "\\\\u4e2d" in words
    assert as_pdf(odd) == as_pdf(odd)


@pytest.mark.parametrize("sign", ["\u4e2d", "W", "\U0001f600"])
def test_names_of_any_length_fit_on_a_page(sign: str) -> None:
    for columns in (CONTROLS, FINDINGS):
        row = [sign * 5000 if column in LONG else "fail" for column in columns]
        assert " ..." in text_of(as_pdf(Document(sign * 5000, (sign * 5000,), (Table("t", columns, [row]),))))


def test_a_period_has_its_own_findings_however_many_weigh_more(
    officer: httpx.Client, store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightest = reported(officer, "json").json()["findings"][-1]["id"]
    moved = text("UPDATE compliance.finding SET last_changed = last_changed - :n * interval '1 year' WHERE id = :id")
    monkeypatch.setattr(reports, "MOST", 1)
    asked = {"until": (datetime.now(UTC) - timedelta(days=300)).isoformat()}
    with store.begin() as connection:
        connection.execute(moved, {"n": 1, "id": lightest})
    told = reported(officer, "json", **asked).json()
    with store.begin() as connection:
        connection.execute(moved, {"n": -1, "id": lightest})
    assert ([one["id"] for one in told["findings"]], told["findings_left_out"]) == ([lightest], 0)


def test_the_evidence_of_a_framework_is_signed_with_what_its_verdicts_stand_on(officer: httpx.Client) -> None:
    bundle = officer.get(f"/api/v1/sources/{SOURCE}/evidence", params={"framework": "pci_dss"}).json()
    assert is_genuine(bundle)
    assert not is_genuine(bundle | {"rules": {}})
    facts = {(one["kind"], one["subject"], one["version"]): one["digest"] for one in bundle["facts"]}
    for finding in bundle["report"]["findings"]:
        assert finding["rule_digest"] in bundle["rules"]
        for fact in finding["facts"]:
            assert facts[fact["kind"], fact["subject"], fact["version"]] == fact["digest"]
    assert (bundle["facts_left_out"], bundle["audit"]["seq"] > 0) == (0, True)
