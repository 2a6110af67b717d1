"""What is read of a store in stretches: the bytes that are there, each asked for once, in few requests."""

import io
from concurrent.futures import Future
from typing import Any

import obstore
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import orc
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors.files import objects
from cluster.connectors.files.connector import FilesConnector
from cluster.connectors.files.looking import Looking
from cluster.connectors.files.tree import Entry
from cluster.formats import format_named, gathered
from cluster.formats.gathered import Gathered
from cluster.formats.layout import Way


class Remote:
    """A content that is far, and what was asked of it."""

    name, near = "x.parquet", False

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)
        self.asked: list[tuple[int, int]] = []
        self.shelf: dict[int, bytes] = {}
        self.gone = False

    def read_at(self, offset: int, length: int) -> bytes:
        assert not self.gone
        self.asked.append((offset, min(self.size, offset + length)))
        return self.data[offset : offset + length]


class Abreast(Remote):
    """One of which several parts may be on their way."""

    def begin(self, offset: int, length: int) -> Future[memoryview]:
        found: Future[memoryview] = Future()
        found.set_result(memoryview(self.read_at(offset, length)))
        return found


LENGTHS = st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=4), max_size=6)


@given(
    lengths=LENGTHS, rest=st.integers(0, 40), tail=st.integers(1, 50), part=st.integers(1, 40), most=st.integers(0, 90),
    kind=st.sampled_from([Remote, Abreast]), reads=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 90))),
)  # fmt: skip
def test_a_stretch_has_the_bytes_that_are_there(
    lengths: list[list[tuple[int, int]]], rest: int, tail: int, part: int, most: int,
    kind: type[Remote], reads: list[tuple[int, int]],
) -> None:  # fmt: skip
    stretches, place = [], 0
    for chunks in lengths:
        stretches.append([(place := place + hole, place := place + size) for hole, size in chunks])
    content = kind(bytes(number % 251 for number in range(place + rest)))
    bounds = {"TAIL": tail, "PART": part, "HOLE": 4, "GATHERED": most, "AHEAD": most}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bounds.items():
            patch.setattr(gathered, name, value)
        kept = Gathered(content)
        kept.expect(stretches)
        for number in range(len(stretches)):
            kept.turn(number)
            for offset, length in reads:
                assert kept.read_at(offset, length) == content.data[offset : offset + length]
                kept.ahead()
            held = sum(one.end - one.start for one in kept._parts if one._coming is not None)
            assert held <= 2 * most + part
        kept.close()


@pytest.mark.parametrize("format_", ["parquet", "orc"])
@pytest.mark.parametrize("kind", [Remote, Abreast])
def test_each_byte_is_asked_for_once_in_few_requests(kind: type[Remote], format_: str) -> None:
    texts = [f"{number * 7919 % 100_003} text" for number in range(60_000)]
    table = pa.table({"id": range(60_000), "text": texts, "same": ["x" * 20] * 60_000})
    sink = pa.BufferOutputStream()
    if format_ == "parquet":
        pq.write_table(table, sink, row_group_size=10_000)
    else:
        orc.write_table(table, sink, stripe_size=1 << 16, compression="uncompressed")
    content, module = kind(sink.getvalue().to_pybytes()), format_named(format_)
    pieces = module.plan(content, Way(), content.size // 3)
    rows = 0
    for piece in pieces:
        rows += sum(batch.num_rows for batch in module.read(content, piece.spec, 4096, 1 << 20))
    assert (rows, len(pieces) > 1) == (60_000, True)
    large = [(start, end) for start, end in content.asked if end - start > 16]
    assert len(large) <= 1 + len(pieces), "the end of the file once, and each piece in one request"
    assert sum(end - start for start, end in large) <= content.size + gathered.TAIL


@pytest.mark.parametrize("format_", ["parquet", "orc"])
def test_rows_are_asked_for_also_where_a_plan_has_seen_all_bytes(format_: str) -> None:
    sink, table = pa.BufferOutputStream(), pa.table({"id": range(100)})
    (pq.write_table if format_ == "parquet" else orc.write_table)(table, sink)
    content, module = Abreast(sink.getvalue().to_pybytes()), format_named(format_)
    [piece] = module.plan(content, Way(), 1 << 20)
    content.gone = True
    with pytest.raises(AssertionError):
        list(module.read(content, piece.spec, 1000, 1 << 20))


def test_a_first_batch_does_not_bring_the_whole_file() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": range(400_000)}), sink, row_group_size=100_000, use_dictionary=False)
    content, module = Abreast(sink.getvalue().to_pybytes()), format_named("parquet")
    piece = module.plan(content, Way(), 1 << 30)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathered, "PART", 1 << 16)
        batches = module.read(content, piece.spec, 4096, 1 << 20)
        next(batches)
        first = sum(end - start for start, end in content.asked)
        assert first < content.size / 2
        next(batches)
        assert sum(end - start for start, end in content.asked) > content.size * 0.9


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests for objects, by their names."""
    made: list[str] = []

    def spied(name: str) -> Any:
        call = getattr(obstore, name)
        return lambda *given, **named: (made.append(name), call(*given, **named))[1]

    for name in ("head", "get"):
        monkeypatch.setattr(objects.obstore, name, spied(name))
    return made


def test_a_file_of_a_store_is_looked_into_by_one_request_also_where_it_was_written_again(
    bucket: Bucket, opened: Open, calls: list[str]
) -> None:
    for name in ("ann", "bob", "cid"):
        pl.DataFrame({name: [1]}).write_parquet(made := io.BytesIO())
        bucket.put(f"{name}.parquet", made.getvalue())
    connector = opened(bucket.url())
    assert [asset.columns[0].name for asset in connector.enumerate().assets] == ["ann", "bob", "cid"]
    assert calls == ["get"] * 3
    assert isinstance(connector, FilesConnector)
    looking = Looking(connector._tree, connector._way, several=True)
    assert [asset.path for asset in looking.into([Entry("ann.parquet", 9, '"another"-9')], [])] == ["ann.parquet"]
    assert not list(looking.into([Entry("dan.parquet", 9, '"another"-9')], []))


def test_a_partition_of_an_object_costs_no_request_but_for_its_bytes(
    bucket: Bucket, opened: Open, calls: list[str]
) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": range(200_000)}), sink, row_group_size=50_000, use_dictionary=False)
    bucket.put("t.parquet", sink.getvalue().to_pybytes())
    connector = opened(bucket.url())
    partitions = connector.plan(asset_of(connector, "t.parquet"), 500_000)
    calls.clear()
    assert len(cells_of(connector, partitions)) == 200_000
    assert calls == ["get"] * len(partitions)
    assert len(partitions) == 4
