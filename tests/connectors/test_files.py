"""Folders and files as they are found: links, damage, odd names, formats other than CSV."""

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors.interface import Partition
from cluster.errors import SourceDenied, SourceObjectGone, SourceUnreadable

TARGET = 1 << 15


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    return made


def _rows(opened: Open, folder: Path, path: str) -> list[dict[str, Any]]:
    connector = opened(folder.as_uri())
    return cells_of(connector, connector.plan(asset_of(connector, path), TARGET))


def test_a_damaged_file_is_a_problem_of_its_own_and_the_others_go_on(folder: Path, opened: Open) -> None:
    pq.write_table(pa.table({"a": list(range(1000))}), folder / "good.parquet")
    whole = (folder / "good.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (folder / "text.parquet").write_bytes(b"no parquet at all, only text")
    (folder / "footer.parquet").write_bytes(whole[:-60] + b"\0" * 52 + whole[-8:])
    (folder / "none.parquet").write_bytes(b"")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(os.urandom(9000))[:5000])
    (folder / "not.csv.gz").write_bytes(b"a,b\n1,2\n")
    (folder / "none.csv").write_bytes(b"")
    (folder / "none.jsonl").write_bytes(b"")
    connector = opened(folder.as_uri())
    found = connector.enumerate()
    bad = {"cut.parquet", "text.parquet", "footer.parquet", "cut.csv.gz", "not.csv.gz"}
    assert found.complete
    assert {problem.path for problem in found.problems} == bad
    assert all(p.code == SourceUnreadable.code and p.remedy for p in found.problems)
    assert {a.path: a.problem for a in found.assets if a.path not in bad} == dict.fromkeys(
        ("good.parquet", "none.parquet", "none.csv", "none.jsonl")
    )
    for asset in found.assets:
        if asset.path in bad:
            with pytest.raises(SourceUnreadable):
                connector.plan(asset, TARGET)
        elif asset.path.startswith("none"):
            assert (asset.columns, connector.plan(asset, TARGET)) == ((), [])
    steps = {step.name: step.status for step in connector.test()}
    assert steps["SampleRead"] == "warning"


def test_a_page_that_is_damaged_fails_its_partition_without_quoting_it(folder: Path, opened: Open) -> None:
    table = pa.table({"a": [f"secret value {n}" for n in range(20_000)]})
    pq.write_table(table, folder / "t.parquet", row_group_size=10_000, compression="none", use_dictionary=False)
    data = bytearray((folder / "t.parquet").read_bytes())
    data[200:20_000] = os.urandom(19_800)
    (folder / "t.parquet").write_bytes(data)
    connector = opened(folder.as_uri())
    first, second = connector.plan(asset_of(connector, "t.parquet"), TARGET)
    with pytest.raises(SourceUnreadable) as raised:
        list(connector.read(first, 100, 1 << 20))
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__
    assert sum(batch.num_rows for batch in connector.read(second, 100, 1 << 20)) == 10_000


def test_nothing_outside_of_the_folder_is_opened(folder: Path, opened: Open, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("a,b\n1,2\n")
    (folder / "inside.csv").write_text("a,b\n1,2\n")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")
    connector = opened(folder.as_uri())
    found = connector.enumerate()
    assert [asset.path for asset in found.assets] == ["inside.csv"]
    assert found.complete
    facts = connector.facts().extra
    assert (facts["links_not_followed"], facts["files_ignored"]) == (3, 1)
    [planned] = connector.plan(found.assets[0], TARGET)
    for path in ("../outside.csv", "link.csv", "up/outside.csv", "/etc/passwd", "pipe.csv", "loop/../../outside.csv"):
        forged = Partition.model_validate({**planned.model_dump(), "asset": path})
        with pytest.raises((SourceDenied, SourceUnreadable)):
            list(connector.read(forged, 10, 1 << 16))


def test_a_folder_that_may_not_be_listed_leaves_the_enumeration_incomplete(
    folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.csv").write_text("id,b\n1,2\n")
    (folder / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: Path) -> Any:  # root, who may run the tests, is refused nothing
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("cluster.connectors.files.local.os.scandir", refusing)
    found = opened(folder.as_uri()).enumerate()
    assert [asset.path for asset in found.assets] == ["a.csv"]
    assert not found.complete
    assert [(problem.path, problem.code) for problem in found.problems] == [("closed/", SourceDenied.code)]


def test_names_that_cannot_be_written_down_are_problems(folder: Path, opened: Open) -> None:
    (folder / "fine ünïcode.csv").write_text("id,b\n1,2\n")
    os.close(os.open(os.fsencode(folder) + b"/bad\xff.csv", os.O_CREAT))
    (folder / "line\nbreak.csv").write_text("x")
    found = opened(folder.as_uri()).enumerate()
    assert [asset.path for asset in found.assets] == ["fine ünïcode.csv"]
    assert sorted(problem.path for problem in found.problems) == ["bad\\xff.csv", "line\\x0abreak.csv"]
    assert found.complete
    found.model_dump_json().encode()


def test_one_file_can_be_a_source(folder: Path, opened: Open) -> None:
    (folder / "a.csv").write_text("id,b\n1,2\n")
    (folder / "b.csv").write_text("id,b\n1,2\n")
    connector = opened((folder / "a.csv").as_uri())
    [asset] = connector.enumerate().assets
    assert asset.path == "a.csv"
    assert cells_of(connector, connector.plan(asset, TARGET)) == [{"id": "1", "b": "2"}]


def test_a_log_that_grows_can_still_be_read_and_one_that_was_replaced_cannot(folder: Path, opened: Open) -> None:
    log = folder / "log.jsonl"
    log.write_text('{"a": 1}\n' * 10)
    connector = opened(folder.as_uri())
    [partition] = connector.plan(asset_of(connector, "log.jsonl"), TARGET)
    with log.open("a") as file:
        file.write('{"a": 2}\n')
    assert len(cells_of(connector, [partition])) == 10
    (folder / "other").write_text('{"a": 3}\n' * 20)
    (folder / "other").rename(log)
    with pytest.raises(SourceObjectGone):
        list(connector.read(partition, 10, 1 << 16))


def test_the_modes_of_a_folder_tell_whether_it_is_open_to_all(folder: Path, opened: Open) -> None:
    (folder / "a.csv").write_text("id,b\n1,2\n")
    (folder / "a.csv").chmod(0o644)
    folder.chmod(0o700)
    assert opened(folder.as_uri()).facts().public_access is False


def test_json_lines_leave_nothing_out(folder: Path, opened: Open) -> None:
    lines = [
        {"id": 1, "who": {"mail": "a@example.com"}, "tags": ["x", 1], "ok": True, "none": None},
        {"id": "one", "late": 12345678901234567890, "a@example.com": "a key made of data"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "x.jsonl").write_bytes(
        b"\xef\xbb\xbf" + text.encode() + b'\n{"broken": \n[1, 2]\n{"id": "\\ud800"}\n{"id": "\xe9"}'
    )
    first, second, broken, array, half, latin = _rows(opened, folder, "x.jsonl")
    assert first == {
        "id": "1", "who": '{"mail": "a@example.com"}', "tags": '["x", 1]', "ok": "true", "none": None, "late": None,
        "(other)": None,
    }  # fmt: skip
    assert (second["id"], second["late"]) == ("one", "12345678901234567890")
    assert json.loads(second["(other)"]) == {"a@example.com": "a key made of data"}
    assert (broken["(other)"], array["(other)"]) == ('{"broken":', "[1, 2]")
    assert half["id"] == "?"
    assert latin["id"] == "é"


def test_a_key_that_only_a_late_line_has_is_read_too(
    folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.formats.jsonl.SAMPLE_BYTES", 1 << 14)
    line = json.dumps({"a": "x" * 1000}) + "\n"
    with (folder / "x.jsonl").open("w") as file:
        file.write(line * 3000 + json.dumps({"a": "y", "late": "536-48-2917"}) + "\n" + line * 3000)
    rows = _rows(opened, folder, "x.jsonl")
    assert len(rows) == 6001
    assert [row["(other)"] for row in rows if row["(other)"]] == ['{"late": "536-48-2917"}']


def test_parquet_of_every_type(folder: Path, opened: Open) -> None:
    import datetime as dt
    import decimal
    import uuid

    table = pa.table(
        {
            "s": pa.array(["a"]).dictionary_encode(),
            "l": pa.array(["a"], pa.large_string()),
            "d": pa.array([decimal.Decimal("1.50")], pa.decimal128(9, 2)),
            "t": pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)], pa.timestamp("ns")),
            "far": pa.array([2**62], pa.int64()).cast(pa.timestamp("us")),
            "list": pa.array([[1, None]]),
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "struct": pa.array([{"x": {"y": "z"}}]),
            "uuid": pa.array([uuid.UUID(int=7).bytes], pa.uuid()),
            "fixed": pa.array([b"ab"], pa.binary(2)),
            "null": pa.nulls(1),
            "half": pa.array([1.5], pa.float32()).cast(pa.float16()),
            "time": pa.array([dt.time(1, 2)]),
        }
    )
    pq.write_table(table, folder / "t.parquet")
    connector = opened(folder.as_uri())
    kinds = {column.name: column.type for column in asset_of(connector, "t.parquet").columns}
    assert (kinds["s"], kinds["d"], kinds["far"], kinds["list"], kinds["struct"], kinds["fixed"]) == (
        "string", "number", "timestamp", "nested", "nested", "binary",
    )  # fmt: skip
    [row] = _rows(opened, folder, "t.parquet")
    assert (row["s"], row["l"], str(row["d"]), row["far"]) == ("a", "a", "1.50", None)
    assert (row["list"], row["struct"]) == ("[1, null]", '{"x": {"y": "z"}}')
    assert json.loads(row["map"]) == [["k", 1]]
    assert row["uuid"] == str(uuid.UUID(int=7))
    assert (row["fixed"], row["null"], row["half"]) == (b"ab", None, 1.5)


def test_a_row_group_is_not_decoded_as_a_whole(folder: Path, opened: Open) -> None:
    text = "x" * 5000  # a dictionary makes 100 MB of it some kilobytes in the file
    pq.write_table(pa.table({"a": [text] * 20_000}), folder / "t.parquet")
    connector = opened(folder.as_uri())
    [partition] = connector.plan(asset_of(connector, "t.parquet"), 1 << 26)
    before, most, rows = pa.total_allocated_bytes(), 0, 0
    for batch in connector.read(partition, 32_768, 1 << 20):
        most = max(most, pa.total_allocated_bytes() - before)
        rows += batch.num_rows
        assert batch.nbytes <= 1 << 20
    assert rows == 20_000
    assert most < 16 << 20


def test_a_file_that_unpacks_to_a_thousand_times_its_size_stays_bounded(folder: Path, opened: Open) -> None:
    packer = zlib.compressobj(9, wbits=31)
    with (folder / "x.csv.gz").open("wb") as file:
        file.write(packer.compress(b"id,text\n"))
        for _ in range(40):
            file.write(packer.compress(b"1," + b"x" * (1 << 20) + b"\n"))
        file.write(packer.flush())
    connector = opened(folder.as_uri())
    [partition] = connector.plan(asset_of(connector, "x.csv.gz"), TARGET)
    sizes = [batch.nbytes for batch in connector.read(partition, 100, 1 << 20)]
    assert sum(sizes) > 40 << 20
    assert max(sizes) < 3 << 20


def test_an_object_that_is_replaced_while_it_is_read_is_gone(
    bucket: Bucket, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.connectors.files.read_ahead.BLOCK", 1 << 16)  # or all of it would have been read
    bucket.put("t.csv", b"id,b\n" + b"1,22222222\n" * 200_000)
    connector = opened(bucket.url())
    [partition] = connector.plan(asset_of(connector, "t.csv"), 1 << 30)
    batches = connector.read(partition, 100, 1 << 18)
    next(batches)
    bucket.put("t.csv", b"id,b\n" + b"3,44444444\n" * 200_000)
    with pytest.raises(SourceObjectGone):
        list(batches)


def test_a_bucket_that_is_not_there_is_named_so(bucket: Bucket, opened: Open) -> None:
    first, *_ = opened(bucket.url().replace(bucket.name, "no-such-bucket")).test()
    assert (first.status, first.code) == ("failed", SourceObjectGone.code)


def test_facts_of_a_bucket(bucket: Bucket, opened: Open) -> None:
    facts = opened(bucket.url()).facts()
    assert facts.tls is False
    assert facts.public_access is True  # the test's server asks nobody
    assert facts.authenticated is False
    steps = {step.name: step.status for step in opened(bucket.url()).test()}
    assert steps["CheckTLS"] == "warning"
