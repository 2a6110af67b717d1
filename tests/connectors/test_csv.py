"""CSV as people write it."""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.connectors.batches import EXTRA_CELLS, LONG_ROWS, MENDED, SHORT_ROWS
from cluster.formats import csv as format_
from cluster.formats import csv_blocks, csv_cuts
from cluster.formats.layout import Way


@dataclass
class Bytes:
    """A file in memory; it remembers the most that was asked for at once, and how much in total."""

    data: bytes
    name: str = "x.csv"
    near: bool = True
    most: int = 0
    total: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        self.most = max(self.most, length)
        self.total += length
        return self.data[offset : offset + length]


def _read(content: Bytes, way: Way, target: int = 1 << 20, batch_bytes: int = 1 << 20) -> list[list[str | None]]:
    return [
        list(row.values())
        for piece in format_.plan(content, way, target)
        for batch in format_.read(content, json.loads(json.dumps(piece.spec)), 100_000, batch_bytes)
        for row in batch.to_pylist()
    ]


def _names(data: bytes, **options: str) -> list[str]:
    return [column.name for column in format_.inspect(Bytes(data), Way("", options)).columns]


CELL = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=12),
    st.text(st.sampled_from("\",\n\r;a\t é'"), max_size=8),
    st.sampled_from(["", '"', '""', "\n", "\r\n", 'a"b', '"a', ',"', '\n"']),
)


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 4).flatmap(lambda w: st.lists(st.lists(CELL, min_size=w, max_size=w), min_size=1, max_size=40)),
       st.sampled_from(["\n", "\r\n"]), st.integers(1, 200), st.booleans())  # fmt: skip
def test_every_row_comes_back_once_wherever_the_file_is_cut(
    rows: list[list[str]], end: str, target: int, everything: bool
) -> None:
    rows = [row for row in rows if any(row)]
    text = io.StringIO(newline="")
    everything = everything or any("\r" in cell for row in rows for cell in row)  # Python's writer does not quote it
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    content = Bytes(text.getvalue().encode())
    whole = _with_small_blocks(content, Way("", {"header": "false", "delimiter": ","}), target)
    assert [[cell or "" for cell in row] for row in whole] == rows


@settings(deadline=None, max_examples=80)
@given(st.text(st.sampled_from('",\n\rab'), max_size=120), st.integers(1, 30))
def test_cut_anywhere_even_broken_quotes_are_read_as_python_reads_them(text: str, target: int) -> None:
    """What is no CSV at all is read alike in one piece and in many."""
    content, way = Bytes(("x,y\n" + text).encode()), Way("", {"header": "true", "delimiter": ","})
    assert _with_small_blocks(content, way, target) == _read(content, way)


def _with_small_blocks(content: Bytes, way: Way, target: int) -> list[list[str | None]]:
    least, format_._LEAST_BLOCK = format_._LEAST_BLOCK, 8
    try:
        return _read(content, way, target, 32)
    finally:
        format_._LEAST_BLOCK = least


@pytest.mark.parametrize("final", [False, True])
def test_a_stray_quote_does_not_swallow_the_file(final: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "LONGEST_QUOTED", 200)
    lines = [f"{n},text {n}" for n in range(400)]
    lines[0 if not final else 395] = '0,"never closed'
    content = Bytes(("\n".join(lines) + "\n").encode())
    rows = _with_small_blocks(content, Way("", {"header": "false"}), 1000)
    assert len(rows) == 400
    assert ["0", '"never closed'] in rows
    assert rows == _read(content, Way("", {"header": "false"}))


def test_ragged_rows_are_filled_or_joined_and_counted() -> None:
    content = Bytes(b"a,b,c\n1,2,3\n4\n5,6,7,8,9\n\n,,\n")
    [piece] = format_.plan(content, Way(), 1 << 20)
    [batch] = format_.read(content, piece.spec, 100, 1 << 20)
    assert [list(row.values()) for row in batch.to_pylist()] == [
        ["1", "2", "3"], ["4", None, None], ["5", "6", "7,8,9"], [None, None, None],
    ]  # fmt: skip
    assert batch.schema.metadata == {SHORT_ROWS: b"1", LONG_ROWS: b"1", EXTRA_CELLS: b"2"}


def test_bytes_that_are_not_utf_8_are_taken_for_windows_1252_line_by_line() -> None:
    content = Bytes("name,city\nJosé,Köln\n".encode() + "Zoë,Århus\n".encode("cp1252") + b"x\x81,y\n")
    [piece] = format_.plan(content, Way(), 1 << 20)
    [batch] = format_.read(content, piece.spec, 100, 1 << 20)
    assert [list(row.values()) for row in batch.to_pylist()] == [["José", "Köln"], ["Zoë", "Århus"], ["x\x81", "y"]]
    assert batch.schema.metadata == {MENDED: b"2"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_byte_order_marks_and_utf_16(encoding: str) -> None:
    content = Bytes('näme,b\n1,ü🧭\n2,"x\ny"\n'.encode(encoding))
    assert [column.name for column in format_.inspect(content, Way()).columns] == ["näme", "b"]
    assert _read(content, Way()) == [["1", "ü🧭"], ["2", "x\ny"]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("id;amount\n1;1,5\n2;2,5\n3;3,5\n", ["id", "amount"]),
        ("id\tname\n1\ta\n", ["id", "name"]),
        ("id|name\n1|a\n", ["id", "name"]),
        ("when\n10:00\n11:00\n", ["when"]),
        ("'id','name'\n'1','a, b'\n'2','c, d'\n", ["id", "name"]),
        ('"first, last",x\n"a, b",1\n', ["first, last", "x"]),
        ("a,a,,b\n1,2,3,4\n", ["column_1", "column_2", "column_3", "column_4"]),
    ],
)
def test_the_dialect_is_found_out(text: str, names: list[str]) -> None:
    assert _names(text.encode()) == names


@pytest.mark.parametrize(
    "first",
    ["ann@example.com,Ann", "536-48-2917,Ann", "4111111111111111,x", "2020-01-01,x", "17,Ann", "Berlin,Ann"],
)
def test_a_first_row_of_values_is_not_taken_for_names(first: str) -> None:
    data = f"{first}\nBerlin,1\nParis,2\n".encode()
    assert _names(data) == ["column_1", "column_2"]
    assert len(_read(Bytes(data), Way())) == 3
    assert _names(data, header="true") == first.split(",")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"id,name\n", b"id,name"])
def test_files_without_rows_have_no_pieces(data: bytes) -> None:
    content = Bytes(data)
    assert format_.plan(content, Way(), 1 << 20) == []
    assert [c.name for c in format_.inspect(content, Way()).columns] == (["id", "name"] if b"id" in data else [])


def test_a_file_is_never_asked_for_as_a_whole() -> None:
    content = Bytes(b"id,text\n" + b'1,"some, text"\n' * 900_000)
    pieces = format_.plan(content, Way(), 4 << 20)
    rows = 0
    for piece in pieces:
        rows += sum(batch.num_rows for batch in format_.read(content, piece.spec, 10_000, 1 << 20))
    assert len(pieces) == 3
    assert rows == 900_000
    assert content.most <= 4 << 20


def test_a_thousand_columns() -> None:
    data = (",".join(f"c{n}" for n in range(1000)) + "\n" + (",".join("x" * 1000) + "\n") * 50).encode()
    rows: list[Any] = _read(Bytes(data), Way())
    assert len(rows) == 50
    assert all(row == ["x"] * 1000 for row in rows)


LINES = [
    "a,b\n", '"x, y",z\n', '"two\nlines",q\n', 'stray "quote,w\n', '"never closed,w\n', '"a ""b"" c",d\n', "\r\n",
    "some longer text without any,quote at all\n", 'x,"1\n2\n3\n4\n5\n6\n7"\n', "1,2\n",
]  # fmt: skip


def _record_ends(data: bytes, longest: int) -> set[int]:
    """By the rules of `csv_blocks`, a byte at a time from the beginning."""
    ends, place = {len(data)}, 0
    while place < len(data):
        if data[place] == 10:
            ends.add(place + 1)
        elif data[place] == 34 and (not place or data[place - 1] in b",\n\r"):
            last = place
            while 0 <= (found := data.find(b'"', last + 1)) <= last + longest and data[found + 1 : found + 2] == b'"':
                last = found + 1
            if 0 <= found <= last + longest:
                place = found
            else:  # never closed: it and all quotes on its line are ordinary
                place = data.find(b"\n", place) if b"\n" in data[place:] else len(data)
                ends.add(place + 1)
        place += 1
    return ends


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(LINES), min_size=5, max_size=40), st.integers(3, 16))
def test_a_cut_that_is_proved_locally_is_where_a_record_ends(lines: list[str], longest: int) -> None:
    content, marks = Bytes("".join(lines).encode()), (ord(","), ord('"'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "LONGEST_QUOTED", longest)
        ends = _record_ends(content.data, longest)
        proved = {csv_cuts._proved(content, 0, wanted, marks[1]) for wanted in range(1, content.size)} - {None}
        assert proved <= ends
        for target in (longest, 60):
            parts = list(csv_cuts.ranges(content, 0, marks, target, 8))
            assert {end for _, end in parts} <= ends
            assert [start for start, _ in parts] == [0, *(end for _, end in parts[:-1])]


def test_a_file_without_quotes_where_it_is_cut_is_not_read_to_be_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "LONGEST_QUOTED", 1 << 14)
    rows = b"id,text\n" + b"1,some text\n" * 800_000
    quoted = b'1,"two\nlines"\n'
    content = Bytes(rows[: len(rows) // 2 - 4 - (len(rows) // 2 - 8) % 12] + quoted + rows[len(rows) // 2 :])
    pieces = format_.plan(content, Way(), 1 << 20)
    assert len(pieces) == 9
    assert content.total < content.size // 4
    full = Bytes(b"id,text\n" + b'1,"some, text"\n' * 500_000)
    assert sum(piece.bytes or 0 for piece in format_.plan(full, Way(), 1 << 20)) == full.size - 8
    assert full.total >= full.size * 3 // 4  # nothing proves a cut where each line has quotes
