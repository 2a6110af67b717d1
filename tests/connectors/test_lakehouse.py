"""Tables of Delta Lake, against what deltalake itself reads of them."""

import json
import shutil
import uuid
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from faulty_proxy import FaultyProxy
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors import open_connector
from cluster.connectors.files.local import LocalTree
from cluster.connectors.interface import Connector, Partition, SourceAccess
from cluster.connectors.lakehouse.deletions import MAGIC, rows_of, z85
from cluster.connectors.lakehouse.planning import MOST_ALONE, plan_table
from cluster.connectors.lakehouse.table import DataFile, TableColumn, TableState
from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreadable

TARGET = 1 << 20
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
LONG = {"name": "a", "type": "long", "nullable": True, "metadata": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    return made


def _connector(folder: Path) -> Connector:
    return open_connector(SourceAccess(source_id="s", url=folder.as_uri()), {})


def _plan(folder: Path, path: str = "t") -> list[Partition]:
    connector = _connector(folder)
    return connector.plan(asset_of(connector, path), TARGET)


def _rows(folder: Path, path: str = "t") -> list[dict[str, Any]]:
    return cells_of(_connector(folder), _plan(folder, path))


def _counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True, default=str) for row in rows)


def _oracle(table: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = DeltaTable(table).to_pyarrow_table().to_pylist()
    return rows


def _commit(table: Path, version: int, *actions: dict[str, Any]) -> None:
    """Writes a commit by hand."""
    (table / "_delta_log").mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(action) + "\n" for action in actions)
    (table / "_delta_log" / f"{version:020}.json").write_text(text)


def _made(fields: list[dict[str, Any]], features: list[str], **configuration: str) -> list[dict[str, Any]]:
    schema = json.dumps({"type": "struct", "fields": fields})
    protocol: dict[str, Any] = {"minReaderVersion": 3, "minWriterVersion": 7}
    protocol |= {"readerFeatures": features, "writerFeatures": features}
    metadata = {"id": str(uuid.uuid4()), "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
                "partitionColumns": [], "configuration": configuration, "createdTime": 0}  # fmt: skip
    return [{"protocol": protocol}, {"metaData": metadata}]


def _added(file: Path, rows: int, **more: Any) -> dict[str, Any]:
    return {"add": {"path": file.name, "partitionValues": {}, "size": file.stat().st_size, "modificationTime": 0,
                    "dataChange": True, "stats": json.dumps({"numRecords": rows}), **more}}  # fmt: skip


@settings(deadline=None, max_examples=12)
@given(
    script=st.lists(
        st.tuples(
            st.sampled_from(["append", "append", "delete", "overwrite", "checkpoint", "widen"]), st.integers(0, 30)
        ),
        max_size=7,
    ),
    parts=st.booleans(),
)
def test_any_history_of_a_delta_table_reads_as_deltalake_reads_it(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]], parts: bool
) -> None:
    folder = tmp_path_factory.mktemp("history")
    table = folder / "t"

    def data(seed: int, **more: Any) -> pa.Table:
        names = ["x/y", "ä b", None, "100%"]
        return pa.table({"a": [seed, seed + 1], "p": [names[seed % 4], "z"], **more})

    write_deltalake(table, data(0), partition_by=["p"] if parts else None)
    for what, seed in script:
        if what == "append":
            write_deltalake(table, data(seed), mode="append", schema_mode="merge")
        elif what == "overwrite":
            write_deltalake(table, data(seed), mode="overwrite", schema_mode="merge")
        elif what == "delete":
            DeltaTable(table).delete(f"a = {seed // 3}")
        elif what == "widen":
            write_deltalake(table, data(seed, extra=[1.5, None]), mode="append", schema_mode="merge")
        else:
            DeltaTable(table).create_checkpoint()
            for old in sorted((table / "_delta_log").glob("*.json"))[:-1]:
                old.unlink()  # as cleaning up a log does
    assert _counted(_rows(folder)) == _counted(_oracle(table))
    (asset,) = _connector(folder).enumerate().assets
    assert (asset.path, asset.kind, asset.format, asset.rows_estimate) == ("t", "table", "delta", len(_oracle(table)))


def test_a_commit_makes_new_only_the_files_it_adds(folder: Path) -> None:
    for number in range(6):
        write_deltalake(folder / "t", pa.table({"a": [number]}), mode="append")
    before = _plan(folder)
    write_deltalake(folder / "t", pa.table({"a": [6]}), mode="append")
    added = _plan(folder)
    assert len({p.fingerprint for p in added} - {p.fingerprint for p in before}) == 1
    DeltaTable(folder / "t").delete("a = 2")
    deleted = _plan(folder)
    assert {p.fingerprint for p in deleted} < {p.fingerprint for p in added}
    DeltaTable(folder / "t").create_checkpoint()
    assert _plan(folder) == deleted
    DeltaTable(folder / "t").optimize.compact()
    assert len(_plan(folder)) == 1
    assert sorted(row["a"] for row in _rows(folder)) == [0, 1, 3, 4, 5, 6]


def test_a_large_file_is_cut_by_row_group(folder: Path) -> None:
    (folder / "t").mkdir()
    file = folder / "t" / "part.parquet"
    pq.write_table(pa.table({"a": np.arange(400_000)}), file, row_group_size=50_000)
    vector = _vector([0, 49_999, 50_000, 399_999])
    inline = {"storageType": "i", "pathOrInlineDv": _z85(vector), "sizeInBytes": len(vector), "cardinality": 4}
    _commit(folder / "t", 0, *_made([LONG], ["deletionVectors"]), _added(file, 400_000, deletionVector=inline))
    partitions = _plan(folder)
    assert len(partitions) > 2
    rows = {row["a"] for row in cells_of(_connector(folder), partitions[::-1], 10_000)}
    assert rows == set(range(400_000)) - {0, 49_999, 50_000, 399_999}


@pytest.mark.parametrize("form", ["u", "i"])
def test_rows_that_a_deletion_vector_deletes_are_not_read(folder: Path, form: str) -> None:
    table = folder / "t"
    table.mkdir()
    file = table / "part.parquet"
    pq.write_table(pa.table({"a": range(100_000)}), file)
    gone = sorted({0, 1, 5, 70_000, 99_999, *range(30_000, 40_000), *range(50_000, 60_000, 2)})
    data = _vector(gone)
    vector: dict[str, Any] = {"storageType": form, "sizeInBytes": len(data), "cardinality": len(gone)}
    if form == "i":
        vector["pathOrInlineDv"] = _z85(data)
    else:
        name = uuid.uuid4()
        (table / "ab").mkdir()
        framed = len(data).to_bytes(4, "big") + data + zlib.crc32(data).to_bytes(4, "big")
        (table / "ab" / f"deletion_vector_{name}.bin").write_bytes(b"\x01" + framed)
        vector |= {"pathOrInlineDv": "ab" + _z85(name.bytes), "offset": 1}
    made = _made([LONG], ["deletionVectors"], **{"delta.enableDeletionVectors": "true"})
    _commit(table, 0, *made, _added(file, 100_000))
    before = _plan(folder)
    removed = {"remove": {"path": file.name, "dataChange": True, "deletionTimestamp": 0}}
    _commit(table, 1, removed, _added(file, 100_000, deletionVector=vector))
    (kept,) = pa.table(DeltaTable(table).deletion_vectors()).column("selection_vector").to_pylist()
    theirs = {place for place, stays in enumerate(kept) if not stays}
    assert theirs == set(gone)  # another reader finds the same in these bytes
    assert {row["a"] for row in _rows(folder)} == set(range(100_000)) - theirs
    assert _plan(folder)[0].fingerprint != before[0].fingerprint
    assert asset_of(_connector(folder), "t").rows_estimate == 100_000 - len(gone)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2**34), st.integers(1, 9000)), max_size=6), st.booleans())
def test_a_bitmap_of_any_form_is_read_as_it_was_written(spans: list[tuple[int, int]], runs: bool) -> None:
    members = BitMap64([row for start, length in spans for row in range(start, start + length)])
    if runs:
        members.run_optimize()
    assert rows_of(MAGIC.to_bytes(4, "little") + members.serialize()).tolist() == list(members)


@pytest.mark.parametrize("cut", [0, 3, 11, 14, 20, 25])
def test_a_bitmap_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ValueError):
        rows_of(_vector([1, 2, 3])[:cut])


@pytest.mark.parametrize("mode", ["name", "id"])
def test_columns_are_found_by_their_mapping(folder: Path, mode: str) -> None:
    table = folder / "t"
    table.mkdir()
    ids = [{b"PARQUET:field_id": str(number).encode()} for number in (1, 2)]
    schema = pa.schema(
        [pa.field("col-1", pa.int64(), metadata=ids[0]), pa.field("col-2", pa.string(), metadata=ids[1])]
    )
    pq.write_table(pa.table([[1], ["x"]], schema=schema), table / "old.parquet")

    def field(name: str, number: int, type_: str) -> dict[str, Any]:
        more = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}
        return {"name": name, "type": type_, "nullable": True, "metadata": more}

    fields = [field("col-2", 1, "long"), field("b", 2, "string"), field("p", 3, "date"), field("new", 4, "double")]
    made = _made(fields, ["columnMapping"], **{"delta.columnMapping.mode": mode})
    made[1]["metaData"]["partitionColumns"] = ["p"]
    _commit(table, 0, *made, _added(table / "old.parquet", 1, partitionValues={"col-3": "2020-02-29"}))
    (row,) = _rows(folder)
    assert {**row, "p": str(row["p"])} == {"col-2": 1, "b": "x", "p": "2020-02-29", "new": None}


def test_what_a_reader_has_to_know_and_is_not_known_here_is_refused(folder: Path) -> None:
    write_deltalake(folder / "good", pa.table({"a": [1]}))
    (folder / "t").mkdir()
    pq.write_table(pa.table({"a": [1]}), folder / "t" / "part.parquet")
    _commit(folder / "t", 0, *_made([LONG], ["rowsFromTheFuture"]), _added(folder / "t" / "part.parquet", 1))
    connector = _connector(folder)
    found = connector.enumerate()
    assert {asset.path: asset.problem for asset in found.assets} == {"good": None, "t": SourceUnreadable.code}
    (problem,) = found.problems
    assert "rowsFromTheFuture" in problem.detail
    assert found.complete
    with pytest.raises(SourceUnreadable):
        connector.plan(found.assets[1], TARGET)


@pytest.mark.parametrize("path", ["../outside.parquet", "file:///etc/outside.parquet", "/etc/outside.parquet"])
def test_files_outside_of_the_source_are_never_opened(folder: Path, path: str) -> None:
    pq.write_table(pa.table({"a": [1]}), folder.parent / "outside.parquet")
    action = _added(folder.parent / "outside.parquet", 1)
    action["add"]["path"] = path if path.startswith(("/", "file")) else f"../{path}"
    _commit(folder / "t", 0, *_made([LONG], []), action)
    (problem,) = _connector(folder).enumerate().problems
    assert problem.code == SourceDenied.code


def test_a_damaged_or_torn_log_is_refused_without_quoting_it(folder: Path) -> None:
    def torn(damage: Callable[[Path], object]) -> SourceError:
        shutil.rmtree(folder / "t", ignore_errors=True)
        for number in range(4):
            write_deltalake(folder / "t", pa.table({"a": [number]}), mode="append")
        damage(folder / "t" / "_delta_log")
        connector = _connector(folder)
        (asset,) = connector.enumerate().assets
        assert asset.problem == SourceUnreadable.code
        with pytest.raises(SourceUnreadable) as raised:
            connector.plan(asset, TARGET)
        return raised.value

    torn(lambda log: (log / f"{1:020}.json").unlink())
    assert "secret" not in str(torn(lambda log: (log / f"{3:020}.json").write_text('{"add": "secret')))
    torn(lambda log: (log / f"{3:020}.json").write_text('{"add": {"path": 5}}'))
    torn(lambda log: (log / f"{3:020}.checkpoint.parquet").write_bytes(b"secret, no parquet"))


def test_checkpoints_of_several_parts_and_with_side_files_are_read(folder: Path) -> None:
    for form in ("parts", "sidecar"):
        table = folder / form
        for number in range(5):
            write_deltalake(table, pa.table({"a": [number]}), mode="append")
        DeltaTable(table).create_checkpoint()
        log = table / "_delta_log"
        whole = pq.read_table(log / f"{4:020}.checkpoint.parquet")
        (log / f"{4:020}.checkpoint.parquet").unlink()
        (log / "_last_checkpoint").unlink()
        for commit in log.glob("*.json"):
            commit.unlink()
        if form == "parts":
            half = len(whole) // 2
            pq.write_table(whole.slice(0, half), log / f"{4:020}.checkpoint.{1:010}.{2:010}.parquet")
            pq.write_table(whole.slice(half), log / f"{4:020}.checkpoint.{2:010}.{2:010}.parquet")
            pq.write_table(whole.slice(half), log / f"{5:020}.checkpoint.{2:010}.{2:010}.parquet")  # not whole
        else:
            (log / "_sidecars").mkdir()
            adds = whole.filter(pa.compute.is_valid(whole["add"]))
            pq.write_table(adds.select(["add"]), log / "_sidecars" / "side.parquet")
            rest = [row for row in whole.to_pylist() if row["protocol"] or row["metaData"]]
            lines = [{k: v for k, v in row.items() if v is not None and k != "add"} for row in rest]
            lines.append({"sidecar": {"path": "side.parquet", "sizeInBytes": 1, "modificationTime": 0}})
            text = "".join(json.dumps(_without_pairs(line)) + "\n" for line in lines)
            (log / f"{4:020}.checkpoint.{uuid.uuid4()}.json").write_text(text)
        assert sorted(row["a"] for row in _rows(folder, form)) == [0, 1, 2, 3, 4]


def _without_pairs(line: dict[str, Any]) -> dict[str, Any]:
    """A map as an object, which Arrow gives as pairs."""
    for action in line.values():
        for name, value in action.items():
            if name in ("configuration", "options"):
                action[name] = dict(value or ())
        if "format" in action:
            action["format"] = {"provider": "parquet", "options": {}}
    return line


def test_files_that_are_gone_or_replaced_are_gone(folder: Path) -> None:
    write_deltalake(folder / "t", pa.table({"a": [1, 2, 3]}))
    connector = _connector(folder)
    (partition,) = connector.plan(asset_of(connector, "t"), TARGET)
    (file,) = (folder / "t").glob("*.parquet")
    pq.write_table(pa.table({"a": range(9)}), file)
    with pytest.raises(SourceObjectGone):
        cells_of(connector, [partition])
    file.unlink()
    with pytest.raises(SourceObjectGone):
        cells_of(connector, [partition])


def test_other_files_beside_tables_are_assets_of_their_own(folder: Path) -> None:
    write_deltalake(folder / "a" / "t", pa.table({"a": [1]}))
    write_deltalake(folder / "a" / "t" / "inner", pa.table({"a": [2]}))
    (folder / "a" / "t" / "note.csv").write_text("x,y\n1,2\n")
    pq.write_table(pa.table({"a": [1]}), folder / "a" / "t" / "orphan.parquet")
    pq.write_table(pa.table({"a": [1]}), folder / "a" / "loose.parquet")
    assert {asset.path for asset in _connector(folder).enumerate().assets} == {
        "a/t", "a/t/inner", "a/t/note.csv", "a/loose.parquet",
    }  # fmt: skip
    inside = _connector(folder / "a" / "t")
    asset = asset_of(inside, "t")  # the root itself, by its own name
    assert cells_of(inside, inside.plan(asset, TARGET)) == [{"a": 1}]
    assert [step.status for step in inside.test()] == ["passed"] * 4


def test_very_many_small_files_are_read_in_groups_that_stay(folder: Path) -> None:
    column = TableColumn("a", "integer", "long", True, "a", "int64")
    files = tuple(DataFile(f"t/{number}.parquet", 30_000, 10) for number in range(MOST_ALONE + 500))
    state = TableState("id", "f", (column,), files, "name")
    tree = LocalTree(folder)
    partitions = plan_table(tree, state, "t", "delta", TARGET)
    assert len(partitions) < len(files) / 10
    assert sum(p.rows_estimate or 0 for p in partitions) == 10 * len(files)
    assert Counter(f["path"] for p in partitions for f in p.spec["files"]) == Counter(f.path for f in files)
    more = replace(state, files=(*files, DataFile("t/new.parquet", 30_000, 10)))
    after = plan_table(tree, more, "t", "delta", TARGET)
    assert len({p.fingerprint for p in after} - {p.fingerprint for p in partitions}) == 1


def test_a_log_is_read_whole_from_a_store_that_ends_lists_early(bucket: Bucket, opened: Open) -> None:
    for number in range(8):
        place = f"s3://{bucket.name}/lake/t"
        write_deltalake(place, pa.table({"a": [number]}), mode="append", storage_options=bucket.delta_options())
    proxy = FaultyProxy(bucket.endpoint, 1)
    with proxy.serving() as endpoint:
        proxy.always = "no-token"
        connector = opened(bucket.url("lake").replace(bucket.endpoint, endpoint))
        partitions = connector.plan(asset_of(connector, "t"), TARGET)
        assert sorted(row["a"] for row in cells_of(connector, partitions)) == list(range(8))
    assert proxy.spoiled


def _vector(rows: list[int]) -> bytes:
    bitmap = BitMap64(rows)
    bitmap.run_optimize()
    return MAGIC.to_bytes(4, "little") + bitmap.serialize()


def _z85(data: bytes) -> str:
    """By the text of https://rfc.zeromq.org/spec/32."""
    padded, text = data + b"\0" * (-len(data) % 4), ""
    for start in range(0, len(padded), 4):
        number = int.from_bytes(padded[start : start + 4], "big")
        text += "".join(Z85[number // 85**place % 85] for place in range(4, -1, -1))
    assert z85(text)[: len(data)] == data
    return text
