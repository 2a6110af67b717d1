"""What a PostgreSQL source sends under a budget, counted by somebody on the wire, and that the rows are the same."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from counting_proxy import CountingProxy, fullest
from hypothesis import given
from hypothesis import strategies as st
from source_targets import Database, Open, asset_of
from sqlalchemy.engine import make_url

from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import Connector, SourceAccess
from cluster.connectors.pace import WINDOW_SECONDS, Pace, Pacer
from cluster.connectors.postgres.measured import grouped
from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
from cluster.kernels import scan_batches
from cluster.kernels.report import PartitionReport

BYTES, QUERIES = 1_500_000, 60
WIDE = "(SELECT string_agg(md5(n::text || m), '') FROM generate_series(1, {}) m)"


@pytest.fixture
def proxy(database: Database) -> Iterator[tuple[CountingProxy, str]]:
    """A proxy before the test's database, and the URL of the database behind it."""
    parts = make_url(database.url)
    counted = CountingProxy(str(parts.host), int(parts.port or 5432))
    with counted.serving() as port:
        yield counted, database.edited(host="127.0.0.1", port=port)


def paced(url: str, record: Callable[[float, int, int], None] | None = None, **pace: float) -> Connector:
    parts = split_url(url)
    access = SourceAccess(source_id="s", url=parts.url, options=parts.options)
    return open_connector(access, parts.credential, Pacer(Pace.model_validate(pace), record))


def content(connector: Connector, path: str, target: int) -> pa.Table:
    """All rows of an asset."""
    parts = connector.plan(asset_of(connector, path), target)
    return pa.Table.from_batches([batch for part in parts for batch in connector.read(part, 32_768, 16 << 20)])


def scanned(connector: Connector, path: str) -> PartitionReport:
    """What a scan of an asset in one partition finds, without what it took."""
    rules = compile(load_rule_set().value, load_detector_packs())
    (part,) = connector.plan(asset_of(connector, path), 1 << 19)
    report = scan_batches(connector.read(part, 32_768, 16 << 20), part, rules, b"salt")
    return report.model_copy(update={"detector_seconds": {}})


def within_budget(counted: CountingProxy) -> None:
    assert fullest(counted.received, WINDOW_SECONDS) <= BYTES * WINDOW_SECONDS
    assert fullest(counted.received, 1.0) <= BYTES
    assert fullest(counted.statements, WINDOW_SECONDS) <= QUERIES * WINDOW_SECONDS
    assert fullest(counted.statements, 1.0) <= QUERIES


def test_no_window_on_the_wire_exceeds_the_budget(
    database: Database, opened: Open, proxy: tuple[CountingProxy, str]
) -> None:
    counted, url = proxy
    database.run(
        "CREATE TABLE t (id int, name text, note text)",
        # Narrow rows; wide ones, all in one place; and some that are stored apart and nearly fill a window.
        f"INSERT INTO t SELECT n, 'name ' || n, CASE WHEN n BETWEEN 6000 AND 6100 THEN {WIDE.format(50)}"
        f" WHEN n BETWEEN 8000 AND 8004 THEN {WIDE.format(3500)} END FROM generate_series(1, 12000) n",
        "ANALYZE t",
    )
    connector = paced(url, bytes_per_second=BYTES, queries_per_second=QUERIES)
    found = content(connector, "public.t", 1 << 19)
    connector.close()
    assert found.equals(content(opened(database.url), "public.t", 1 << 19))
    assert sum(size for _, size in counted.received) > found.nbytes
    assert len(counted.statements) > 20
    within_budget(counted)


def test_planning_under_a_pace_asks_for_little_at_once_and_finds_the_same(database: Database, opened: Open) -> None:
    database.run("CREATE TABLE t (id int)", "INSERT INTO t SELECT generate_series(1, 300000)", "ANALYZE t")
    free, slow = opened(database.url), paced(database.url, queries_per_second=1000)
    asset = asset_of(free, "public.t")
    plans = [connector.plan(asset, 64 << 20) for connector in (free, slow)]
    slow.close()
    assert plans[0] == plans[1]
    assert plans[0][0].bytes > 8 << 20


def test_what_has_no_ranges_is_fetched_within_the_budget(database: Database, proxy: tuple[CountingProxy, str]) -> None:
    counted, url = proxy
    role = f"r_{make_url(database.url).database}"
    database.run(
        f"CREATE ROLE {role} LOGIN PASSWORD 'pw'",
        "CREATE TABLE t (id int, name text, secret text)",
        "INSERT INTO t SELECT n, 'name ' || n || repeat('x', n % 50) FROM generate_series(1, 8000) n",
        f"GRANT SELECT (id, name) ON t TO {role}",
    )
    part = make_url(url)
    reader = part.set(username=role, password="pw").render_as_string(hide_password=False)
    connector = paced(reader, bytes_per_second=BYTES, queries_per_second=QUERIES)
    found = content(connector, "public.t", 1 << 19)
    connector.close()
    assert sorted(found.column("id").to_pylist()) == list(range(1, 8001))
    within_budget(counted)


def test_a_value_larger_than_a_window_is_paid_for_by_waiting(database: Database) -> None:
    database.run("CREATE TABLE t (note text)", f"INSERT INTO t SELECT {WIDE.format(9000)} FROM generate_series(1, 2) n")
    come: list[tuple[float, int]] = []
    connector = paced(database.url, lambda at, size, _: come.append((at, size)), bytes_per_second=BYTES)
    found = content(connector, "public.t", 1 << 19).column("note").to_pylist()
    connector.close()
    assert [len(note) for note in found] == [9000 * 32] * 2
    assert fullest(come, 2 * WINDOW_SECONDS) < 2 * 9000 * 32, "the second waits until the first is paid for"


def test_all_types_arrive_as_they_do_without_a_pace(database: Database, opened: Open) -> None:
    values = {
        "bool": "true", "int2": "-7", "int4": "1", "int8": "-9000000000", "float4": "1.5", "float8": "'NaN'",
        "text": "'ä€😀'", "varchar(9)": "''", "bpchar(5)": "'ab'", "name": "'n'", "bytea": r"'\x00ff'",
        "date": "'0044-03-15 BC'", "timestamp": "'2020-02-29 12:34:56.789'", "timestamptz": "'infinity'",
        "time": "'23:59:59.999999'", "json": """'{"a": 1}'""", "jsonb": """'{"a": [1, null]}'""",
        "numeric": "12345678901234567890.5", "numeric(6,2)": "12.50", "numeric(16,0)": "4111111111111111",
        "numeric(20,0)": "'NaN'", "int[]": "'{1,2}'", "uuid": "'5f2b0f5e-6a7c-4a52-9d2e-3c1b0a9d8e7f'",
        "interval": "'1 day'", "timetz": "'10:00+02'", "inet": "'10.0.0.1'", "money": "12", "point": "'(1,2)'",
        "bit(3)": "'101'", "mood": "'glad'", "pair": "'(1,x)'", "zip": "'90210'", "oid": "7",
    }  # fmt: skip
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(values))
    database.run(
        "CREATE TYPE mood AS ENUM ('glad')", "CREATE TYPE pair AS (a int, b text)", "CREATE DOMAIN zip AS text",
        f"CREATE TABLE odd ({columns})",
        f"INSERT INTO odd VALUES ({', '.join(values.values())})",
        f"INSERT INTO odd VALUES ({', '.join('NULL' for _ in values)})",
        "INSERT INTO odd (c0, c2, c6, c11, c12) VALUES (false, NULL, 'x', '9999-12-31', '-infinity')",
    )  # fmt: skip
    free, slow = opened(database.url), paced(database.url, bytes_per_second=BYTES)
    same = [scanned(connector, "public.odd") for connector in (free, slow)]
    assert same[0] == same[1]
    fast, held = (content(connector, "public.odd", 1 << 19) for connector in (free, slow))
    slow.close()
    assert held.schema.equals(fast.schema, check_metadata=True)
    assert repr(held.to_pydict()) == repr(fast.to_pydict())  # NaN is not equal to itself


@given(sizes=st.lists(st.integers(0, 50), max_size=30), most=st.integers(1, 100))
def test_groups_hold_all_once_and_no_more_than_they_may(sizes: list[int], most: int) -> None:
    found = list(grouped(enumerate(sizes), most))
    for group in found:
        assert group.bytes == sum(sizes[group.first : group.last + 1]) > 0
        assert group.bytes <= most or group.first == group.last
    assert [n for group in found for n in range(group.first, group.last + 1) if sizes[n]] == [
        n for n, size in enumerate(sizes) if size
    ]
