"""What the groups know, read over HTTP: inventory, scans, catalog, labels and decisions of one source."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.catalog.contract import RecordInventory, SourceRef
from actors.classification.contract import ClassifyAssets
from actors.compliance.contract import FactDraft, RecordFacts
from actors.sources.contract import RecordDiscovery
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration
from cluster.kernels.report import AssetEvidence, ClassEvidence, ColumnEvidence, ColumnProfile
from cluster.naming import asset_id

MAIL = "mail/№ 1"
ASSETS = tuple(
    AssetInfo(
        path=f"{name}.csv", kind="file", format="csv", fingerprint=name, bytes=100, rows_estimate=3,
        columns=(
            ColumnInfo(name="id", ordinal=0, type="integer", physical_type="int64"),
            ColumnInfo(name=MAIL, ordinal=1, type="string", physical_type="string"),
        ),
    )
    for name in ("orders", "people", "tickets")
)  # fmt: skip


@pytest.fixture(scope="module")
def known(instance: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A source with an inventory, an entry in the catalog and facts, as the groups' loops would have recorded them."""
    folder: Path = tmp_path_factory.mktemp("known")
    with instance.client("admin") as admin:
        source: dict[str, Any] = admin.post("/api/v1/sources", json={"url": folder.as_uri(), "name": "known"}).json()
        discovery = admin.post(f"/api/v1/sources/{source['id']}/discoveries").json()
    do = instance.groups.carry_out
    found = Enumeration(assets=ASSETS, complete=True)
    do(RecordDiscovery(discovery_id=discovery["id"], enumeration=found, facts=None))
    place = SourceRef(id=source["id"], name="known", kind="files", namespace="file")
    do(RecordInventory(source=place, assets=ASSETS, complete=True))
    value = {"name": "known", "url": source["url"], "kind": "files", "tls": None}
    do(RecordFacts(source_id=source["id"], facts=(FactDraft(kind="source", subject=source["id"], value=value),)))
    return source


def test_the_inventory_is_paged_and_filtered(admin: httpx.Client, known: dict[str, Any]) -> None:
    path = f"/api/v1/sources/{known['id']}/inventory"
    first = admin.get(path, params={"limit": 2}).json()
    rest = admin.get(path, params={"limit": 2, "after": first["next"]}).json()
    assert {item["path"] for item in first["items"] + rest["items"]} == {asset.path for asset in ASSETS}
    assert rest["next"] is None
    assert admin.get(path, params={"status": "gone"}).json()["items"] == []


@pytest.mark.parametrize("form", ["csv", "dcat"])
def test_an_export_is_filtered_on_every_page(admin: httpx.Client, known: dict[str, Any], form: str) -> None:
    path: str | None = f"/api/v1/catalog/export?source_id={known['id']}&format={form}&limit=2&kind=file"
    found = []
    while path:
        answer = admin.get(path)
        found += [asset.path for asset in ASSETS if f"{asset.path}" in answer.text]
        path = answer.links["next"]["url"] if "next" in answer.links else None
        assert len(found) <= len(ASSETS)
    assert sorted(found) == [asset.path for asset in ASSETS]


def test_a_dataset_has_what_dcat_ap_asks_for(admin: httpx.Client, known: dict[str, Any]) -> None:
    document = admin.get("/api/v1/catalog/export", params={"source_id": known["id"]}).json()
    catalog, *datasets = document["@graph"]
    assert {"dcterms:title", "dcterms:description", "dcterms:publisher", "dcat:dataset"} <= catalog.keys()
    assert len(datasets) == len(ASSETS)
    for told in datasets:
        assert told["dcterms:title"]
        assert told["dcterms:description"]
        assert told["dcat:distribution"]["dcat:accessURL"]["@id"].startswith("urn:sextant:source:")
        assert told["dcat:distribution"]["dcterms:format"]["@type"] == "dcterms:MediaTypeOrExtent"


def test_names_are_not_blank_and_a_mistyped_end_is_refused(admin: httpx.Client, known: dict[str, Any]) -> None:
    for path, body in (("terms", {"name": " "}), ("assets", {"kind": "dashboard", "name": "\u00a0 "})):
        assert admin.post(f"/api/v1/{path}", json=body).status_code == 422
    asset = f"/api/v1/assets/{asset_id(known['id'], 'people.csv')}"
    endless = {"certification": {"level": "gold", "until": "2027-01-01T00:00:00Z"}}
    assert admin.patch(asset, json=endless).status_code == 422


def test_a_scan_is_started_once_for_a_key_and_stopped(admin: httpx.Client, known: dict[str, Any]) -> None:
    path, headers = f"/api/v1/sources/{known['id']}/scans", {"Idempotency-Key": "by-hand"}
    first, second = (admin.post(path, json={"level": "sample"}, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 202
    scan = admin.get(first.headers["location"]).json()
    assert scan["id"] == second.json()["id"]
    assert (scan["level"], scan["assets"]) == ("sample", 3)
    assert admin.post(path, json={"level": "census"}, headers=headers).status_code == 409
    one = admin.post(path, json={"assets": [asset_id(known["id"], "people.csv")]}).json()
    assert one["assets"] == 1
    assert admin.post(path, json={"assets": ["nothing"]}).status_code == 409
    listed = admin.get("/api/v1/scans", params={"source_id": known["id"]}).json()["items"]
    assert [found["id"] for found in listed] == [one["id"], scan["id"]]
    assert admin.get(f"/api/v1/scans/{scan['id']}/partitions").json()["items"] == []
    assert admin.post(f"/api/v1/scans/{scan['id']}/cancel").json()["state"] == "cancelled"


def test_an_asset_is_found_described_and_versioned(admin: httpx.Client, known: dict[str, Any]) -> None:
    listed = admin.get("/api/v1/assets", params={"source_id": known["id"], "limit": 2}).json()
    rest = admin.get("/api/v1/assets", params={"source_id": known["id"], "after": listed["next"]}).json()
    assert sorted(asset["path"] for asset in listed["items"] + rest["items"]) == [asset.path for asset in ASSETS]
    path = f"/api/v1/assets/{listed['items'][0]['id']}"
    before = admin.get(path)
    changed = admin.patch(path, json={"owner": "sales", "tags": ["gold"]}, headers={"If-Match": before.headers["etag"]})
    assert (changed.json()["owner"], changed.json()["tags"]) == ("sales", ["gold"])
    kept = admin.patch(path, json={"description": "All wombats since 2019."}).json()
    assert (kept["owner"], kept["description"]) == ("sales", "All wombats since 2019.")
    late = admin.patch(path, json={"owner": "x"}, headers={"If-Match": before.headers["etag"]})
    assert late.status_code == 412
    assert [one["id"] for one in admin.get("/api/v1/search", params={"q": "wombats"}).json()["items"]] == [kept["id"]]
    assert len(admin.get(f"{path}/schema-versions").json()["items"]) == 1
    assert admin.get(f"{path}/lineage", params={"depth": 2}).json()["edges"] == []
    assert admin.get("/api/v1/assets", params={"tag": "gold"}).json()["items"][0]["id"] == kept["id"]


def scanned(rules_digest: str) -> AssetEvidence:
    """What a census of people.csv brings home: nine of ten values of one column are e-mail addresses."""
    profile = ColumnProfile(rows=10, nulls=0, empties=0, unreadable=0, distinct=10, distinct_exact=True)
    mail = ClassEvidence(
        detector="contact.email", data_class="contact.email", scanned=10, distinct=10, matched=9, whole=9,
        distinct_matched=9,
        validated=9, distinct_validated=9, prevalence=0.9, low=0.9, high=0.9, missed_at_most=0, chance=1.0,
    )  # fmt: skip
    columns = (
        ColumnEvidence(column="id", type="integer", profile=profile),
        ColumnEvidence(column=MAIL, type="string", profile=profile, classes=(mail,)),
    )
    return AssetEvidence(
        asset="people.csv", method="census", partitions=1, partitions_read=1, rows=10, bytes=100,
        rules_digest=rules_digest, columns=columns,
    )  # fmt: skip


def test_a_label_is_found_rejected_and_the_decision_is_taken_back(
    admin: httpx.Client, instance: Any, known: dict[str, Any]
) -> None:
    digest = admin.get("/api/v1/rule-sets/default").json()["digest"]
    instance.groups.carry_out(ClassifyAssets(source_id=known["id"], evidence=(scanned(digest),)))
    (label,) = admin.get("/api/v1/labels", params={"source_id": known["id"]}).json()["items"]
    assert (label["column"], label["data_class"], label["matched"], label["scanned"]) == (MAIL, "contact.email", 9, 10)
    asset = asset_id(known["id"], "people.csv")
    body = {
        "asset_id": asset,
        "column": MAIL,
        "data_class": "contact.email",
        "decision": "reject",
        "reason": "Made up.",
    }
    rejected = admin.post("/api/v1/labels/decisions", json=body).json()
    assert (rejected["id"], rejected["origin"], rejected["state"]) == (label["id"], "human", "rejected")
    assert admin.get(f"/api/v1/labels/{label['id']}").json() == rejected
    assert admin.get("/api/v1/labels", params={"source_id": known["id"], "state": "automatic"}).json()["items"] == []
    (made,) = admin.get(f"/api/v1/assets/{asset}/decisions", params={"column": MAIL}).json()["items"]
    assert (made["principal"], made["decision"]) == ("admin.person", "reject")
    assert admin.get(f"/api/v1/sources/{known['id']}/classes").json()["items"] == []
    assert admin.delete(f"/api/v1/labels/{label['id']}/decision").json()["origin"] == "machine"
    (counted,) = admin.get(f"/api/v1/sources/{known['id']}/classes").json()["items"]
    assert (counted["data_class"], counted["columns"]) == ("contact.email", 1)
    batch = admin.post("/api/v1/review/decisions", json={"label_ids": [label["id"]], "decision": "confirm"}).json()
    assert batch["decided"] == 1
    assert admin.get("/api/v1/review").json() == {"items": [], "next": None}
    (right,) = admin.get("/api/v1/review/precision").json()["items"]
    assert (right["data_class"], right["approved"], right["decided"]) == ("contact.email", 1, 1)
    assert admin.delete(f"/api/v1/review/batches/{batch['batch_id']}").json()["decided"] == 1
    assert admin.get(f"/api/v1/labels/{label['id']}").json()["origin"] == "machine"
    (figures,) = admin.get(f"/api/v1/assets/{asset}/evidence", params={"column": MAIL}).json()["items"]
    assert figures["method"] == "census"
    assert admin.get(f"/api/v1/assets/{asset}/evidence", params={"column": "nothing"}).status_code == 404


def test_controls_are_decided_from_facts_and_never_pass_without_them(
    admin: httpx.Client, known: dict[str, Any]
) -> None:
    path = f"/api/v1/sources/{known['id']}"
    facts = admin.get(f"{path}/facts").json()["items"]
    assert [(fact["kind"], fact["version"]) for fact in facts] == [("source", 1)]
    evaluated = admin.post(f"{path}/evaluations", json={})
    assert evaluated.status_code == 200
    verdicts = admin.get(f"{path}/verdicts").json()
    assert verdicts["digest"] == evaluated.json()["digest"]
    assert {"gdpr", "hipaa", "pci_dss", "soc2"} <= set(verdicts["frameworks"])
    assert sum(counts["PASS"] for counts in verdicts["frameworks"].values()) == 0
    for posture in admin.get(f"{path}/posture").json()["items"]:
        assert not [control for control in posture["controls"] if control["verdict"] == "PASS"]
    found = admin.get("/api/v1/findings", params={"source_id": known["id"]}).json()["items"]
    for finding in found[:3]:
        assert admin.get(f"/api/v1/findings/{finding['id']}").json() == finding
        assert admin.get(f"/api/v1/findings/{finding['id']}/replay").json()["verdict"] == finding["verdict"]
    assert admin.post(f"{path}/advice").status_code == 200
    assert isinstance(admin.get(f"{path}/recommendations").json()["items"], list)
    assert admin.post(f"{path}/evaluations", json={"frameworks": ["nope"]}).status_code in {404, 422}


@pytest.mark.parametrize("cursor", ["nope", "999999999999999999999999", "a:99999999999999999999", "-1", "1e9", "'"])
def test_a_cursor_that_nobody_gave_out_never_breaks_a_list_of_a_source(
    admin: httpx.Client, known: dict[str, Any], cursor: str
) -> None:
    asset = asset_id(known["id"], "people.csv")
    scan = admin.post(f"/api/v1/sources/{known['id']}/scans", json={}, headers={"Idempotency-Key": "cursors"}).json()
    lists = [f"sources/{known['id']}/{what}" for what in ("inventory", "facts", "recommendations")]
    lists += [f"assets/{asset}/schema-versions", f"scans/{scan['id']}/partitions", f"scans/{scan['id']}/evidence"]
    for path in lists:
        answer = admin.get(f"/api/v1/{path}", params={"after": cursor})
        assert answer.status_code in {200, 404, 422}, (path, answer.text)
