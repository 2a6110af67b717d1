"""Names of tables and columns are names, whatever signs are in them: quoted everywhere, and never run as SQL."""

import pytest
from source_targets import Database, Open, asset_of, cells_of

NAMES = [
    "Order Items", 'a"b', "x; DROP TABLE kept", 'y" FROM kept; DROP TABLE kept; --', "select", "%s {} %(a)s", "né 名",
    "dot.ted", "it's", "back\\slash",
]  # fmt: skip


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", NAMES)
def test_a_table_of_any_name_is_planned_and_read_by_it(database: Database, opened: Open, name: str) -> None:
    database.run(
        "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (1)",
        f"CREATE SCHEMA {quoted('s ' + name)}",
        f"CREATE TABLE {quoted('s ' + name)}.{quoted(name)} ({quoted(name)} int, {quoted('n ' + name)} numeric(6,2))",
        f"INSERT INTO {quoted('s ' + name)}.{quoted(name)} SELECT n, n / 2.0 FROM generate_series(1, 3000) n",
    )  # fmt: skip
    connector = opened(database.url)
    (path,) = (asset.path for asset in connector.enumerate().assets if asset.path != "public.kept")
    asset = asset_of(connector, path)
    assert [column.name for column in asset.columns] == [name, f"n {name}"]
    partitions = connector.plan(asset, 1 << 15)
    assert len(partitions) > 1
    cells = cells_of(connector, partitions)
    assert sorted(row[name] for row in cells) == list(range(1, 3001))
    assert sum(row[f"n {name}"] for row in cells) == sum(range(1, 3001)) / 2
    assert cells_of(connector, connector.plan(asset_of(connector, "public.kept"), 1 << 15)) == [{"id": 1}]
