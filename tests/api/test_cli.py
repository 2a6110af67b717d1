"""The command line against a running instance: what it prints, how it fails, and its exit codes."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from actors.catalog.contract import DeriveLineage, RecordInventory, SourceRef
from actors.classification.contract import ClassifyAssets, RecordObservations, RegisterShipped
from actors.classification.realtime import default_rules, evidence_of
from actors.orchestrator.contract import RecordPhase
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from cluster.kernels.report import AssetEvidence
from cluster.naming import asset_id
from serve.cli.govern import absolute
from serve.cli.main import run
from serve.client import Sextant


@pytest.fixture
def connected(instance: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_URL", instance.url)
    monkeypatch.setenv("SEXTANT_TOKEN", instance.tokens["admin"])


@pytest.fixture
def sextant(instance: Any) -> Any:
    with Sextant(instance.url, instance.tokens["admin"]) as client:
        yield client


def only_line(captured: str) -> str:
    lines = captured.splitlines()
    assert len(lines) == 1, captured
    assert lines[0].startswith("sextant: ")
    assert "Traceback" not in captured
    return lines[0]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out.startswith("sextant 0")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["govern"], ["findings", "--limit", "x"], ["token", "create", "a"]]
)
def test_a_command_line_that_is_not_right_is_one_line_and_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "command",
    [["source", "apply"], ["compliance", "import"], ["catalog", "glossary", "--import"], ["lineage", "extract"]],
)
@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"2026-13-45", b"[" * 9000, None])
def test_a_file_that_is_not_what_it_should_be_is_one_line(
    connected: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], content: bytes | None
) -> None:
    file = tmp_path / "given.yaml"
    if content is not None:
        file.write_bytes(content)
    assert run([*command, str(file)]) in {0, 1, 2}
    told = capsys.readouterr().err
    assert "nobody foresaw" not in told
    assert "failed inside" not in told


def test_an_instance_that_is_not_there_is_one_line_and_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEXTANT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SEXTANT_TOKEN", "sxt_x")
    monkeypatch.setattr("serve.cli.connection.PATIENCE_SECONDS", 0.0)
    assert run(["findings"]) == 1
    assert "sextant up" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("token", ["sxt_wrong", "nicht-gültig"])
def test_a_bad_token_is_one_line_and_code_1(
    connected: None, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEXTANT_TOKEN", token)
    assert run(["labels"]) == 1
    only_line(capsys.readouterr().err)


def test_without_any_token_it_says_where_to_get_one(
    connected: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SEXTANT_TOKEN")
    assert run(["labels"]) == 1
    assert "SEXTANT_TOKEN" in only_line(capsys.readouterr().err)


def test_a_token_is_made_listed_and_revoked(connected: None, capsys: pytest.CaptureFixture[str], instance: Any) -> None:
    assert run(["token", "create", "cli-robot", "--role", "viewer", "--days", "3"]) == 0
    captured = capsys.readouterr()
    secret = captured.out.strip()
    assert secret.startswith("sxt_")
    assert run(["token", "list"]) == 0
    listed = capsys.readouterr().out
    assert secret not in listed
    identifier = next(line.split("\t")[0] for line in listed.splitlines() if "cli-robot" in line)
    assert run(["token", "revoke", identifier]) == 0
    with Sextant(instance.url, secret) as robot, pytest.raises(Unauthenticated):
        robot.status()
    assert run(["token", "create", "cli-robot", "--role", "emperor"]) == 1
    assert "Unknown role" in only_line(capsys.readouterr().err.splitlines()[-1])


def test_the_audit_chain_is_verified(connected: None, capsys: pytest.CaptureFixture[str], store: Engine) -> None:
    assert run(["audit", "verify"]) == 0
    assert "whole" in capsys.readouterr().out


def walk(instance: Any, workflow_id: str, state: str) -> None:
    """Plays the orchestrator's loop: every phase succeeds, or the first one, which all others stand on, fails."""
    for number in range(1, 9):
        for step in ("running", state):
            problem = "The source does not answer." if step == "failed" else None
            instance.groups.carry_out(
                RecordPhase(
                    workflow_id=workflow_id,
                    number=number,
                    step=1,
                    state=step,
                    counters={"assets": number},
                    problem=problem,
                )
            )
        if state == "failed":
            return


def in_background(instance: Any, sextant: Sextant, state: str) -> threading.Thread:
    known = {found["id"] for found in _workflows(sextant)}

    def play() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            new = [found["id"] for found in _workflows(sextant) if found["id"] not in known]
            if new:
                return walk(instance, new[0], state)
            time.sleep(0.05)
        return None

    thread = threading.Thread(target=play)
    thread.start()
    return thread


def _workflows(sextant: Sextant) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sextant.http.call("GET", "/workflows", params={"limit": 200}).json()["items"]
    return found


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1)])
def test_govern_follows_the_workflow_and_ends_with_the_summary(
    connected: None, instance: Any, sextant: Sextant, tmp_path: Path, state: str, code: int, capsys: Any
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    playing = in_background(instance, sextant, state)
    assert run(["govern", str(tmp_path), "--name", f"governed {state}"]) == code
    playing.join()
    said = capsys.readouterr().out
    assert f"1 connect: {state}" in said
    assert ("8 recommend: succeeded" if state == "succeeded" else "The source does not answer.") in said
    assert f" {state}: 0 tables and files" in said
    assert "Phases" in said
    assert f"{instance.url}/api/v1" in said
    assert instance.tokens["admin"] not in said


def test_govern_finds_a_source_it_knows_and_refuses_a_name_of_another(
    sextant: Sextant, tmp_path: Path, capsys: Any, connected: None
) -> None:
    (tmp_path / "x").mkdir()
    first = sextant.govern(tmp_path.as_uri(), name="known folder")
    again = sextant.govern(tmp_path.as_uri(), name="known folder")
    assert (again.source_id, again.id) == (first.source_id, first.id)
    assert sextant.govern(tmp_path.as_uri(), name="renamed folder").source_id == first.source_id
    assert sextant.source(first.source_id).name == "renamed folder"
    assert sextant.govern(tmp_path.as_uri()).id == first.id
    assert sextant.source(first.source_id).name == "renamed folder", "without a name it keeps the one it has"
    url = f"postgresql://ada@127.0.0.1:1/{tmp_path.name}"
    shop = sextant.source_for(url, credential={"password": "x"})
    for given in ({"password": "y"}, {"username": "bob"}, {}):
        assert sextant.source_for(f"{url}?sslmode=require", credential=given).id == shop.id
        fields = sextant.http.call("GET", f"/sources/{shop.id}/credential").json()["fields"]
        assert fields == ["password", "username"], "who signs in stays, whatever is given anew"
    assert sextant.source(shop.id).options == {"sslmode": "require"}
    assert run(["govern", str(tmp_path / "x"), "--name", "renamed folder"]) == 1
    assert "name" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["/no/such/folder"],
        ["gopher://host/x"],
        ["file:///tmp", "--option", "novalue"],
        ["pg://x", "--password-env", "NO"],
    ],
)
def test_govern_says_what_is_wrong_with_its_arguments(connected: None, arguments: list[str], capsys: Any) -> None:
    assert run(["govern", *arguments]) == 1
    only_line(capsys.readouterr().err)


def test_the_client_raises_the_tree_of_errors(sextant: Sextant, instance: Any) -> None:
    with pytest.raises(NotFound):
        sextant.workflow("nope")
    with pytest.raises(InvalidInput):
        sextant.register("gopher://host/x")
    with Sextant("http://127.0.0.1:9", "sxt_x", patience=0) as nowhere, pytest.raises(Unavailable):
        nowhere.status()


def test_a_folder_becomes_an_absolute_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute("my data") == (tmp_path / "my data").as_uri()
    assert absolute("s3://bucket/x") == "s3://bucket/x"
    with pytest.raises(InvalidInput):
        absolute("nothing here")


def test_models_are_listed_and_a_gate_that_refuses_is_one_line(
    connected: None, capsys: pytest.CaptureFixture[str], instance: Any
) -> None:
    shipped = instance.groups.carry_out(RegisterShipped(kind="entities"))
    assert run(["model", "list", "--kind", "entities"]) == 0
    assert shipped.id in capsys.readouterr().out
    assert run(["model", "show", shipped.id]) == 0
    assert "# Token classifier of free text" in capsys.readouterr().out
    assert run(["model", "retire", shipped.id]) == 1
    assert "The active version cannot be retired" in only_line(capsys.readouterr().err)


def test_a_label_is_explained_and_models_at_work_are_shown(
    connected: None, capsys: pytest.CaptureFixture[str], instance: Any, sextant: Sextant
) -> None:
    mails = [f"person{number}@example.org" for number in range(30)]
    columns = tuple(evidence_of({"mail": mails}, default_rules()).values())
    given = AssetEvidence(
        asset="public.why", method="census", partitions=1, partitions_read=1, rows=30, bytes=1, rules_digest="r",
        columns=columns,
    )  # fmt: skip
    instance.groups.carry_out(ClassifyAssets(source_id="why", evidence=(given,)))
    instance.groups.carry_out(RecordObservations(source_id="why"))
    (label,) = sextant.labels(source_id="why")
    assert run(["why", label.id]) == 0
    told = capsys.readouterr().out
    assert "contact.email has a confidence of" in told
    assert "evidence of contact.email" in told
    assert sextant.why(label.id).sentence in told
    assert [one.source_id for one in sextant.models.drift("why")] == ["why"]
    assert run(["model", "drift", "--source", "why"]) == 0
    assert run(["model", "train", "--reason", "other tables"]) == 0
    asked = capsys.readouterr().out.split()[1]
    assert run(["model", "trainings"]) == 0
    assert asked in capsys.readouterr().out


@pytest.fixture(scope="module")
def chain(instance: Any) -> dict[str, str]:
    """A view over a table, as its source tells of it; ids by name."""
    text = {"type": "string", "physical_type": "text"}
    people = AssetInfo(path="public.people", kind="table", columns=(
        ColumnInfo(name="email", ordinal=0, **text), ColumnInfo(name="town", ordinal=1, **text)))  # fmt: skip
    safe = AssetInfo(
        path="public.safe", kind="view", columns=(ColumnInfo(name="key", ordinal=0, **text),),
        definition="SELECT md5(email) AS key FROM people WHERE town = 'x'",
    )  # fmt: skip
    reference = SourceRef(id="cli-lineage", name="cli-lineage", kind="postgresql", namespace="postgres://cli:5432")
    instance.groups.carry_out(RecordInventory(source=reference, assets=(people, safe), complete=True))
    instance.groups.carry_out(DeriveLineage(source_id="cli-lineage"))
    return {asset.path: asset_id("cli-lineage", asset.path) for asset in (people, safe)}


def test_lineage_is_shown_up_and_down_and_as_of_a_time(
    connected: None, chain: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    people, safe = chain["public.people"], chain["public.safe"]
    wanted = "1\tpublic.people.email\tpublic.safe.key\tTRANSFORMATION masked\tview\t1.00\n"
    assert run(["lineage", "up", safe, "--column", "key"]) == 0
    assert wanted in capsys.readouterr().out
    assert run(["lineage", "down", people, "--column", "email", "--depth", "2"]) == 0
    assert capsys.readouterr().out == wanted
    assert run(["lineage", "down", people, "--at", "2020-01-01T00:00:00Z"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["lineage", "up", "nope"]) == 1
    only_line(capsys.readouterr().err)


def test_impact_paths_and_exports_of_lineage(
    connected: None, chain: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    people, safe = chain["public.people"], chain["public.safe"]
    assert run(["lineage", "impact", people, "--column", "email"]) == 0
    assert capsys.readouterr().out == "1\t1\t1\t0\nall\t1\t1\t0\n"
    assert run(["lineage", "path", people, safe, "--column", "email"]) == 0
    assert capsys.readouterr().out.startswith("public.people.email is transformed into public.safe.key without")
    assert run(["lineage", "path", safe, people]) == 1
    assert run(["lineage", "labels", safe]) == 0
    capsys.readouterr()
    assert run(["lineage", "export", safe]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"][0]["facets"]["columnLineage"]["fields"].keys() == {"key"}
    assert run(["lineage", "export", safe, "--format", "graph"]) == 0
    assert set(json.loads(capsys.readouterr().out)["graph"]["nodes"]) == {people, safe}


def test_the_lineage_of_a_file_of_sql(connected: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, schema = tmp_path / "load.sql", tmp_path / "schema.json"
    script.write_text("INSERT INTO sales SELECT * FROM orders;")
    schema.write_text('{"orders": {"id": "int"}, "sales": {"order_id": "int"}}')
    assert run(["lineage", "extract", str(script), "--dialect", "postgres", "--schema", str(schema)]) == 0
    assert capsys.readouterr().out == "orders.id\tsales.order_id\tIDENTITY\t0\t1.00\n"
    script.write_text("INSERT INTO a SELECT b FROM c;\nSELEC x")
    assert run(["lineage", "extract", str(script)]) == 1
    assert capsys.readouterr().err.startswith(f"{script}:2:1: ")
    for arguments in (["none.sql"], [str(script), "--schema", str(script)], [str(script), "--dialect", "klingon"]):
        assert run(["lineage", "extract", *arguments]) == 1
        only_line(capsys.readouterr().err)
