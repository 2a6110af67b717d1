"""Quality tests decided by reading real sources: a SQLite file, a folder of CSV, the two compared, a PostgreSQL."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from source_targets import Database
from sqlalchemy.engine import make_url

from actors.catalog import worker
from actors.catalog.contract import CheckOutcome, TestOrder
from actors.catalog.worker import QualityTask, evaluate
from cluster.connectors import open_connector
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.security.secrets import seal

ROWS = [(number, f"c{number % 7}", number / 2 if number % 5 else None) for number in range(1, 1001)]


def order(definition: str, column: str = "", **parameters: Any) -> TestOrder:
    told = {"id": f"{definition} {column}", "definition": definition, "column": column, "parameters": parameters}
    return TestOrder.model_validate(told)


TESTS = (
    order("tableRowCountToEqual", value=1000), order("columnValuesToBeUnique", "id"),
    order("columnValuesToBeNotNull", "price"), order("columnValuesToMatchRegex", "code", regex="^c[0-6]$"),
    order("columnValueMaxToBeBetween", "id", maxValueForMaxInCol=1000),
)  # fmt: skip
SQL = (
    order("tableCustomSQLQuery", sqlExpression="SELECT * FROM items WHERE id > 990"),
    order("tableCustomSQLQuery", sqlExpression="SELECT code FROM items LIMIT 1", strategy="COUNT"),
    order("tableCustomSQLQuery", sqlExpression="SELECT * FROM nothing"),
)


@pytest.fixture
def file(tmp_path: Path) -> SourceAccess:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, code TEXT, price REAL)")
        connection.executemany("INSERT INTO items VALUES (?, ?, ?)", ROWS)
    connection.close()
    return SourceAccess(source_id="f", url=f"sqlite://{tmp_path}/shop.db")


@pytest.fixture
def folder(tmp_path: Path) -> SourceAccess:
    place = tmp_path / "files"
    place.mkdir()
    lines = ["id,code,price", *(f"{a},{b},{'' if c is None else c}" for a, b, c in ROWS[:-1]), "1000,other,500.0"]
    (place / "items.csv").write_text("\n".join(lines) + "\n")
    return SourceAccess(source_id="d", url=f"file://{place}")


def asset(access: SourceAccess) -> AssetInfo:
    connector = open_connector(access, {})
    try:
        return next(each for each in connector.enumerate().assets if "items" in each.path)
    finally:
        connector.close()


def statuses(outcomes: list[CheckOutcome]) -> list[tuple[str, float | None]]:
    return [(each.status, each.observed if each.observed is not None else each.failed_rows) for each in outcomes]


def test_a_file_of_a_database_is_read_once_for_all_tests(file: SourceAccess) -> None:
    outcomes = evaluate(QualityTask(access=file, asset=asset(file), tests=(*SQL, *TESTS)))
    assert statuses(outcomes)[:2] == [("Failed", 10.0), ("Aborted", None)]
    assert (outcomes[2].status, "the query" in str(outcomes[2].reason)) == ("Aborted", True)
    assert statuses(outcomes)[3:] == [
        ("Success", 1000.0), ("Success", 0), ("Failed", 200), ("Success", 0), ("Success", 1000.0)]  # fmt: skip


def test_a_query_that_does_not_end_is_ended(file: SourceAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "QUERY_SECONDS", 1)
    endless = "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    test = order("tableCustomSQLQuery", sqlExpression=endless, strategy="COUNT")
    (outcome,) = evaluate(QualityTask(access=file, asset=asset(file), tests=(test,)))
    assert outcome.status == "Aborted"
    assert outcome.reason


def test_files_are_read_and_take_no_sql(folder: SourceAccess) -> None:
    outcomes = evaluate(QualityTask(access=folder, asset=asset(folder), tests=(*TESTS, SQL[0])))
    told = {each.test_id.split()[0]: each for each in outcomes}
    assert told["columnValuesToMatchRegex"].failed_rows == 1
    assert told["tableRowCountToEqual"].status == "Success"
    assert told["tableCustomSQLQuery"].reason == "The source takes no SQL."


def test_two_sources_are_compared_by_their_keys(file: SourceAccess, folder: SourceAccess) -> None:
    test = order("tableDiff", table2="items.csv", keyColumns=["id"], useColumns=["code"])
    lost = order("tableDiff", table2="nowhere", keyColumns=["id"])
    task = QualityTask(
        access=file, asset=asset(file), tests=(test, lost), others={"items.csv": (folder, asset(folder))}
    )
    found, missing = evaluate(task)
    assert (found.status, found.observed) == ("Failed", 1.0)
    assert missing.status == "Aborted"


def test_custom_sql_is_asked_of_a_real_postgresql(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_SECRET_ASKS", "pw")
    database.run(
        "CREATE TABLE items AS SELECT n AS id, 'c' || n AS code, 'a' || n || '@shop.example' AS mail"
        " FROM generate_series(1, 1000) n", "CREATE TABLE secrets (s text)",
        "CREATE FUNCTION emptied() RETURNS bigint LANGUAGE sql AS 'DELETE FROM items; SELECT 0::bigint'",
        "CREATE ROLE asks LOGIN PASSWORD 'pw'", "GRANT SELECT ON items TO asks",
    )  # fmt: skip
    place = make_url(database.url)
    access = SourceAccess(
        source_id="s", url=f"postgresql://{place.host}:{place.port}/{place.database}", options={"sslmode": "disable"},
        sealed=seal({"username": "asks", "password": "ref+env://SEXTANT_SECRET_ASKS"}, "s"),
    )  # fmt: skip
    try:
        tests = tuple(
            order("tableCustomSQLQuery", **parameters)
            for parameters in (
                {"sqlExpression": "SELECT * FROM items WHERE id > 990"},
                {"sqlExpression": "SELECT * FROM items WHERE id < 0;"},
                {"sqlExpression": "SELECT count(*) FROM items", "strategy": "COUNT", "minValue": 1000},
                {"sqlExpression": "SELECT avg(id)::numeric FROM items", "strategy": "COUNT", "maxValue": 500},
                {"sqlExpression": "SELECT mail FROM items LIMIT 1", "strategy": "COUNT"},
                {"sqlExpression": "SELECT emptied()", "strategy": "COUNT"},
                {"sqlExpression": "SELECT * FROM secrets"},
                {"sqlExpression": "SELECT max(mail::int) FROM items", "strategy": "COUNT"},
            )
        )
        outcomes = evaluate(QualityTask(access=access, asset=AssetInfo(path="public.items", kind="table"), tests=tests))
        assert statuses(outcomes)[:4] == [("Failed", 10.0), ("Success", 0.0), ("Success", 1000.0), ("Failed", 500.5)]
        assert [each.status for each in outcomes[4:]] == ["Aborted"] * 4
        assert all(each.reason and "shop.example" not in each.reason for each in outcomes[4:])
        with psycopg.connect(database.url) as connection:
            assert connection.execute("SELECT count(*) FROM items").fetchone() == (1000,)
    finally:
        database.run("DROP OWNED BY asks", "DROP ROLE asks")
