"""Tables of Iceberg in folders and buckets, against what pyiceberg itself reads of them."""

import json
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)  # fmt: skip
from pyiceberg.table import StaticTable, Table
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, StringType
from pyroaring import BitMap64
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors.interface import Partition
from cluster.connectors.lakehouse.deletions import MAGIC
from cluster.errors import SourceObjectGone, SourceUnreadable

TARGET = 1 << 20
Make = Callable[..., Table]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    return made


@pytest.fixture
def table(folder: Path, tmp_path: Path) -> Iterator[Table]:
    """A table at ns/t of the folder, with the columns a (long) and p (string)."""
    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=folder.as_uri())
    catalog.create_namespace("ns")
    yield catalog.create_table("ns.t", schema=pa.schema([("a", pa.int64()), ("p", pa.string())]))
    catalog.close()


def _data(*numbers: int) -> pa.Table:
    return pa.table({"a": pa.array(numbers, pa.int64()), "p": [f"p{number % 3}" for number in numbers]})


def _plan(opened: Open, url: str, path: str = "ns/t") -> list[Partition]:
    connector = opened(url)
    return connector.plan(asset_of(connector, path), TARGET)


def _rows(opened: Open, url: str, path: str = "ns/t") -> list[dict[str, Any]]:
    return sorted(cells_of(opened(url), _plan(opened, url, path)), key=str)


def _newest(folder: Path) -> Path:
    return max((folder / "ns" / "t" / "metadata").glob("*.metadata.json"))


def _theirs(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = StaticTable.from_metadata(str(_newest(folder))).scan().to_arrow().to_pylist()
    return sorted(found, key=str)


def test_a_table_that_changes_reads_as_pyiceberg_reads_it(folder: Path, table: Table, opened: Open) -> None:
    url = folder.as_uri()
    with table.update_spec() as spec:
        spec.add_identity("p")
    table.append(_data(1, 2, 3, 4))
    table.append(_data(5))
    table.delete("a = 2")
    assert _rows(opened, url) == _theirs(folder)
    with table.update_schema() as schema:
        schema.rename_column("a", "b")
    with table.update_schema() as schema:
        schema.add_column("a", StringType())
        schema.add_column("n", LongType())
    table.append(pa.table({"b": [6], "p": ["p0"], "a": ["text"], "n": [7]}))
    with table.update_schema() as schema:
        schema.delete_column("n")
    found = _rows(opened, url)
    assert found == _theirs(folder)
    assert {row["a"] for row in found} == {None, "text"}
    table.overwrite(pa.table({"b": [8], "p": ["p1"], "a": ["x"]}))
    assert _rows(opened, url) == _theirs(folder) == [{"b": 8, "p": "p1", "a": "x"}]
    assert asset_of(opened(url), "ns/t").rows_estimate == 1


def test_a_commit_makes_new_only_the_files_it_adds(folder: Path, table: Table, opened: Open) -> None:
    for number in range(4):
        table.append(_data(number))
    before = _plan(opened, folder.as_uri())
    table.append(_data(9))
    after = _plan(opened, folder.as_uri())
    assert len({p.fingerprint for p in after} - {p.fingerprint for p in before}) == 1
    assert len(after) == 5


def test_a_table_can_be_read_where_it_was_moved_or_copied_to(
    folder: Path, table: Table, opened: Open, bucket: Bucket
) -> None:
    table.append(_data(1, 2, 3))
    expected = _theirs(folder)
    (folder / "ns" / "t").rename(folder / "elsewhere")
    assert _rows(opened, folder.as_uri(), "elsewhere") == expected
    for file in (folder / "elsewhere").rglob("*.*"):
        bucket.put(f"lake/copy/{file.relative_to(folder / 'elsewhere')}", file.read_bytes())
    assert _rows(opened, bucket.url("lake"), "copy") == expected
    assert _rows(opened, bucket.url("lake/copy"), "copy") == expected


def test_the_hint_of_a_catalog_of_files_says_which_metadata_is_the_newest(
    folder: Path, table: Table, opened: Open
) -> None:
    for number in range(3):
        table.append(_data(number))
    metadata = folder / "ns" / "t" / "metadata"
    for place, file in enumerate(sorted(metadata.glob("*.metadata.json"))):
        file.rename(metadata / f"v{place if place < 2 else place + 1}.metadata.json")  # v2 is not there
    assert len(_rows(opened, folder.as_uri())) == 3
    (metadata / "version-hint.text").write_text("1")
    assert len(_rows(opened, folder.as_uri())) == 1


class _Deletes(ManifestWriterV2):
    """Writes manifests of deletes, which pyiceberg reads and does not write."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def _delete(folder: Path, table: Table, content: DataFileContent, format_: FileFormat, file: Path) -> None:
    """Commits a delete file by hand: a new snapshot with one more manifest."""
    io, newest = PyArrowFileIO(), _newest(folder)
    home, metadata, snapshot = newest.parent, json.loads(newest.read_text()), table.current_snapshot()
    assert snapshot is not None
    number, identifier = metadata["last-sequence-number"] + 1, snapshot.snapshot_id + 1
    deleted = DataFile.from_args(
        content=content, file_path=file.as_uri(), file_format=format_, partition=Record(), record_count=1,
        file_size_in_bytes=file.stat().st_size, equality_ids=[1] if "EQUALITY" in content.name else None,
    )  # fmt: skip
    deleted.spec_id = 0
    entry = ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=identifier, data_file=deleted)
    manifest = io.new_output((home / "deletes-m0.avro").as_uri())
    with _Deletes(table.spec(), table.schema(), manifest, identifier, "deflate") as writer:
        writer.add_entry(entry)
    listed = io.new_output((home / "deletes-list.avro").as_uri())
    with write_manifest_list(2, listed, identifier, snapshot.snapshot_id, number, "deflate") as lists:
        lists.add_manifests([*snapshot.manifests(io), writer.to_manifest_file()])
    made = {"snapshot-id": identifier, "parent-snapshot-id": snapshot.snapshot_id, "sequence-number": number,
            "timestamp-ms": snapshot.timestamp_ms + 1, "manifest-list": listed.location, "schema-id": 0,
            "summary": {"operation": "delete"}}  # fmt: skip
    metadata |= {"last-sequence-number": number, "current-snapshot-id": identifier}
    metadata["snapshots"].append(made)
    metadata["refs"]["main"]["snapshot-id"] = identifier
    metadata["last-updated-ms"] = made["timestamp-ms"]
    (home / "00099-by-hand.metadata.json").write_text(json.dumps(metadata))


def _data_file(table: Table, row: int) -> str:
    (found,) = {task.file.file_path for task in table.scan(row_filter=f"a = {row}").plan_files()}
    return found


def test_rows_that_position_deletes_delete_are_not_read(folder: Path, table: Table, opened: Open) -> None:
    table.append(_data(*range(100)))
    table.append(_data(*range(100, 200)))
    url = folder.as_uri()
    before = _plan(opened, url)
    deletes = folder / "ns" / "t" / "data" / "deletes.parquet"
    where = _data_file(table, 150)
    ids = [{b"PARQUET:field_id": str(number).encode()} for number in (2147483546, 2147483545)]
    schema = pa.schema(
        [pa.field("file_path", pa.string(), metadata=ids[0]), pa.field("pos", pa.int64(), metadata=ids[1])]
    )
    pq.write_table(pa.table([[where, where, "another"], [0, 50, 7]], schema=schema), deletes)
    _delete(folder, table, DataFileContent.POSITION_DELETES, FileFormat.PARQUET, deletes)
    found = _rows(opened, url)
    assert {row["a"] for row in found} == set(range(200)) - {100, 150}
    assert found == _theirs(folder)
    assert asset_of(opened(url), "ns/t").rows_estimate is None
    assert not {p.fingerprint for p in _plan(opened, url)} & {p.fingerprint for p in before}  # both may be meant


def test_rows_that_a_deletion_vector_in_a_puffin_file_deletes_are_not_read(
    folder: Path, table: Table, opened: Open
) -> None:
    table.append(_data(*range(100)))
    table.append(_data(*range(100, 200)))
    blobs, body = [], b"PFA1"
    for where, rows in ((_data_file(table, 0), [3, 4, 5]), (_data_file(table, 150), [99])):
        vector = MAGIC.to_bytes(4, "little") + BitMap64(rows).serialize()
        framed = len(vector).to_bytes(4, "big") + vector + zlib.crc32(vector).to_bytes(4, "big")
        blob: dict[str, Any] = {"type": "deletion-vector-v1", "fields": [], "snapshot-id": -1, "sequence-number": -1}
        blob |= {"offset": len(body), "length": len(framed), "properties": {"referenced-data-file": where}}
        blobs.append(blob)
        body += framed
    footer = json.dumps({"blobs": blobs}).encode()
    puffin = folder / "ns" / "t" / "data" / "deletes.puffin"
    puffin.write_bytes(body + b"PFA1" + footer + len(footer).to_bytes(4, "little") + b"\0\0\0\0PFA1")
    _delete(folder, table, DataFileContent.POSITION_DELETES, FileFormat.PUFFIN, puffin)
    found = _rows(opened, folder.as_uri())
    assert {row["a"] for row in found} == set(range(200)) - {3, 4, 5, 199}
    assert found == _theirs(folder)


def test_a_table_with_equality_deletes_is_refused(folder: Path, table: Table, opened: Open) -> None:
    table.append(_data(1, 2))
    deletes = folder / "ns" / "t" / "data" / "deletes.parquet"
    pq.write_table(pa.table({"a": pa.array([1], pa.int64())}), deletes)
    _delete(folder, table, DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, deletes)
    (problem,) = opened(folder.as_uri()).enumerate().problems
    assert (problem.path, problem.code) == ("ns/t", SourceUnreadable.code)
    assert "equality deletes" in problem.detail


def test_files_without_field_ids_are_read_by_the_mapping_of_names_or_not_at_all(
    folder: Path, table: Table, opened: Open
) -> None:
    """As in tables that were made of files that were there before."""
    with table.update_spec() as spec:
        spec.add_identity("p")
    loose = folder / "ns" / "t" / "data" / "p=x" / "loose.parquet"
    loose.parent.mkdir(parents=True)
    pq.write_table(pa.table({"p": ["x"] * 3, "a": [1, 2, 3]}), loose)
    names = [{"field-id": 1, "names": ["a"]}, {"field-id": 2, "names": ["p"]}]
    with table.transaction() as transaction:
        transaction.set_properties({"schema.name-mapping.default": json.dumps(names)})
    table.add_files([f"file://{loose}"], check_duplicate_files=False)
    with table.update_schema() as schema:
        schema.rename_column("a", "b")
    rows = cells_of(opened(folder.as_uri()), _plan(opened, folder.as_uri()))
    assert rows == [{"b": number, "p": "x"} for number in (1, 2, 3)]
    metadata = json.loads(_newest(folder).read_text())
    del metadata["properties"]["schema.name-mapping.default"]
    (_newest(folder).parent / "00099-none.metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(SourceUnreadable):
        _rows(opened, folder.as_uri())


def test_a_table_without_its_reader_is_a_problem_and_no_loose_files(
    folder: Path, table: Table, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.append(_data(1))
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    found = opened(folder.as_uri()).enumerate()
    assert [(asset.path, asset.problem) for asset in found.assets] == [("ns/t", SourceUnreadable.code)]
    assert "lakehouse" in found.problems[0].remedy


@pytest.mark.parametrize("damage", ["metadata", "manifest", "gone"])
def test_damaged_metadata_is_refused_without_quoting_it(folder: Path, table: Table, opened: Open, damage: str) -> None:
    table.append(_data(1))
    home = folder / "ns" / "t" / "metadata"
    if damage == "metadata":
        _newest(folder).write_text('{"secret": ')
    elif damage == "manifest":
        next(home.glob("*-m0.avro")).write_bytes(b"secret")
    else:
        next(home.glob("snap-*.avro")).unlink()
    found = opened(folder.as_uri()).enumerate()
    (asset,), (problem,) = found.assets, found.problems
    assert asset.path == problem.path == "ns/t"  # it is there, and so not deleted
    assert asset.problem == problem.code == (SourceObjectGone if damage == "gone" else SourceUnreadable).code
    assert "secret" not in problem.detail
