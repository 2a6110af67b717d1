"""A table that is written to between plan and read: what was there is read, wherever an update has moved it."""

from source_targets import Database, Open, asset_of, cells_of


def test_rows_that_an_update_moved_to_the_end_are_still_read(database: Database, opened: Open) -> None:
    database.run(
        "CREATE TABLE t (id int, pad text)", "INSERT INTO t SELECT n, repeat('x', 200) FROM generate_series(1, 2000) n"
    )
    connector = opened(database.url)
    partitions = connector.plan(asset_of(connector, "public.t"), 1 << 15)
    assert len(partitions) > 2
    database.run("UPDATE t SET pad = repeat('y', 200) WHERE id <= 500")
    cells = cells_of(connector, partitions)
    assert {row["id"] for row in cells} == set(range(1, 2001))
    assert sum(row["pad"][0] == "y" for row in cells) == 500
