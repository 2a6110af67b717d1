"""Files compressed as a whole, with every codec: all rows, in bounded memory, and no early end without a word."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_targets import Bucket, Open, asset_of, cells_of
from test_csv import Bytes

from cluster.errors import SourceUnreadable
from cluster.formats import format_of
from cluster.formats.compression import decompressed

CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    ".gz": ("gzip", gzip.compress),
    ".bz2": ("bzip2", bz2.compress),
    ".xz": ("xz", lzma.compress),
    ".zst": ("zstd", lambda data: bytes(pa.Codec("zstd").compress(data, asbytes=True))),
}
ROWS = [{"id": str(number), "text": f'a "quoted", \n text {number}'} for number in range(5000)]
CSV = "id,text\n" + "".join('{},"{}"\n'.format(row["id"], row["text"].replace('"', '""')) for row in ROWS)
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.fixture(params=CODECS)
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("kind", "text"), [("csv", CSV), ("jsonl", LINES)])
def test_all_rows_of_all_members_are_read(ending: str, kind: str, text: str, tmp_path: Path, opened: Open) -> None:
    pack, half = CODECS[ending][1], len(text) // 2
    (tmp_path / f"x.{kind}{ending}").write_bytes(pack(text[:half].encode()) + pack(text[half:].encode()))
    connector = opened(tmp_path.as_uri())
    asset = asset_of(connector, f"x.{kind}{ending}")
    assert (asset.format, asset.problem, [column.name for column in asset.columns]) == (kind, None, ["id", "text"])
    partitions = connector.plan(asset, 1 << 12)
    assert len(partitions) == 1
    assert cells_of(connector, partitions) == ROWS


def test_all_rows_are_read_from_a_bucket(ending: str, bucket: Bucket, opened: Open) -> None:
    bucket.put(f"x.csv{ending}", CODECS[ending][1](CSV.encode()))
    connector = opened(bucket.url())
    assert cells_of(connector, connector.plan(asset_of(connector, f"x.csv{ending}"), 1 << 12)) == ROWS


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(CODECS)), st.lists(st.binary(max_size=3000), max_size=4), st.integers(1, 5000))
def test_members_come_out_whole_in_parts_of_any_size(ending: str, members: list[bytes], size: int) -> None:
    codec, pack = CODECS[ending]
    content = Bytes(b"".join(map(pack, members)))
    parts = list(decompressed(content, codec, size))
    assert b"".join(parts) == b"".join(members)
    assert all(0 < len(part) <= size for part in parts)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(CODECS)), st.integers(1, 10**6), st.booleans())
def test_a_file_that_is_cut_or_damaged_never_ends_early_in_silence(ending: str, place: int, cut: bool) -> None:
    codec, pack = CODECS[ending]
    text = b"".join(f"{number * 7919 % 10007},".encode() for number in range(3000))
    data = pack(text)
    place %= len(data)
    cut = cut or codec == "zstd"  # which Arrow writes without a checksum: damage need not show
    broken = data[:place] if cut else data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
    try:
        found = b"".join(decompressed(Bytes(broken), codec))
    except SourceUnreadable:
        return
    assert found == text if not cut else place == 0  # a byte of a header may mean nothing


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_that_is_cut_far_behind_fails_when_it_is_read(
    ending: str, kind: str, tmp_path: Path, opened: Open
) -> None:
    text = "".join(json.dumps({"id": n, "noise": f"{n * 7919 % 1000003:x}" * 9}) + "\n" for n in range(40_000))
    data = CODECS[ending][1](text.encode())
    (tmp_path / f"x.{kind}{ending}").write_bytes(data[: len(data) * 9 // 10])
    connector = opened(f"{tmp_path.as_uri()}?header=false")
    with pytest.raises(SourceUnreadable) as raised:
        cells_of(connector, connector.plan(asset_of(connector, f"x.{kind}{ending}"), 1 << 30))
    assert "7919" not in str(raised.value)


def test_what_expands_a_thousand_times_comes_out_in_small_parts(ending: str) -> None:
    codec, pack = CODECS[ending]
    content = Bytes(pack(b"x" * (64 << 20)))
    assert content.size < 1 << 17
    sizes = [len(part) for part in decompressed(content, codec, 1 << 16)]
    assert (sum(sizes), max(sizes)) == (64 << 20, 1 << 16)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("orders.CSV.Zst", ("csv", "zstd")),
        ("a.ndjson.xz", ("jsonl", "xz")),
        ("a.tsv.bz2", ("csv", "bzip2")),
        ("a.jsonl", ("jsonl", "")),
        ("a.parquet", ("parquet", "")),
        ("a.parquet.gz", None),
        ("a.gz", None),
    ],
)
def test_names_tell_format_and_codec(name: str, expected: tuple[str, str] | None) -> None:
    assert format_of(name) == expected
