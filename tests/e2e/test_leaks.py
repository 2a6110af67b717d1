"""No planted value, no password and no token may be anywhere but where it was put."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_walk import Walk, statuses
from psycopg import sql
from sextant_estate import PASSWORD
from sextant_instance import Instance

from serve.demo.planted import PLANTED

pytestmark = pytest.mark.ray


def variants(value: str) -> set[str]:
    """The value as it was planted, and without what stands between its digits if enough of them are left."""
    bare = "".join(character for character in value if character.isalnum())
    return {value, bare} if len(bare) >= 11 else {value}


@pytest.fixture(scope="module")
def forbidden(instance: Instance, governed: object) -> dict[bytes, str]:
    """What must not be found, and how to name it without repeating it."""
    found = {text.encode(): planted.key for planted in PLANTED for text in variants(planted.value)}
    found |= {PASSWORD.encode(): "the password of the source", instance.token.encode(): "the administrator's token"}
    found[(instance.home / "postgres" / "password").read_text().strip().encode()] = "the password of the store"
    found[(instance.home / "run" / "ray_token").read_text().strip().encode()] = "Ray's token"
    return found


def leaks(content: bytes, forbidden: dict[bytes, str]) -> set[str]:
    return {name for value, name in forbidden.items() if value in content}


def tables(instance: Instance) -> list[tuple[str, str]]:
    return instance.rows(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'"
    )


def test_the_search_itself_finds_what_is_there(instance: Instance, forbidden: dict[bytes, str]) -> None:
    """The label texts of the governed estate are there to be read: an empty store would leak nothing either."""
    assert leaks(PLANTED[0].value.encode() + b" in a text", forbidden) == {"needle"}
    assert instance.rows("SELECT count(*) FROM classification.label")[0][0] > 50
    assert instance.rows("SELECT count(*) FROM scans.report")[0][0] > 50


def test_no_table_of_the_store_holds_a_value(instance: Instance, forbidden: dict[bytes, str]) -> None:
    found = {}
    for schema, table in tables(instance):
        statement = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table)).as_string()
        content = "\n".join(row[0] for row in instance.rows(statement)).encode()
        found[f"{schema}.{table}"] = leaks(content, forbidden)
    assert len(found) > 20
    assert not {table: names for table, names in found.items() if names}


def test_no_report_of_a_scan_holds_a_value(instance: Instance, forbidden: dict[bytes, str]) -> None:
    for (content,) in instance.rows("SELECT content FROM scans.report"):
        assert not leaks(zlib.decompress(content), forbidden)


def files(instance: Instance) -> Iterator[Path]:
    """Everything that the instance wrote: its home, Ray's session wherever it lies, and the server's log."""
    import json

    record = json.loads((instance.home / "run" / "instance.json").read_text())
    places = {instance.home, Path(record["temporary"]), Path("/tmp") / f"sextant-{record['name']}"}
    for place in sorted(place for place in places if place.exists()):
        for path in place.rglob("*"):
            if path.is_file() and not path.is_symlink() and instance.home / "postgres" / "data" not in path.parents:
                yield path
    yield instance.home / "postgres" / "data" / "server.log"


def test_no_file_of_the_instance_holds_a_value(instance: Instance, forbidden: dict[bytes, str]) -> None:
    kept = {
        instance.home / "run" / "token": "the administrator's token",
        instance.home / "run" / "ray_token": "Ray's token",
        instance.home / "postgres" / "password": "the password of the store",
    }
    looked, found = 0, {}
    for path in files(instance):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        looked += 1
        if names := leaks(content, forbidden) - {kept.get(path, "")}:
            found[str(path)] = names
    assert looked > 20
    assert not found
    for path in kept:
        assert path.stat().st_mode & 0o077 == 0, f"others may read {path.name}"


def test_no_answer_of_the_api_holds_a_value(instance: Instance, forbidden: dict[bytes, str]) -> None:
    answers = list(Walk(instance).answers())
    found = statuses(answers)
    assert len(found[200]) > 100
    # 422: an address that asks for a parameter which no list gives.
    assert set(found) <= {200, 404, 409, 422}, {status: sorted(found[status])[:5] for status in found}
    assert not {(address, *names) for address, answer in answers if (names := leaks(answer.content, forbidden))}


def test_the_event_stream_holds_no_value(instance: Instance, forbidden: dict[bytes, str]) -> None:
    newest = instance.http("GET", "/status").json()["last_event"]
    headers, content, last = {"Authorization": f"Bearer {instance.token}"}, [], 0
    url = f"{instance.url}/api/v1/events/stream?after=0"
    with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
        for line in answer.iter_lines():
            content.append(line)
            last = int(line.removeprefix("id:")) if line.startswith("id:") else last
            if last >= newest and not line:
                break
    assert last >= newest > 50
    assert not leaks("\n".join(content).encode(), forbidden)


def test_the_command_line_printed_no_value(instance: Instance, forbidden: dict[bytes, str]) -> None:
    for words in (("findings", "--limit", "5000"), ("labels", "--limit", "5000"), ("status",), ("token", "list")):
        instance.cli(*words)
    assert sum(map(len, instance.outputs)) > 10_000
    assert not leaks("\n".join(instance.outputs).encode(), forbidden)
