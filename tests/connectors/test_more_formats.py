"""Avro, ORC and Excel: their types, and files that are cut off, damaged, empty, or made to fill the memory."""

import bz2
import datetime as dt
import io
import json
import zipfile
import zlib
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import orc
from source_targets import Open, asset_of, cells_of

from cluster.connectors.batches import UNREADABLE
from cluster.errors import SourceUnreadable
from cluster.formats import avro, excel
from cluster.formats import orc as orc_format
from cluster.formats.layout import Way


class Bytes:
    """A file in memory."""

    near = True

    def __init__(self, data: bytes) -> None:
        self.name, self.size, self._data = "x", len(data), data

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def rows_in(opened: Open, folder: Path, path: str) -> list[dict[str, Any]]:
    connector = opened(folder.as_uri())
    return cells_of(connector, connector.plan(asset_of(connector, path), 1 << 20))


def rows_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    return list(batch.to_pylist())


def avro_of(schema: dict[str, Any], rows: list[dict[str, Any]], **more: Any) -> bytes:
    made = io.BytesIO()
    fastavro.writer(made, schema, rows, **more)
    return made.getvalue()


def record(**types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": type_} for name, type_ in types.items()]}


def test_avro_values_arrive_as_what_they_are(tmp_path: Path, opened: Open) -> None:
    schema = record(
        n=["null", "long"], d={"type": "int", "logicalType": "date"}, u={"type": "string", "logicalType": "uuid"},
        m={"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 3},
        t={"type": "long", "logicalType": "timestamp-millis"}, c={"type": "int", "logicalType": "time-millis"},
        e={"type": "enum", "name": "e", "symbols": ["A", "B"]}, f={"type": "fixed", "name": "f", "size": 2},
        a={"type": "array", "items": "string"}, o=["null", "int", "string"], r=record(x="bytes") | {"name": "inner"},
    )  # fmt: skip
    row = {
        "n": None, "d": dt.date(1969, 12, 31), "u": UUID(int=7), "m": Decimal("-12345678901234567890.123"),
        "t": dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC), "c": dt.time(23, 59, 59), "e": "B", "f": b"\x00\xff",
        "a": ["x", "y"], "o": "text", "r": {"x": b"\x01"},
    }  # fmt: skip
    (tmp_path / "a.avro").write_bytes(avro_of(schema, [row, row | {"n": 5, "o": 3}]))
    first, second = rows_in(opened, tmp_path, "a.avro")
    assert (first["n"], second["n"], first["d"], first["u"]) == (None, 5, dt.date(1969, 12, 31), str(UUID(int=7)))
    assert first["m"] == "-12345678901234567890.123"
    assert first["t"] == dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC)
    assert (first["c"], first["e"], first["f"]) == (dt.time(23, 59, 59), "B", b"\x00\xff")
    assert (json.loads(first["a"]), first["o"], second["o"], json.loads(first["r"])) == (
        ["x", "y"],
        "text",
        "3",
        {"x": "01"},
    )


def test_avro_dates_that_no_calendar_has_are_counted() -> None:
    schema = record(d={"type": "int", "logicalType": "date"}, t={"type": "long", "logicalType": "timestamp-micros"})
    plain = record(d="int", t="long")
    data = avro_of(plain, [{"d": 2**31 - 1, "t": 2**62}, {"d": 0, "t": 0}])
    content = Bytes(data.replace(json.dumps(plain).encode(), json.dumps(plain).encode()))
    swapped = avro_of(schema, [])
    mark = avro._header(Bytes(swapped))
    body = data[avro._header(content).start :].replace(avro._header(content).mark, mark.mark)
    (piece,) = avro.plan(Bytes(swapped + body), Way(), 1 << 20)
    (batch,) = avro.read(Bytes(swapped + body), piece.spec, 10, 1 << 20)
    assert batch.to_pylist()[0] == {"d": None, "t": None}
    assert json.loads(batch.schema.metadata[UNREADABLE]) == {"d": 1, "t": 1}


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | st.text(max_size=30)), max_size=300),
    target=st.integers(1, 5000),
    interval=st.integers(1, 3000),
    codec=st.sampled_from(["null", "deflate", "bzip2", "xz"]),
)
def test_avro_rows_are_read_once_however_the_file_is_cut(
    rows: list[tuple[int, str | None]], target: int, interval: int, codec: str
) -> None:
    given = [{"a": a, "b": b} for a, b in rows]
    content = Bytes(avro_of(record(a="long", b=["null", "string"]), given, codec=codec, sync_interval=interval))
    pieces = avro.plan(content, Way(), target)
    assert all(before.extents[0][1] == after.extents[0][0] for before, after in pairwise(pieces))
    read = [row for piece in pieces for batch in avro.read(content, piece.spec, 50, 1 << 16) for row in rows_of(batch)]
    assert read == given


def _bomb(codec: str) -> bytes:
    """A block that says it has one row and unpacks to a gigabyte."""
    content = Bytes(avro_of(record(a="string"), [], codec=codec))
    header = avro._header(content)
    if codec == "deflate":
        packer = zlib.compressobj(9, wbits=-15)
        body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    else:
        body = bz2.compress(bytes(1 << 30))
    size, number = 2 * len(body), b""
    while size >= 128:
        number, size = number + bytes([size & 127 | 128]), size >> 7
    return content.read_at(0, content.size) + b"\x02" + number + bytes([size]) + body + header.mark


def test_an_avro_bomb_is_refused_before_it_is_unpacked() -> None:
    content = Bytes(_bomb("deflate"))
    (piece,) = avro.plan(content, Way(), 1 << 30)
    with pytest.raises(SourceUnreadable, match="above 256 MB"):
        list(avro.read(content, piece.spec, 10, 1 << 20))


@pytest.mark.parametrize("name", ["a.avro", "a.orc", "a.xlsx"])
def test_what_is_cut_off_or_damaged_or_empty_is_named_and_the_rest_goes_on(
    name: str, tmp_path: Path, opened: Open
) -> None:
    made = {"a.avro": _some_avro, "a.orc": _some_orc, "a.xlsx": _some_xlsx}[name]()
    (tmp_path / "good.csv").write_text("id,email\n1,a@example.org\n")
    (tmp_path / f"zero{name}").write_bytes(b"")
    (tmp_path / f"half{name}").write_bytes(made[: len(made) // 2])
    (tmp_path / f"other{name}").write_bytes(b"id,email\n" * 9)
    (tmp_path / f"torn{name}").write_bytes(made[:100] + bytes(50) + made[150:])
    connector = opened(tmp_path.as_uri())
    found = connector.enumerate()
    assert found.complete
    problems = {problem.path for problem in found.problems}
    assert f"other{name}" in problems
    read = 0
    for asset in found.assets:
        try:
            read += len(cells_of(connector, connector.plan(asset, 1 << 20)))
        except SourceUnreadable as error:
            problems.add(asset.path.partition("#")[0] if error.remedy else "")
    assert {f"half{name}", f"other{name}"} <= problems
    assert "good.csv" not in problems
    assert read >= 1
    assert {step.status for step in connector.test()} <= {"passed", "warning"}


@settings(deadline=None, max_examples=60)
@given(kind=st.sampled_from(["avro", "orc", "xlsx"]), place=st.floats(0, 1), change=st.binary(min_size=1, max_size=8))
def test_no_damage_leads_to_anything_but_an_error_of_the_tree(kind: str, place: float, change: bytes) -> None:
    made, module = {
        "avro": (_some_avro, avro), "orc": (_some_orc, orc_format), "xlsx": (_some_xlsx, excel)
    }[kind]  # fmt: skip
    data = bytearray(made())
    start = int(place * (len(data) - 1))
    data[start : start + len(change)] = change
    content = Bytes(bytes(data))
    try:
        tables = excel.tables(content, Way()) if kind == "xlsx" else [""]
        for table in tables:
            way = Way(table=table)
            module.inspect(content, way)
            for piece in module.plan(content, way, 1 << 20):
                for batch in module.read(content, piece.spec, 100, 1 << 20):
                    batch.validate(full=True)
    except SourceUnreadable:
        pass


def _some_avro() -> bytes:
    return avro_of(record(a="long", b="string"), [{"a": n, "b": f"text {n}"} for n in range(200)], codec="deflate")


def _some_orc() -> bytes:
    made = io.BytesIO()
    orc.write_table(pa.table({"a": range(200), "b": [f"text {n}" for n in range(200)]}), made, compression="zlib")
    return made.getvalue()


def _some_xlsx() -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("People")
        sheet.write_row(0, 0, ["id", "email"])
        for number in range(1, 50):
            sheet.write_row(number, 0, [number, f"p{number}@example.org"])
    return made.getvalue()


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "zstd", "lz4"])
def test_orc_stripes_are_found_in_every_codec(compression: str) -> None:
    made = io.BytesIO()
    table = pa.table({"a": range(3000), "b": [f"some text {n % 7}" for n in range(3000)]})
    writer = orc.ORCWriter(made, compression=compression, stripe_size=1024, batch_size=100)
    for start in range(0, 3000, 500):
        writer.write(table.slice(start, 500))
    writer.close()
    content = Bytes(made.getvalue())
    pieces = orc_format.plan(content, Way(), 1)
    assert sum(piece.rows_estimate or 0 for piece in pieces) == 3000
    assert len(pieces) == orc.ORCFile(made).nstripes
    read = [batch.to_pylist() for piece in pieces for batch in orc_format.read(content, piece.spec, 100, 1 << 20)]
    assert [row for rows in read for row in rows] == table.to_pylist()


def test_each_sheet_is_a_table_and_cells_are_text_as_they_are_stored(tmp_path: Path, opened: Open) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "b.xlsx"), {"default_date_format": "dd/mm/yy"}) as book:
        people, codes, _ = book.add_worksheet("People #1"), book.add_worksheet("codes"), book.add_worksheet("empty")
        people.write_row(0, 0, ["id", "born", "rate", "ok"])
        people.write_row(1, 0, [12345678901234, dt.date(1999, 12, 31), 0.1, True])
        people.write_row(2, 0, [7, None, 2.0, False])
        for number in range(3):
            codes.write_row(number, 0, [f"00{number}", number])
    connector = opened(tmp_path.as_uri())
    found = {asset.path: asset for asset in connector.enumerate().assets}
    assert set(found) == {"b.xlsx#People #1", "b.xlsx#codes"}
    people_rows = rows_in(opened, tmp_path, "b.xlsx#People #1")
    assert people_rows == [
        {"id": "12345678901234", "born": "1999-12-31", "rate": "0.1", "ok": "true"},
        {"id": "7", "born": None, "rate": "2", "ok": "false"},
    ]
    assert [column.name for column in found["b.xlsx#codes"].columns] == ["column_1", "column_2"], "values are no names"
    assert len(rows_in(opened, tmp_path, "b.xlsx#codes")) == 3


@pytest.mark.parametrize("kind", ["packed", "wide"])
def test_a_workbook_that_would_fill_the_memory_is_refused(kind: str, tmp_path: Path, opened: Open) -> None:
    made = io.BytesIO(_some_xlsx())
    out = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == "xl/worksheets/sheet1.xml":
                if kind == "wide":
                    data = data.replace(b'r="B50"', b'r="XFD1048576"')
                else:
                    data = data.replace(b"</sheetData>", b" " * (300 << 20) + b"</sheetData>")
            new.writestr(member.filename, data)
    (tmp_path / "bomb.xlsx").write_bytes(out.getvalue())
    (problem,) = opened(tmp_path.as_uri()).enumerate().problems
    assert (problem.path, problem.code) == ("bomb.xlsx", SourceUnreadable.code)
    assert "too large" in problem.detail


def test_a_directory_that_lies_about_sizes_is_no_way_around(tmp_path: Path, opened: Open) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("xl/worksheets/sheet1.xml", b" " * (8 << 20))
    data = out.getvalue().replace((8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (tmp_path / "lie.xlsx").write_bytes(data)
    (problem,) = opened(tmp_path.as_uri()).enumerate().problems
    assert problem.path == "lie.xlsx"


def test_a_table_that_stands_in_the_middle_of_a_sheet_is_found(tmp_path: Path, opened: Open) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "m.xlsx")) as book:
        sheet = book.add_worksheet("s")
        for number, row in enumerate([["id", "email"], [1, "a@example.org"], ["", ""], [2, "b\r\nc"]]):
            sheet.write_row(number + 3, 2, row)
    assert rows_in(opened, tmp_path, "m.xlsx#s") == [
        {"id": "1", "email": "a@example.org"},
        {"id": "2", "email": "b\r\nc"},
    ]
