"""Files that are parts of one table are one asset, and each of them is read once whatever its state."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors.files.resource_sets import LEAST, grouped, oldest, pattern_of
from cluster.connectors.files.tree import Entry
from cluster.errors import SourceUnreadable

PATTERN = "events/day={day}/part-{n}.parquet"


def _written(folder: Path, count: int) -> None:
    for number in range(count):
        place = folder / "events" / f"day=2024-01-{number % 28 + 1:02d}"
        place.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame({"id": [number * 10, number * 10 + 1], "email": ["a@example.org", "b@example.org"]})
        frame.write_parquet(place / f"part-{number:05d}.parquet")


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("events/day=2024-01-01/part-00001.parquet", PATTERN),
        ("logs/2024/01/31.jsonl.gz", "logs/{n}/{n}/{n}.jsonl.gz"),
        ("x/3f2504e0-4f89-11d3-9a0c-0305e82c3301.csv", "x/{id}.csv"),
        ("x/part-0-a1b2c3d4e5f60718-c000.avro", "x/part-{n}-{id}-c{n}.avro"),
        ("people.csv", None),
        ("a/{n}/1.csv", None),
    ],
)
def test_a_pattern_is_what_files_share(path: str, pattern: str | None) -> None:
    assert pattern_of(path) == pattern


@given(st.lists(st.text("ab/-_=.0123456789", min_size=1, max_size=20), max_size=80, unique=True))
def test_every_file_is_in_one_group(names: list[str]) -> None:
    entries = [Entry(f"{name}.csv", 1, "v") for name in names]
    alone, sets = grouped(entries)
    assert Counter(entry.path for entry in [*alone, *(e for found in sets.values() for e in found)]) == Counter(
        entry.path for entry in entries
    )
    assert all(len(found) >= LEAST for found in sets.values())


def test_a_set_with_a_member_of_unknown_age_has_none() -> None:
    known = [Entry(f"{number}.csv", 1, "v", datetime(2024, 1, number + 1, tzinfo=UTC)) for number in range(3)]
    assert oldest(known) == datetime(2024, 1, 1, tzinfo=UTC)
    assert oldest([*known, Entry("x.csv", 1, "v")]) is None


def test_many_files_are_one_asset_and_few_partitions(tmp_path: Path, opened: Open) -> None:
    _written(tmp_path, 60)
    os.utime(next((tmp_path / "events").rglob("*.parquet")), (1_600_000_000, 1_600_000_000))
    (tmp_path / "people.csv").write_text("id\n1\n")
    connector = opened(tmp_path.as_uri())
    found = connector.enumerate()
    assert {asset.path for asset in found.assets} == {PATTERN, "people.csv"}
    asset = asset_of(connector, PATTERN)
    assert (asset.rows_estimate, asset.comment) == (120, "60 files")
    first = min(file.stat().st_mtime for file in (tmp_path / "events").rglob("*.parquet"))
    assert asset.modified_at == datetime.fromtimestamp(int(first), UTC), "a set is as old as its oldest file"
    partitions = connector.plan(asset, 1 << 20)
    assert len(partitions) == 1
    finer = connector.plan(asset, 1000)
    assert len(finer) > 5
    for some in (partitions, finer):
        assert Counter(row["id"] for row in cells_of(connector, some)) == Counter(
            n * 10 + k for n in range(60) for k in (0, 1)
        )


def test_one_file_more_changes_its_partition_only(tmp_path: Path, opened: Open) -> None:
    _written(tmp_path, 60)
    connector = opened(tmp_path.as_uri())
    before = connector.plan(asset_of(connector, PATTERN), 1000)
    _written(tmp_path, 61)
    after = connector.plan(asset_of(connector, PATTERN), 1000)
    same = {partition.fingerprint for partition in before} & {partition.fingerprint for partition in after}
    assert asset_of(connector, PATTERN).fingerprint
    assert len(same) >= len(before) // 2


def test_a_damaged_member_fails_by_name_and_the_others_are_read(tmp_path: Path, opened: Open) -> None:
    _written(tmp_path, 40)
    (tmp_path / "events/day=2024-01-09/part-00008.parquet").write_bytes(b"PAR1 half")
    connector = opened(tmp_path.as_uri())
    rows, failed = 0, []
    for partition in connector.plan(asset_of(connector, PATTERN), 1 << 20):
        try:
            rows += len(cells_of(connector, [partition]))
        except SourceUnreadable as error:
            failed.append(error.detail)
    assert rows == 78
    assert len(failed) == 1
    assert "part-00008" in failed[0]


def test_files_that_have_other_columns_each_stay_apart(tmp_path: Path, opened: Open) -> None:
    for number in range(LEAST):
        (tmp_path / f"table{number}.csv").write_text(f"id,c{chr(97 + number)}\n1,x\n")
    assert len(opened(tmp_path.as_uri()).enumerate().assets) == LEAST


def test_a_set_in_a_store_is_read_like_one_in_a_folder(bucket: Bucket, opened: Open) -> None:
    for number in range(LEAST):
        bucket.put(f"lake/part-{number}.csv", f"id,name\n{number},x\n".encode())
    connector = opened(bucket.url("lake"))
    asset = asset_of(connector, "part-{n}.csv")
    assert asset.modified_at is not None
    partitions = connector.plan(asset, 1 << 20)
    assert len(partitions) == 1
    assert sorted(int(row["id"]) for row in cells_of(connector, partitions)) == list(range(LEAST))
