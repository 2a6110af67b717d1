"""What only PostgreSQL has: types, privileges, partitioned tables, refusals."""

import json
import threading
from typing import Any

import psycopg
import pytest
from source_targets import Database, Open, asset_of, cells_of
from sqlalchemy.engine import make_url

from cluster.connectors.batches import UNREADABLE
from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreachable

TARGET = 1 << 15
SECRET = "536-48-2917"


@pytest.fixture
def reader(database: Database) -> str:
    """The URL of an account that owns nothing."""
    name = f"r_{make_url(database.url).database}"
    database.run(f"CREATE ROLE {name} LOGIN PASSWORD 'pw'")
    return database.as_user(name, "pw")


def _role(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["user"])


def test_a_type_nobody_expected_never_fails(database: Database, opened: Open) -> None:
    values = {
        "int[]": "'{1,2}'", "text[]": "'{a,b}'", "point": "'(1,2)'", "int4range": "'[1,5)'", "inet": "'10.0.0.1'",
        "uuid": "'5f2b0f5e-6a7c-4a52-9d2e-3c1b0a9d8e7f'", "interval": "'1 day'", "timetz": "'10:00+02'", "money": "12",
        "bit(3)": "'101'", "tsvector": "'a b'", "mood": "'glad'", "pair": "'(1,x)'",
        "zip": "'90210'", "zips": "'{90210}'",
        '"char"': "'c'", "oid": "7", "xid": "'9'", "pg_lsn": "'0/1'", "jsonpath": "'$.a'",
        "macaddr": "'08:00:2b:01:02:03'",
        "numeric": "12345678901234567890.5", "numeric(20,0)": "4111111111111111", "numeric(6,2)": "12.50",
        "numeric(16,0)": "4111111111111111", "json": """'{"a": 1}'""", "jsonb": """'{"a": 1}'""", "bytea": "'x'",
        "name": "'n'", "bool": "true", "float4": "1.5", "time": "10:00", "varchar(9)": "'v'", "bpchar(3)": "'ab'",
    }  # fmt: skip
    values["time"] = "'10:00'"
    database.run(
        "CREATE TYPE mood AS ENUM ('glad')", "CREATE TYPE pair AS (a int, b text)", "CREATE DOMAIN zip AS text",
        "CREATE DOMAIN zips AS text[]",
        f"CREATE TABLE odd ({', '.join(f'c{n} {kind}' for n, kind in enumerate(values))})",
        f"INSERT INTO odd VALUES ({', '.join(values.values())})",
    )  # fmt: skip
    connector = opened(database.url)
    asset = asset_of(connector, "public.odd")
    [row] = cells_of(connector, connector.plan(asset, TARGET))
    found = dict(zip(values, row.values(), strict=True))
    assert all(value is not None for value in found.values())
    assert found["int[]"] == "{1,2}"
    assert found["mood"] == "glad"
    assert found["zip"] == "90210"
    assert found["numeric"] == "12345678901234567890.5"
    assert found["numeric(20,0)"] == "4111111111111111"
    assert found["numeric(16,0)"] == 4111111111111111
    assert found["numeric(6,2)"] == 12.5
    assert found["json"] == '{"a": 1}'
    kinds = {kind: column.type for kind, column in zip(values, asset.columns, strict=True)}
    assert (kinds["int[]"], kinds["mood"], kinds["zip"], kinds["zips"], kinds["pg_lsn"]) == (
        "nested", "string", "string", "nested", "unknown",
    )  # fmt: skip


def test_times_that_no_calendar_has_become_null_and_are_counted(database: Database, opened: Open) -> None:
    database.run(
        "CREATE TABLE spans (d date, t timestamptz)",
        "INSERT INTO spans VALUES ('2020-02-29', '2020-02-29'), ('infinity', '-infinity'), ('0044-03-15 BC', NULL)",
    )
    connector = opened(database.url)
    [partition] = connector.plan(asset_of(connector, "public.spans"), TARGET)
    [batch] = connector.read(partition, 100, 1 << 20)
    assert [str(value)[:10] for value in batch.column(0).to_pylist()] == ["2020-02-29", "None", "None"]
    assert batch.column(1).null_count == 2
    assert json.loads(batch.schema.metadata[UNREADABLE]) == {"d": 2, "t": 1}


def test_description_holds_keys_grants_comments_and_definitions(database: Database, opened: Open, reader: str) -> None:
    database.run(
        "CREATE TABLE customer (id int PRIMARY KEY, email varchar(80) NOT NULL)",
        "CREATE TABLE orders (id int, customer_id int REFERENCES customer (id))",
        'CREATE TABLE "Odd.Name" ("a ""b" int)',
        "CREATE VIEW mail AS SELECT email FROM customer",
        "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM customer",
        "COMMENT ON TABLE customer IS 'who buys'",
        "COMMENT ON COLUMN customer.email IS 'where to write'",
        f"GRANT SELECT ON customer TO {_role(reader)}",
        "GRANT SELECT ON mail TO PUBLIC",
        "GRANT SELECT (customer_id) ON orders TO PUBLIC",
    )
    connector = opened(database.url)
    assets = {asset.path: asset for asset in connector.enumerate().assets}
    assert {path: asset.kind for path, asset in assets.items()} == {
        "public.customer": "table", "public.orders": "table", 'public."Odd.Name"': "table",
        "public.mail": "view", "public.counted": "materialized_view",
    }  # fmt: skip
    customer = assets["public.customer"]
    assert customer.comment == "who buys"
    assert [(c.name, c.physical_type, c.nullable, c.primary_key, c.comment) for c in customer.columns] == [
        ("id", "integer", False, True, None),
        ("email", "character varying(80)", False, False, "where to write"),
    ]
    [key] = assets["public.orders"].foreign_keys
    assert (key.columns, key.to_asset, key.to_columns) == (("customer_id",), "public.customer", ("id",))
    assert [(g.grantee, g.privilege, g.public) for g in customer.grants] == [(_role(reader), "SELECT", False)]
    for path in ("public.mail", "public.orders"):
        assert [(g.grantee, g.public) for g in assets[path].grants] == [("PUBLIC", True)]
    assert "customer" in (assets["public.mail"].definition or "")
    assert "count" in (assets["public.counted"].definition or "")
    assert connector.plan(assets["public.mail"], TARGET) == []
    assert cells_of(connector, connector.plan(assets["public.counted"], TARGET)) == [{"n": 0}]
    assert connector.plan(assets['public."Odd.Name"'], TARGET) == []


def _partitioned(database: Database) -> None:
    database.run(
        "CREATE TABLE log (id int, day date) PARTITION BY RANGE (day)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id)",
        "CREATE TABLE log_2a PARTITION OF log_2 DEFAULT",
        "INSERT INTO log SELECT g, '2020-06-01' FROM generate_series(1, 4000) g",
        "INSERT INTO log SELECT g, '2021-06-01' FROM generate_series(4001, 5000) g",
    )


def test_a_partitioned_table_is_one_asset_and_its_parts_are_read_apart(database: Database, opened: Open) -> None:
    _partitioned(database)
    connector = opened(database.url)
    [asset] = connector.enumerate().assets
    before = connector.plan(asset, TARGET)
    assert sorted(row["id"] for row in cells_of(connector, before)) == list(range(1, 5001))
    database.run("UPDATE log SET id = id WHERE id = 4500")
    after = connector.plan(asset, TARGET)
    first = [p.fingerprint for p in before if p.spec["name"] == "log_1"]
    assert [p.fingerprint for p in after if p.spec["name"] == "log_1"] == first
    assert {p.fingerprint for p in after} != {p.fingerprint for p in before}


def test_a_partitioned_table_is_read_through_its_parent_where_only_that_is_granted(
    database: Database, opened: Open, reader: str
) -> None:
    _partitioned(database)
    database.run(f"GRANT SELECT ON log TO {_role(reader)}")
    connector = opened(reader)
    [asset] = connector.enumerate().assets
    assert asset.problem is None
    partitions = connector.plan(asset, TARGET)
    assert len(partitions) > 1
    assert sorted(row["id"] for row in cells_of(connector, partitions)) == list(range(1, 5001))
    assert connector.plan(asset, TARGET) == partitions


def test_inherited_rows_belong_to_the_table_that_holds_them(database: Database, opened: Open) -> None:
    database.run(
        "CREATE TABLE base (id int)", "CREATE TABLE derived () INHERITS (base)",
        "INSERT INTO base VALUES (1)", "INSERT INTO derived VALUES (2)",
    )  # fmt: skip
    connector = opened(database.url)
    read = {a.path: cells_of(connector, connector.plan(a, TARGET)) for a in connector.enumerate().assets}
    assert read == {"public.base": [{"id": 1}], "public.derived": [{"id": 2}]}


def test_what_may_not_be_read_is_listed_with_a_problem_and_the_rest_goes_on(
    database: Database, opened: Open, reader: str
) -> None:
    database.run(
        "CREATE TABLE closed (a int)", "CREATE TABLE half (a int, b int)", "CREATE TABLE open (a int)",
        "CREATE TABLE filtered (a int)", "ALTER TABLE filtered ENABLE ROW LEVEL SECURITY",
        "INSERT INTO half VALUES (1, 2)",
        f"GRANT SELECT ON open, filtered TO {_role(reader)}", f"GRANT SELECT (a) ON half TO {_role(reader)}",
    )  # fmt: skip
    connector = opened(reader)
    found = connector.enumerate()
    assets = {asset.path: asset for asset in found.assets}
    assert found.complete
    assert {path: asset.problem for path, asset in assets.items()} == {
        "public.closed": SourceDenied.code, "public.half": None, "public.open": None, "public.filtered": None,
    }  # fmt: skip
    assert {problem.path for problem in found.problems} == {"public.closed", "public.half", "public.filtered"}
    assert all(problem.remedy for problem in found.problems)
    with pytest.raises(SourceDenied):
        connector.plan(assets["public.closed"], TARGET)
    partitions = connector.plan(assets["public.half"], TARGET)
    assert cells_of(connector, partitions) == [{"a": 1}]
    assert connector.plan(assets["public.half"], TARGET)[0].fingerprint != partitions[0].fingerprint


def test_only_what_was_written_to_gets_another_fingerprint(database: Database, opened: Open) -> None:
    database.run("CREATE TABLE t AS SELECT g AS id, repeat('x', 200) AS pad FROM generate_series(1, 3000) g")
    connector = opened(database.url)
    asset = asset_of(connector, "public.t")
    before = [p.fingerprint for p in connector.plan(asset, TARGET)]
    database.run("VACUUM FREEZE ANALYZE t", "CHECKPOINT")
    assert [p.fingerprint for p in connector.plan(asset, TARGET)] == before
    database.run("UPDATE t SET pad = 'y' WHERE id = 1")
    after = [p.fingerprint for p in connector.plan(asset, TARGET)]
    assert after[1:-1] == before[1:-1]
    assert after[0] != before[0]
    database.run("ALTER TABLE t ADD COLUMN more int DEFAULT 5")
    assert not set(after) & {p.fingerprint for p in connector.plan(asset, TARGET)}


def test_a_table_made_anew_under_the_same_name_is_not_taken_for_the_planned_one(
    database: Database, opened: Open
) -> None:
    database.run("CREATE TABLE t AS SELECT 1 AS a")
    connector = opened(database.url)
    [partition] = connector.plan(asset_of(connector, "public.t"), TARGET)
    database.run("DROP TABLE t", "CREATE TABLE t AS SELECT 2 AS a")
    with pytest.raises(SourceObjectGone):
        list(connector.read(partition, 10, 1 << 20))


def test_nothing_can_be_written(database: Database, opened: Open) -> None:
    database.run("CREATE TABLE t AS SELECT 1 AS a")
    connector: Any = opened(database.url)
    with pytest.raises(SourceError):
        connector._session.rows("DELETE FROM t RETURNING a", [], "t")


def test_a_server_that_goes_away_during_a_read_is_unreachable(database: Database, opened: Open) -> None:
    database.run("CREATE TABLE t AS SELECT g AS a, repeat('x', 500) AS b FROM generate_series(1, 60000) g")
    connector = opened(database.url)
    [partition] = connector.plan(asset_of(connector, "public.t"), 1 << 30)
    batches = connector.read(partition, 100, 1 << 16)
    next(batches)
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'sextant' AND datname = current_database()"
    )
    with pytest.raises(SourceUnreachable) as raised:
        list(batches)
    assert raised.value.retryable
    assert len(cells_of(connector, [partition])) == 60000


def test_a_lock_that_is_not_released_is_a_problem_of_that_table_only(
    database: Database, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.connectors.postgres.session.LOCK_TIMEOUT_SECONDS", 1)
    database.run("CREATE TABLE held (a int)", "CREATE TABLE free (a int)")
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with psycopg.connect(database.url) as connection:
            connection.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
            taken.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(60)
    try:
        found = opened(database.url).enumerate()
    finally:
        done.set()
        thread.join()
    assert {asset.path: asset.problem for asset in found.assets} == {
        "public.held": SourceUnreachable.code,
        "public.free": None,
    }


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"password": SECRET}, "source-auth-failed", "password"),
        ({"username": "nobody_such"}, "source-auth-failed", "password"),
        ({"database": "no_such_database"}, "source-error", "no_such_database"),
        ({"host": "no-such-host.invalid"}, "source-unreachable", "resolved"),
        ({"port": 1}, "source-unreachable", "refuses"),
        ({"query": {"sslmode": "require"}}, "source-unreachable", "TLS"),
    ],
)
def test_a_refusal_says_what_to_do_and_not_the_password(
    database: Database, opened: Open, change: dict[str, Any], code: str, word: str
) -> None:
    first, *rest = opened(database.edited(**change)).test()
    assert (first.status, first.code) == ("failed", code)
    assert word in first.summary
    assert first.remedy
    assert SECRET not in first.model_dump_json()
    assert {step.status for step in rest} == {"skipped"}


def test_no_value_of_the_data_is_in_an_error(database: Database, opened: Open) -> None:
    database.run(
        f"CREATE TABLE t AS SELECT '{SECRET}'::text AS a",
        "CREATE VIEW broken AS SELECT a::int FROM t",
        "CREATE FUNCTION leak(text) RETURNS int LANGUAGE sql AS 'SELECT $1::int'",
    )
    connector: Any = opened(database.url)
    with pytest.raises(SourceError) as raised:
        connector._session.rows("SELECT a::int FROM broken", [], "public.broken")
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__


def test_facts_tell_who_may_do_what(database: Database, opened: Open, reader: str) -> None:
    facts, lesser = opened(database.url).facts(), opened(reader).facts()
    assert (facts.superuser, lesser.superuser) == (True, False)
    assert facts.authenticated is True
    assert facts.tls is False
    assert facts.audit_logging is False
    assert facts.extra["loopback"] is True
    assert facts.extra["password_encryption"] == "scram-sha-256"
    steps = {step.name: step.status for step in opened(reader).test()}
    assert list(steps) == [
        "CheckAccess", "CheckTLS", "CheckPrivileges", "GetSchemas", "GetTables", "GetViews", "SampleRead",
    ]  # fmt: skip
