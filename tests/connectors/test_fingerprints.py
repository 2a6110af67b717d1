"""Fingerprints of parts of files change if and only if what the parts hold does."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors.interface import Partition
from cluster.errors import SourceObjectGone

TARGET = 1 << 14
Write = Callable[[Path, int], None]


def _csv(place: Path, rows: int) -> None:
    place.write_text("id,text\n" + "".join(f'{n},"some, text {n}"\n' for n in range(rows)))


def _lines(place: Path, rows: int) -> None:
    place.write_text("".join(json.dumps({"id": n, "text": f"some text {n}"}) + "\n" for n in range(rows)))


LOGS: dict[str, Write] = {"x.csv": _csv, "x.jsonl": _lines}


def _planned(opened: Open, url: str, path: str) -> list[Partition]:
    connector = opened(url)
    return list(connector.plan(asset_of(connector, path), TARGET))


def _prints(opened: Open, folder: Path, path: str) -> list[str]:
    return [partition.fingerprint for partition in _planned(opened, folder.as_uri(), path)]


@pytest.mark.parametrize("name", LOGS)
def test_what_is_appended_leaves_the_parts_before_it_as_they_were(name: str, tmp_path: Path, opened: Open) -> None:
    LOGS[name](tmp_path / name, 30_000)
    before = _prints(opened, tmp_path, name)
    LOGS[name](tmp_path / name, 40_000)
    after = _prints(opened, tmp_path, name)
    assert len(after) > len(before) > 4
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1] != before[-1]


@pytest.mark.parametrize("name", LOGS)
def test_one_changed_byte_makes_one_part_new_and_a_new_date_none(name: str, tmp_path: Path, opened: Open) -> None:
    LOGS[name](tmp_path / name, 30_000)
    before = _prints(opened, tmp_path, name)
    os.utime(tmp_path / name, ns=(1, 1))
    assert _prints(opened, tmp_path, name) == before
    data = bytearray((tmp_path / name).read_bytes())
    place = data.index(b"text 17500") + 5
    data[place] ^= 1
    (tmp_path / name).write_bytes(data)
    after = _prints(opened, tmp_path, name)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_the_names_of_columns_and_the_way_of_reading_count_too(tmp_path: Path, opened: Open) -> None:
    _csv(tmp_path / "x.csv", 2000)
    before = _prints(opened, tmp_path, "x.csv")
    text = (tmp_path / "x.csv").read_text()
    (tmp_path / "x.csv").write_text(text.replace("id,text", "no,text"))
    assert not set(before) & set(_prints(opened, tmp_path, "x.csv"))
    (tmp_path / "x.csv").write_text(text)
    assert _prints(opened, tmp_path, "x.csv") == before
    planned = _planned(opened, f"{tmp_path.as_uri()}?delimiter=tab", "x.csv")
    assert not set(before) & {partition.fingerprint for partition in planned}


def _table(rows: int, changed: int | None = None) -> pa.Table:
    numbers = list(range(rows))
    texts = [f"text {number * 7919 % 10007}" for number in numbers]
    if changed is not None:
        texts[changed] = "another text"
    return pa.table({"id": numbers, "text": texts})


def test_a_rewritten_parquet_file_is_new_only_in_the_row_groups_that_are(tmp_path: Path, opened: Open) -> None:
    place = tmp_path / "x.parquet"
    pq.write_table(_table(20_000), place, row_group_size=2000)
    before = _prints(opened, tmp_path, "x.parquet")
    pq.write_table(_table(20_000, changed=9000), place, row_group_size=2000)  # row groups behind it move
    after = _prints(opened, tmp_path, "x.parquet")
    assert len(before) == len(after) == 10
    assert [number for number in range(10) if before[number] != after[number]] == [4]
    pq.write_table(_table(22_000), place, row_group_size=2000)
    assert _prints(opened, tmp_path, "x.parquet")[:10] == before


def test_the_types_of_a_parquet_file_count_though_its_bytes_are_the_same(tmp_path: Path, opened: Open) -> None:
    place = tmp_path / "x.parquet"
    numbers = pa.array(range(1000), pa.int64())
    seen = set()
    for type_ in (pa.int64(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        pq.write_table(pa.table({"a": numbers.cast(type_)}), place)
        seen |= set(_prints(opened, tmp_path, "x.parquet"))
    assert len(seen) == 3


def test_a_compressed_file_is_one_part_by_its_bytes(tmp_path: Path, opened: Open) -> None:
    place = tmp_path / "x.csv.gz"
    place.write_bytes(gzip.compress(b"id,b\n1,2\n", mtime=0))
    before = _prints(opened, tmp_path, "x.csv.gz")
    place.write_bytes(gzip.compress(b"id,b\n1,2\n", mtime=0))
    assert _prints(opened, tmp_path, "x.csv.gz") == before
    place.write_bytes(gzip.compress(b"id,b\n1,3\n", mtime=0))
    assert _prints(opened, tmp_path, "x.csv.gz") != before


def test_a_part_that_was_written_over_after_it_was_planned_is_gone(tmp_path: Path, opened: Open) -> None:
    log = tmp_path / "x.jsonl"
    _lines(log, 3000)
    connector = opened(tmp_path.as_uri())
    first, *_, last = connector.plan(asset_of(connector, "x.jsonl"), TARGET)
    with log.open("r+b") as file:  # the same file, longer, and its first part is another one
        file.write(b'{"id": 9')
        file.seek(0, os.SEEK_END)
        file.write(b'{"id": 1}\n')
    assert cells_of(connector, [last])
    with pytest.raises(SourceObjectGone):
        cells_of(connector, [first])


def test_of_a_bucket_nothing_is_read_to_tell_its_parts_apart(bucket: Bucket, opened: Open, tmp_path: Path) -> None:
    _csv(tmp_path / "x.csv", 5000)
    data = (tmp_path / "x.csv").read_bytes()
    bucket.put("x.csv", data)
    before = _planned(opened, bucket.url(), "x.csv")
    assert all("sha256" not in partition.spec for partition in before)
    bucket.put("x.csv", data.replace(b'text 7"', b'TEXT 7"'))
    after = _planned(opened, bucket.url(), "x.csv")
    assert not {p.fingerprint for p in before} & {p.fingerprint for p in after}
