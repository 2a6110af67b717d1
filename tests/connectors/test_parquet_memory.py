"""Parquet files that are wide, or whose row groups and values are large: bounded memory, and every row the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resident import reading
from source_targets import Open, asset_of, cells_of
from test_csv import Bytes

from cluster.errors import SourceUnreadable
from cluster.formats import parquet, parquet_rows
from cluster.formats.gathered import GATHERED
from cluster.formats.layout import Way
from cluster.formats.parquet_pages import extent, pages_of

_ROWS = "cluster.formats.parquet_rows"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One row group of 160 columns, each with a dictionary of 1 MB and pages of 1 MB: 480 MB if all are held."""
    place = tmp_path_factory.mktemp("wide") / "wide.parquet"
    texts = pa.array(np.random.default_rng(1).integers(0, 1 << 62, 80_000)).cast(pa.string())
    table = pa.table({f"c{number}": texts for number in range(160)})
    pq.write_table(table, place, row_group_size=80_000, compression="snappy", max_rows_per_page=1 << 30)
    return place


def test_a_wide_row_group_is_read_a_few_columns_at_a_time(wide: Path) -> None:
    small = {f"{_ROWS}.HELD": 64 << 20, f"{_ROWS}.WINDOW": 64 << 20, f"{_ROWS}.BESIDE": 16 << 20}
    bounded = reading(wide, **small)
    assert bounded["rows"] == 80_000
    assert bounded["grown_mb"] < 200
    assert reading(wide, **{f"{_ROWS}.HELD": 1 << 40})["grown_mb"] > 350  # what the bound saves


def test_a_worker_stays_below_a_gibibyte_by_what_it_may_hold() -> None:
    most = max(parquet_rows.HELD, parquet_rows.WINDOW + max(parquet_rows.LARGEST, parquet_rows.BESIDE))
    assert most + GATHERED <= 720 << 20  # beside some 300 MB of interpreter, libraries and detectors


def test_a_long_row_group_of_long_texts_is_streamed(tmp_path: Path) -> None:
    text = "".join(map(str, range(20_000)))[:100_000]
    column = pa.array([f"{number} {text}" for number in range(3000)])
    pq.write_table(pa.table({"t": column}), tmp_path / "t.parquet", compression="none", use_dictionary=False,
                   data_page_size=8 << 20, write_batch_size=32)  # fmt: skip
    found = reading(tmp_path / "t.parquet")
    assert found["rows"] == 3000
    assert found["grown_mb"] < 200  # of 300 MB


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.none() | st.text(max_size=20),
    "number": st.none() | st.integers(-(2**60), 2**60),
    "list": st.none() | st.lists(st.integers(0, 9), max_size=4),
    "struct": st.none() | st.fixed_dictionaries({"x": st.text(max_size=3), "y": st.none() | st.lists(st.booleans())}),
    "bytes": st.none() | st.binary(max_size=5),
}
TYPES = pa.schema([
    ("text", pa.string()), ("number", pa.int64()), ("list", pa.list_(pa.int64())),
    ("struct", pa.struct([("x", pa.string()), ("y", pa.list_(pa.bool_()))])), ("bytes", pa.binary()),
])  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=60), st.integers(1, 70), st.integers(1, 40),
       st.sampled_from([200, 1500, 1 << 20]))  # fmt: skip
def test_rows_read_in_windows_are_the_rows_read_in_one_go(
    rows: list[dict[str, Any]], group: int, batch_rows: int, window: int
) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, TYPES), sink, row_group_size=group, data_page_size=64)
    content = Bytes(sink.getvalue().to_pybytes(), "x.parquet")
    whole = _rows(content, batch_rows)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HELD": 1, "BESIDE": 1, "WINDOW": window, "_PROBE_ROWS": 4, "_SMALL_CHUNK": 0}.items():
            patch.setattr(parquet_rows, name, value)
        assert _rows(content, batch_rows) == whole
    assert [row["text"] for row in whole] == [row["text"] for row in rows]


def _rows(content: Bytes, batch_rows: int) -> list[dict[str, Any]]:
    pieces = parquet.plan(content, Way(), 1 << 20)
    batches = [batch for piece in pieces for batch in parquet.read(content, piece.spec, batch_rows, 1 << 20)]
    assert all(0 < batch.num_rows <= batch_rows for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


def test_columns_of_equal_names_and_names_with_dots_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    struct = pa.array([{"b": n} for n in range(50)])
    arrays = [pa.array(range(50)), pa.array(range(100, 150)), struct, pa.array(range(200, 250))]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, ["same", "same", "a", "a.b"]), sink)
    content = Bytes(sink.getvalue().to_pybytes(), "x.parquet")
    monkeypatch.setattr(parquet_rows, "HELD", 1)
    monkeypatch.setattr(parquet_rows, "BESIDE", 1)
    first = _rows(content, 7)[0]
    assert first == {"same": 0, "same_2": 100, "a": '{"b": 0}', "a.b": 200}


@pytest.mark.parametrize("options", [
    {}, {"data_page_version": "2.0", "compression": "zstd"}, {"use_dictionary": False, "compression": "none"},
    {"write_page_checksum": True, "compression": "gzip"},
])  # fmt: skip
def test_the_sizes_of_pages_are_found(options: dict[str, Any]) -> None:
    texts = pa.array([f"text {number % 3000}" for number in range(60_000)])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"t": texts}), sink, data_page_size=20_000, **options)
    content = Bytes(sink.getvalue().to_pybytes(), "x.parquet")
    chunk = pq.read_metadata(pa.BufferReader(content.data)).row_group(0).column(0)
    pages = pages_of(content, chunk)
    start, end = extent(chunk)
    assert 0 < pages.packed <= end - start
    assert (pages.dictionary > 3000 * 8) is options.get("use_dictionary", True)
    assert 2000 < pages.unpacked < 300_000
    for junk in (b"\xff", b"\0", b"\x1c", b"\x15"):
        with pytest.raises(ValueError):
            pages_of(Bytes(junk * content.size), chunk)


def test_a_page_above_the_bound_is_refused_by_name(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "HELD", 1 << 20)
    monkeypatch.setattr(parquet_rows, "LARGEST", 4 << 20)
    pq.write_table(pa.table({"t": ["secret" * 1_000_000, "x"]}), tmp_path / "big.parquet")
    connector = opened(tmp_path.as_uri())
    with pytest.raises(SourceUnreadable, match=r"big\.parquet has pages of 5 MB") as raised:
        cells_of(connector, connector.plan(asset_of(connector, "big.parquet"), 1 << 20))
    assert "secret" not in str(raised.value)
    assert raised.value.remedy
