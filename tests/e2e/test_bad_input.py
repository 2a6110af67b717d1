"""What is wrong with the input is said in a line that tells what to do; everything else goes on."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from sextant_estate import Estate
from sextant_instance import Instance, until

pytestmark = pytest.mark.ray

WRONG = "Wrong-Word-90417"


def complaint(instance: Instance, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """The one line on standard error of a command that was refused."""
    done = instance.cli(*arguments, check=False, environment=environment)
    assert done.returncode in {1, 2}
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("sextant: ")
    assert "Traceback" not in done.stdout
    return line


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://127.0.0.1/x", "not supported"), ("postgresql://127.0.0.1", "names no database"),
        ("no/such/folder", "neither a URL nor a folder"), ("postgresql://127.0.0.1:99999/x", "could not be read"),
        ("file:///tmp/../etc", "may not hold '..'"), ("postgresql://127.0.0.1/x?sslmode=perhaps", "sslmode"),
    ],
)  # fmt: skip
def test_a_bad_url_is_refused_in_one_line(instance: Instance, url: str, words: str) -> None:
    assert words in complaint(instance, "govern", url)


def failed_connection(instance: Instance, name: str, url: str, environment: dict[str, str] | None = None) -> str:
    """What the first phase says of a source that cannot be reached."""
    words = ("--username", "somebody", "--password-env", "WORD") if environment else ()
    done = instance.cli("govern", url, "--name", name, *words, check=False, environment=environment)
    assert done.returncode == 1, done.stdout
    workflow = instance.workflows(name)[-1]
    assert workflow["state"] == "failed"
    phase = workflow["phases"][0]
    assert (phase["name"], phase["state"]) == ("connect", "failed")
    assert all(later["state"] == "pending" for later in workflow["phases"][1:])
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("1 connect: failed"))
    assert phase["problem"] in line
    return str(phase["problem"])


@pytest.fixture
def database(estate: Estate) -> Callable[[str], tuple[str, psycopg.Connection[Any]]]:
    """A database of the test's own: its URL, and a connection as its owner."""

    def make(name: str) -> tuple[str, psycopg.Connection[Any]]:
        with psycopg.connect(estate.owner, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        owner = estate.owner.removesuffix("/estate") + f"/{name}"
        return owner, psycopg.connect(owner, autocommit=True)

    return make


def test_a_wrong_password_is_named_as_that(instance: Instance, estate: Estate) -> None:
    url = estate.url.replace("/estate", "/postgres")
    problem = failed_connection(instance, "locked", url, {"WORD": WRONG})
    assert "password" in problem.lower() or "credential" in problem.lower() or "refused" in problem.lower()
    assert WRONG not in problem


def test_a_new_password_in_the_url_replaces_the_old_one(instance: Instance, estate: Estate, database: Any) -> None:
    url, connection = database("renewed")
    connection.close()
    instance.cli("govern", url, "--name", "renewed")
    wrong = url.replace(url.split("@")[0], f"postgresql://{estate.reader}:{WRONG}")
    assert instance.cli("govern", wrong, check=False).returncode == 1
    assert instance.cli("govern", url).returncode == 0
    assert instance.cli("govern", url.replace(url.split("@")[0] + "@", "postgresql://")).returncode == 0


def test_a_host_that_does_not_answer_is_named_as_that(instance: Instance) -> None:
    assert "port" in failed_connection(instance, "nowhere", "postgresql://127.0.0.1:1/nothing")


def test_a_folder_that_is_not_there_is_named_as_that(instance: Instance, tmp_path: Path) -> None:
    assert failed_connection(instance, "void", (tmp_path / "void").as_uri())


def spoilt_folder(folder: Path, estate: Estate) -> None:
    folder.mkdir()
    shutil.copy(estate.files / "marketing" / "leads.csv", folder / "good.csv")
    whole = (estate.files / "exports" / "orders.parquet").read_bytes()
    (folder / "truncated.parquet").write_bytes(whole[: len(whole) // 2])
    (folder / "not_at_all.parquet").write_bytes(b"PAR1 but nothing of the kind")
    ragged = (f"{n},person{n}@example.org" + ("", ",more", "\n\n77")[n % 3] for n in range(200))
    (folder / "ragged.csv").write_text("id,email\n" + "\n".join(ragged))
    (folder / "latin1.csv").write_bytes("id,city\n1,Zürich\n2,Köln\n".encode("latin-1") * 20)
    (folder / "nul.csv").write_bytes(b"id,note\n1,\x00\xff\xfe\n2,b\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "only_a_header.csv").write_text("id,email\n")
    (folder / "broken.jsonl").write_text('{"id": 1, "email": "a1@example.org"}\n{"id": 2, "email": \nnothing\n[1]\n')
    (folder / "quote.csv").write_text('id,note\n1,"never closed\n2,b\n')


def test_files_that_cannot_be_read_do_not_keep_the_others(instance: Instance, estate: Estate, tmp_path: Path) -> None:
    spoilt_folder(tmp_path / "spoilt", estate)
    done = instance.cli("govern", str(tmp_path / "spoilt"), "--name", "spoilt")
    workflow = instance.workflows("spoilt")[-1]
    assert workflow["state"] == "partial"
    assert "truncated.parquet" in done.stdout or "not_at_all.parquet" in done.stdout
    with instance.client() as sextant:
        source_id = instance.source_id("spoilt")
        assets = {asset.path: asset for asset in sextant.assets(source_id=source_id)}
        labels = {(label.asset, label.column): label.data_class for label in sextant.labels(source_id=source_id)}
    assert set(assets) == {path.name for path in (tmp_path / "spoilt").iterdir()}
    assert {asset.status for asset in assets.values()} == {"active"}
    assert assets["good.csv"].coverage == "census"
    assert {labels["good.csv", "Contact"], labels["ragged.csv", "email"]} == {"contact.email"}
    problems = instance.http("GET", f"/scans/{instance.scan(workflow['id'])}").json()["problems"]
    spoilt = {problem["path"] for problem in problems}
    assert spoilt <= {"truncated.parquet", "not_at_all.parquet", "empty.csv", "nul.csv", "broken.jsonl", "quote.csv"}
    for problem in (*problems, *discovery_problems(instance, source_id)):
        assert problem["code"].startswith("source-")
        assert problem["remedy"]


def discovery_problems(instance: Instance, source_id: str) -> list[dict[str, Any]]:
    (found,) = instance.rows(
        "SELECT problems FROM sources.discovery WHERE source_id = %s ORDER BY requested_at DESC LIMIT 1", source_id
    )
    assert {problem["path"] for problem in found[0]} >= {"truncated.parquet", "not_at_all.parquet"}
    return list(found[0])


def test_a_failed_read_is_no_deletion(instance: Instance, estate: Estate, tmp_path: Path) -> None:
    folder, away = tmp_path / "flaky", tmp_path / "away"
    folder.mkdir()
    for name in ("exports/customers/part-1.parquet", "marketing/leads.csv"):
        shutil.copy(estate.files / name, folder)
    instance.cli("govern", str(folder), "--name", "flaky")
    source_id = instance.source_id("flaky")

    def held() -> tuple[set[str], set[tuple[str, str]]]:
        with instance.client() as sextant:
            there = {asset.path for asset in sextant.assets(source_id=source_id) if asset.status != "gone"}
            return there, {(label.asset, label.column) for label in sextant.labels(source_id=source_id)}

    assets, labels = held()
    assert len(assets) == 2
    whole = (folder / "part-1.parquet").read_bytes()
    (folder / "part-1.parquet").write_bytes(whole[:1000])
    instance.cli("govern", str(folder))
    assert held() == (assets, labels)
    folder.rename(away)
    assert instance.cli("govern", folder.as_uri(), check=False).returncode == 1
    assert held() == (assets, labels)


def test_a_table_dropped_during_the_scan_is_a_problem_of_its_own(instance: Instance, database: Any) -> None:
    url, connection = database("dropped")
    text = "'person' || n || '@example.org'"
    for table in ("kept", "doomed"):
        connection.execute(
            f"CREATE TABLE {table} AS SELECT n, {text} AS email FROM generate_series(1, 60000) n".encode()
        )
    command = instance.start("govern", url, "--name", "dropped")
    listed = "SELECT 1 FROM sources.inventory i JOIN sources.source s ON s.id = i.source_id WHERE s.name = 'dropped'"
    until(lambda: instance.rows(listed), "the tables are listed", 60)
    connection.execute("DROP TABLE doomed")
    done = instance.ended(command)
    assert done.returncode == 0, done.stdout + done.stderr
    workflow = instance.workflows("dropped")[-1]
    assert workflow["state"] == "partial"
    assert "public.doomed" in done.stdout
    with instance.client() as sextant:
        assets = {asset.path: asset for asset in sextant.assets(source_id=instance.source_id("dropped"))}
        labels = {(one.asset, one.matched) for one in sextant.labels(source_id=instance.source_id("dropped"))}
    assert (assets["public.kept"].coverage, assets["public.doomed"].status) == ("census", "active")
    assert ("public.kept", 60_000) in labels
    connection.close()


ODD = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE pair AS (left_side int, right_side text);
CREATE DOMAIN short AS text CHECK (length(value) < 50);
CREATE TABLE odd (
  a_point point, a_range int4range, many_ranges int4multirange, a_vector tsvector, cash money,
  bits bit(5), more_bits bit varying, host inet, net cidr, mac macaddr8, span interval, numbers int[][], words text[],
  feeling mood, a_pair pair, pairs pair[], a_short short, plain json, binary_json jsonb, path_ jsonpath, oid_ oid,
  a_class regclass, bytes_ bytea, id uuid, clock timetz, day date, moment timestamptz, exact numeric,
  wide numeric(40,20),
  "a ""quoted"" name; --" text, "Ünï code" text, xid_ xid8, place tid, lsn pg_lsn, poly polygon, one "char"
);
INSERT INTO odd VALUES (
  '(1,2)', '[1,5)', '{[1,2),[3,4)}', 'a fat cat', 12.5, B'10101', B'1', '::1', '10.0.0.0/8',
  '08:00:2b:01:02:03:04:05', '1 year -3 days', '{{1,2},{3,4}}', '{a,NULL}', 'sad', '(1,x)', '{"(1,x)"}', 'x',
  '{"a": [1, null]}', '{"a": {"b": 1}}', '$.a', 42, 'pg_class', '\\xff00', gen_random_uuid(), '04:05:06+14',
  '0044-03-15 BC', 'infinity', 'NaN', 1e19, 'q', 'u', '7', '(0,1)', '0/16B3748', '((0,0),(1,1),(1,0))', 'x'
);
INSERT INTO odd DEFAULT VALUES;
INSERT INTO odd DEFAULT VALUES;
UPDATE odd SET day = '-infinity', exact = 1e300 WHERE a_point IS NULL;
CREATE TABLE nothing_at_all ();
CREATE TABLE empty_one (n int);
CREATE TABLE parts (n int, email text) PARTITION BY RANGE (n);
"""


def test_columns_of_types_nobody_expected_stop_nothing(instance: Instance, database: Any) -> None:
    url, connection = database("odd")
    for statement in ODD.strip().split(";\n"):
        connection.execute(statement.encode())
    columns = connection.execute("SELECT count(*) FROM pg_attribute WHERE attrelid = 'odd'::regclass AND attnum > 0")
    expected = (columns.fetchone() or (0,))[0]
    instance.cli("govern", url, "--name", "odd")
    workflow = instance.workflows("odd")[-1]
    assert (workflow["state"], [phase["problem"] for phase in workflow["phases"]]) == ("succeeded", [None] * 8)
    with instance.client() as sextant:
        assets = {asset.path: asset for asset in sextant.assets(source_id=instance.source_id("odd"))}
        odd = sextant.asset(assets["public.odd"].id)
    assert set(assets) == {"public.odd", "public.nothing_at_all", "public.empty_one", "public.parts"}
    assert (odd.rows, odd.coverage, len(odd.column_list)) == (3, "census", expected)
    assert all(column.profile is not None and column.profile.rows == 3 for column in odd.column_list)
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "token", "more", "status"),
    [
        ("POST", "/sources", "", {"content": b'{"url": '}, 400),
        ("POST", "/sources", "", {"content": b"\xff\xfe"}, 400),
        ("POST", "/sources", "", {"json": {"url": "postgresql://h/d", "nonsense": 1}}, 422),
        ("POST", "/sources", "", {"json": {"url": "gopher://h/d"}}, 422),
        ("POST", "/workflows", "", {"json": {"source_id": "f" * 32}}, 404),
        ("POST", "/workflows", "", {"json": ["not", "an", "object"]}, 422),
        ("GET", "/assets/" + "f" * 32, "", {}, 404), ("GET", "/labels/x%00y", "", {}, 422),
        ("GET", "/scans/" + "f" * 32, "", {}, 404), ("GET", "/nothing/here", "", {}, 404),
        ("GET", "/assets?limit=0", "", {}, 422), ("GET", "/assets?limt=5", "", {}, 422),
        ("DELETE", "/assets", "", {}, 405), ("GET", "/sources", "viewer", {}, 403),
        ("GET", "/sources", None, {}, 401), ("GET", "/sources", "sxt_wrong", {}, 401),
        ("POST", "/tokens", "viewer", {"json": {"principal": "x", "roles": ["admin"]}}, 403),
        ("POST", "/tokens", "", {"json": {"principal": "x", "roles": ["emperor"]}}, 422),
    ],
)  # fmt: skip
def test_a_bad_request_is_answered_with_a_problem_document(
    instance: Instance, method: str, path: str, token: str | None, more: dict[str, Any], status: int
) -> None:
    if token == "viewer":
        with instance.client() as sextant:
            token = sextant.create_token("onlooker", ["viewer"], 1).secret
    if "content" in more:
        more = more | {"headers": {"Content-Type": "application/json"}}
    answer = instance.http(method, path, token=token, **more)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert all(problem[name] for name in ("type", "title", "detail", "remedy", "code", "request_id"))


@pytest.mark.parametrize(("token", "words"), [("sxt_" + "0" * 43, "token"), ("sx\u00e4", "token")])
def test_a_bad_token_is_one_line_on_the_command_line(instance: Instance, token: str, words: str) -> None:
    assert words in complaint(instance, "labels", environment={"SEXTANT_TOKEN": token})


def test_a_command_line_that_is_not_right_is_one_line(instance: Instance) -> None:
    assert complaint(instance, "gvern")
    assert complaint(instance, "govern", "file:///tmp", "--password-env", "NOT_SET_ANYWHERE")
    assert complaint(instance, "govern", "file:///tmp", "--option", "novalue")
    assert complaint(instance, "govern", "file:///tmp", "--ruleset", "nobodys")


def test_numbers_that_are_none_leave_figures_that_are(instance: Instance, tmp_path: Path) -> None:
    folder = tmp_path / "floats"
    folder.mkdir()
    pl.DataFrame({"x": [math.nan, math.inf, -math.inf, 1.5, None]}).write_parquet(folder / "floats.parquet")
    instance.cli("govern", str(folder), "--name", "floats")
    with instance.client() as sextant:
        (asset,) = sextant.assets(source_id=instance.source_id("floats"))
        (column,) = sextant.asset(asset.id).column_list
    assert column.profile is not None
    assert (column.profile.rows, column.profile.nulls) == (5, 1)
