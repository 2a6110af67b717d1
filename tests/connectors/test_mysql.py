"""MariaDB read as it is: its types and what no calendar has, its privileges, its charsets, and what goes wrong."""

import json
import threading
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pytest
from counting_proxy import CountingProxy, fullest
from mariadb_server import MyDatabase
from source_targets import Open, asset_of, cells_of

from cluster.connectors import dataset_name, namespace, open_connector, split_url, suggested_name
from cluster.connectors.batches import UNREADABLE
from cluster.connectors.interface import Connector, SourceAccess
from cluster.connectors.pace import WINDOW_SECONDS, Pace, Pacer
from cluster.connectors.steps import OF_ONE, diagnosis_of
from cluster.errors import SourceAuthFailed, SourceDenied, SourceError, SourceObjectGone, SourceUnreachable
from cluster.formats.long_texts import LONGEST_TEXT

TARGET = 1 << 15
RATE = 2_000_000.0


def rows_of(connector: Connector, path: str) -> list[dict[str, Any]]:
    return cells_of(connector, connector.plan(asset_of(connector, path), TARGET))


def test_each_type_arrives_as_what_it_is(my_database: MyDatabase, opened: Open) -> None:
    my_database.run(
        "CREATE TABLE t (a tinyint unsigned, b bigint unsigned PRIMARY KEY, c decimal(30,0), d decimal(12,3), e float,"
        " f double, g bit(10), h enum('yes','no'), i set('x','y'), j json, k point, l time, m year, n varbinary(9),"
        " o datetime(6), p timestamp NULL, q int(5) unsigned zerofill, r uuid, s inet6, t date)",
        "SET time_zone = '+02:00'",
        "INSERT INTO t VALUES (255, 18446744073709551615, 123456789012345678901234567890, -1.5, 16777217.0, 0.1,"
        " b'1000000001', 'no', 'x,y', '{\"k\": [1]}', POINT(13.4, 52.5), '-838:59:59', 1999, x'00ff80',"
        " '2024-02-29 23:59:59.123456', '2024-01-01 02:00:00', 42, '123e4567-e89b-12d3-a456-426655440000', '::1',"
        " '1969-12-31')",
    )
    connector = opened(my_database.url)
    asset = asset_of(connector, f"{my_database.name}.t")
    kinds = {column.name: column.type for column in asset.columns}
    assert [kinds[name] for name in "abcdefghijkl"] == [
        "integer", "integer", "number", "number", "number", "number", "integer", "string", "string", "string",
        "string", "time",
    ]  # fmt: skip
    (row,) = rows_of(connector, asset.path)
    assert row["a"] == 255
    assert row["b"] == 2**64 - 1
    assert row["c"] == "123456789012345678901234567890", "a long number keeps all its digits"
    assert (row["d"], row["e"], row["f"], row["g"]) == (-1.5, 16777216.0, 0.1, 513)
    assert (row["h"], row["i"], json.loads(row["j"])) == ("no", "x,y", {"k": [1]})
    assert row["k"] == "POINT(13.4 52.5)"
    assert (row["l"], row["m"], row["n"]) == ("-838:59:59", 1999, b"\x00\xff\x80")
    assert str(row["o"]) == "2024-02-29 23:59:59.123456"
    assert row["p"].isoformat() == "2024-01-01T00:00:00+00:00", "a timestamp is of UTC"
    assert (row["q"], row["r"], row["s"]) == (42, "123e4567-e89b-12d3-a456-426655440000", "::1")
    assert str(row["t"]) == "1969-12-31"


def test_dates_that_no_calendar_has_become_null_and_are_counted(my_database: MyDatabase, opened: Open) -> None:
    my_database.run(
        "CREATE TABLE t (id int PRIMARY KEY, d date, s datetime)",
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "INSERT INTO t VALUES (1, '2024-01-31', '2024-01-31 00:00:00'), (2, '0000-00-00', '0000-00-00 00:00:00'),"
        " (3, '2024-02-31', NULL), (4, NULL, '9999-12-31 23:59:59')",
    )
    connector = opened(my_database.url)
    (partition,) = connector.plan(asset_of(connector, f"{my_database.name}.t"), TARGET)
    (batch,) = connector.read(partition, 100, 1 << 20)
    assert [str(row["d"]) for row in batch.to_pylist()] == ["2024-01-31", "None", "None", "None"]
    assert json.loads(batch.schema.metadata[UNREADABLE]) == {"d": 2, "s": 1}


def test_texts_of_all_charsets_arrive_as_they_were_written(my_database: MyDatabase, opened: Open) -> None:
    my_database.run(
        "CREATE TABLE t (id int PRIMARY KEY, a text CHARACTER SET latin1, b text CHARACTER SET cp1251,"
        " c varchar(50) CHARACTER SET ucs2, d text CHARACTER SET utf8mb4, `名 前` text CHARACTER SET sjis)",
        "INSERT INTO t VALUES (1, 'Zoë €', 'Привет', 'ünïcødé', '🧭', '東京')",
    )
    (row,) = rows_of(opened(my_database.url), f"{my_database.name}.t")
    assert list(row.values()) == [1, "Zoë €", "Привет", "ünïcødé", "🧭", "東京"]


@pytest.mark.parametrize(
    ("key", "values", "splits"),
    [
        ("id bigint PRIMARY KEY", [-(2**63), -1, 0, 2**63 - 1, *range(500, 3000)], True),
        ("id bigint unsigned PRIMARY KEY", [0, 2**64 - 1, 2**63, *range(500, 3000)], True),
        ("id int, KEY (id)", [None, *range(2000), *[7] * 900], True),
        ("id int, x int AS (id) VIRTUAL, PRIMARY KEY (id, name)", list(range(2500)), True),
        ("id int", [None, *range(2500)], False),
        ("id varchar(20) PRIMARY KEY", [f"k{number}" for number in range(2500)], False),
    ],
)
def test_every_key_is_read_exactly_once(
    my_database: MyDatabase, opened: Open, key: str, values: list[Any], splits: bool
) -> None:
    first, _, rest = key.partition(", ")
    my_database.run(f"CREATE TABLE t ({first}, name varchar(60) NOT NULL{', ' + rest if rest else ''})")
    my_database.insert("t (id, name)", [(value, f"name {value} " + "x" * 30) for value in values])
    connector = opened(my_database.url)
    path = f"{my_database.name}.t"
    partitions = connector.plan(asset_of(connector, path), TARGET)
    assert (len(partitions) > 1) is splits
    assert len({partition.fingerprint for partition in partitions}) == len(partitions)
    assert Counter(row["id"] for row in cells_of(connector, partitions)) == Counter(values)
    assert sum(partition.rows_estimate or 0 for partition in partitions) == len(values)


def test_a_write_changes_the_fingerprint_of_its_range_only(my_database: MyDatabase, opened: Open) -> None:
    my_database.run("CREATE TABLE t (id int PRIMARY KEY, a varchar(50), b varchar(50), f float)")
    my_database.insert("t", [(number, f"a{number}" * 4, f"b{number}" * 4, number / 7) for number in range(3000)])
    connector = opened(my_database.url)
    asset = asset_of(connector, f"{my_database.name}.t")

    def marks() -> list[str]:
        return [partition.fingerprint for partition in connector.plan(asset, TARGET)]

    before = marks()
    my_database.run("UPDATE t SET a = b, b = a WHERE id = 100", "UPDATE t SET f = f + 0.0001 WHERE id = 2999")
    after = marks()
    assert len(before) > 3
    assert [place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]] == [
        0,
        len(before) - 1,
    ]
    my_database.run("UPDATE t SET a = 'x' WHERE id = 100")
    swapped = marks()
    my_database.run("UPDATE t SET a = NULL WHERE id = 100")
    assert marks()[0] != swapped[0]


def test_a_view_is_told_with_its_definition_and_a_broken_one_is_a_problem(
    my_database: MyDatabase, opened: Open
) -> None:
    my_database.run(
        "CREATE TABLE t (id int PRIMARY KEY COMMENT 'the number', p int, FOREIGN KEY (p) REFERENCES t (id))"
        " COMMENT 'people'",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE TABLE gone (id int)",
        "CREATE VIEW broken AS SELECT id FROM gone",
        "DROP TABLE gone",
    )
    found = opened(my_database.url).enumerate()
    assets = {asset.path.partition(".")[2]: asset for asset in found.assets}
    assert (assets["v"].kind, assets["v"].problem) == ("view", None)
    assert "select" in (assets["v"].definition or "")
    assert [problem.path for problem in found.problems] == [f"{my_database.name}.broken"]
    assert assets["broken"].problem
    assert assets["t"].comment == "people"
    assert assets["t"].columns[0].comment == "the number"
    assert assets["t"].foreign_keys[0].to_asset == f"{my_database.name}.t"


def test_what_the_account_may_not_read_is_named_and_the_rest_goes_on(my_database: MyDatabase, opened: Open) -> None:
    name, user = my_database.name, f"u{my_database.name[-10:]}"
    my_database.run(
        "CREATE TABLE open (id int)", "CREATE TABLE part (id int, secret int)", "CREATE TABLE closed (id int)",
        "INSERT INTO open VALUES (1)", "INSERT INTO part VALUES (1, 2)", f"CREATE USER {user} IDENTIFIED BY 'x'",
        f"GRANT SELECT ON {name}.open TO {user}", f"GRANT SELECT (id) ON {name}.part TO {user}",
        f"GRANT INSERT ON {name}.closed TO {user}",
    )  # fmt: skip
    connector = opened(my_database.as_user(user, "x"))
    try:
        found = connector.enumerate()
        problems = {(problem.path, problem.code) for problem in found.problems}
        assert problems == {(path, SourceDenied.code) for path in (f"{name}.closed", name)}
        assert not found.complete, "what is not granted is not seen, and so is not known to be gone"
        assert rows_of(connector, f"{name}.open") == [{"id": 1}]
        assert rows_of(connector, f"{name}.part") == [{"id": 1}]
        closed = asset_of(connector, f"{name}.closed")
        assert closed.problem == SourceDenied.code
        with pytest.raises(SourceDenied):
            connector.plan(closed, TARGET)
        steps = {step.name: step for step in connector.test()}
        assert steps["CheckPrivileges"].status == "warning"
        assert steps["SampleRead"].status == "passed"
    finally:
        my_database.run(f"DROP USER {user}")


def test_only_an_account_that_reads_everything_and_no_more_is_without_a_remark(
    my_database: MyDatabase, opened: Open
) -> None:
    my_database.run("CREATE TABLE t (id int)")
    reader = {step.name: step.status for step in opened(my_database.url).test()}
    root = {step.name: step for step in opened(my_database.as_user("root", "root")).test()}
    assert set(reader.values()) == {"passed"}
    assert root["CheckPrivileges"].status == "warning"
    assert not opened(my_database.url).facts().superuser
    assert opened(my_database.as_user("root", "root")).facts().superuser


@pytest.mark.parametrize("change", ["ALTER TABLE t DROP COLUMN name", "ALTER TABLE t MODIFY name varchar(99)"])
def test_a_table_that_was_changed_after_it_was_planned_is_gone(
    my_database: MyDatabase, opened: Open, change: str
) -> None:
    my_database.run("CREATE TABLE t (id int, name text)", "INSERT INTO t VALUES (1, 'a')")
    connector = opened(my_database.url)
    partitions = connector.plan(asset_of(connector, f"{my_database.name}.t"), TARGET)
    my_database.run(change)
    with pytest.raises(SourceObjectGone):
        cells_of(connector, partitions)


def test_a_partition_is_of_one_moment(my_database: MyDatabase, opened: Open) -> None:
    my_database.run("CREATE TABLE t (id int PRIMARY KEY, name text)")
    my_database.insert("t", [(number, "x" * 2000) for number in range(4000)])
    connector = opened(my_database.url)
    (partition,) = connector.plan(asset_of(connector, f"{my_database.name}.t"), 1 << 30)
    batches = connector.read(partition, 10, 1 << 20)
    seen = [row["name"][0] for row in next(batches).to_pylist()]
    my_database.run("UPDATE t SET name = 'y'", "DELETE FROM t WHERE id > 3000")
    seen += [row["name"][0] for batch in batches for row in batch.to_pylist()]
    assert Counter(seen) == {"x": 4000}


def test_reading_that_is_left_early_stops_the_server_and_the_next_one_works(
    my_database: MyDatabase, opened: Open
) -> None:
    my_database.run("CREATE TABLE t (id int PRIMARY KEY, name text)")
    my_database.insert("t", [(number, "x" * 2000) for number in range(6000)])
    connector = opened(my_database.url)
    (partition,) = connector.plan(asset_of(connector, f"{my_database.name}.t"), 1 << 30)
    batches = connector.read(partition, 10, 1 << 20)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert sum(batch.num_rows for batch in connector.read(partition, 1000, 1 << 20)) == 6000


def test_a_locked_table_is_told_as_such(my_database: MyDatabase, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from cluster.connectors.mysql import session

    settings = tuple(text.replace("lock_wait_timeout = 10", "lock_wait_timeout = 1") for text in session._SETTINGS)
    monkeypatch.setattr(session, "_SETTINGS", settings)
    my_database.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    connector = opened(my_database.url)
    asset = asset_of(connector, f"{my_database.name}.t")
    import pymysql

    root = pymysql.connect(
        host="127.0.0.1", port=my_database.server.port, user="root", password="root", database=my_database.name
    )
    root.query("LOCK TABLES t WRITE")
    try:
        with pytest.raises(SourceUnreachable, match="locked") as caught:
            connector.plan(asset, TARGET)
        assert diagnosis_of(caught.value) in OF_ONE
    finally:
        root.close()


@pytest.mark.parametrize(
    ("user", "changed", "error", "words"),
    [
        ("nobody", {}, SourceAuthFailed, "user or password"),
        ("reader", {"name": "nowhere"}, SourceError, "database 'nowhere'"),
        ("reader", {"port": 1}, SourceUnreachable, "refuses connections on port 1"),
    ],
)
def test_a_refusal_names_what_failed_without_the_words_of_the_server(
    my_database: MyDatabase, opened: Open, user: str, changed: dict[str, Any], error: type[SourceError], words: str
) -> None:
    password = "Not-The-One-4711" if user == "nobody" else "re@d"
    first, *rest = opened(my_database.as_user(user, password, **changed)).test()
    assert (first.name, first.status) == ("CheckAccess", "failed")
    assert words in first.summary
    assert first.remedy
    assert "4711" not in str(first)
    assert {step.status for step in rest} == {"skipped"}
    with pytest.raises(error):
        opened(my_database.as_user(user, password, **changed)).enumerate()


def test_a_server_without_tls_and_a_host_without_a_name_are_told_apart(my_database: MyDatabase, opened: Open) -> None:
    first = next(iter(opened(f"{my_database.url}?sslmode=require").test()))
    assert (first.status, first.code) == ("failed", SourceUnreachable.code)
    assert "TLS" in first.summary
    first = next(iter(opened("mysql://a:b@no-such-host.invalid/x").test()))
    assert "could not be resolved" in first.summary


def test_no_window_on_the_wire_holds_more_than_the_pace_has_for_it(my_database: MyDatabase, opened: Open) -> None:
    my_database.run("CREATE TABLE t (id int PRIMARY KEY, name text)")
    my_database.insert("t", [(number, f"name {number} " * 5) for number in range(6000)])
    asset = asset_of(opened(my_database.url), f"{my_database.name}.t")
    wire = CountingProxy("127.0.0.1", my_database.server.port, postgresql=False)
    with wire.serving() as port:
        parts = split_url(my_database.as_user("reader", "re@d", port=port))
        access = SourceAccess(source_id="s", url=parts.url, options=parts.options)
        pacer = Pacer(Pace(bytes_per_second=RATE, queries_per_second=50))
        connector = open_connector(access, parts.credential, pacer)
        rows = len(cells_of(connector, connector.plan(asset, 1 << 18), 32_768, 16 << 20))
        connector.close()
    assert rows == 6000
    assert sum(size for _, size in wire.received) > 6000 * 50
    assert fullest(wire.received, WINDOW_SECONDS) <= RATE * WINDOW_SECONDS


def test_a_url_is_written_in_one_way() -> None:
    for text in ("mariadb://ann:p@H/shop", "mysql://ann:p@h:3306/shop"):
        assert split_url(text).url == "mysql://h:3306/shop"
    assert suggested_name("mysql://h:3306/shop") == "shop"
    assert namespace("mysql://h:3306/shop") == "mysql://h:3306"
    assert dataset_name("mysql://h:3306/shop", "shop.t") == "shop.t"
    assert urlsplit(split_url("mysql://[::1]/shop").url).port == 3306


def test_a_server_that_asks_for_a_file_of_this_machine_gets_none(opened: Open) -> None:
    """A server may answer any statement with a wish for a local file (MySQL, "Security Considerations for LOAD DATA
    LOCAL"); one that does is here in twenty lines of its protocol."""
    import socket

    greeting = (
        b"\x0a5.7.0\x00" + b"\x01\0\0\0" + b"12345678\0" + b"\xff\xf7" + b"\x21" + b"\x02\0" + b"\xff\x81" + b"\x15"
        + b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0"
    )  # fmt: skip
    listener = socket.create_server(("127.0.0.1", 0))
    sent: list[bytes] = []

    def serve() -> None:
        for _ in range(2):  # the second is the look whether the port answers
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                try:
                    peer.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
                    peer.recv(4096)
                    peer.sendall(b"\x07\0\0\x02\0\0\0\x02\0\0\0")
                    peer.recv(4096)
                    peer.sendall(b"\x0c\0\0\x01\xfb/etc/passwd")
                    sent.append(peer.recv(4096))
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    with pytest.raises(SourceError):
        opened(f"mysql://a:b@127.0.0.1:{port}/x?sslmode=disable").enumerate()
    listener.close()
    thread.join(10)
    assert not any(b"root:" in part for part in sent)


def test_a_server_that_never_answers_is_given_up_in_time(opened: Open) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        first, *_ = opened(f"mysql://a:b@127.0.0.1:{port}/x?connect_timeout=1").test()
    assert (first.name, first.status, first.code) == ("CheckAccess", "failed", SourceUnreachable.code)


def test_texts_that_are_longer_than_any_scan_looks_at_are_cut_by_the_server(
    my_database: MyDatabase, opened: Open
) -> None:
    my_database.run(
        "CREATE TABLE t (id int PRIMARY KEY, a longtext, b longblob)",
        "INSERT INTO t VALUES (1, REPEAT('x', 6000000), REPEAT('y', 6000000)), (2, 'short', 'short')",
    )
    connector = opened(my_database.url)
    path = f"{my_database.name}.t"
    long, short = sorted(rows_of(connector, path), key=lambda row: row["id"])
    assert (len(long["a"]), len(long["b"])) == (LONGEST_TEXT, LONGEST_TEXT)
    assert (short["a"], short["b"]) == ("short", b"short")
    before = connector.plan(asset_of(connector, path), TARGET)
    my_database.run("UPDATE t SET a = CONCAT(LEFT(a, 5999999), 'z') WHERE id = 1")
    after = connector.plan(asset_of(connector, path), TARGET)
    assert before[0].fingerprint != after[0].fingerprint, "a change behind the cut is a change"
