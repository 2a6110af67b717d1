"""Apache ORC files (specification v1), by stripes.

A stripe is decoded as a whole, so that stripes above `LARGEST_STRIPE` are refused by name. Where the stripes are, and
how many rows they have, is read from the file's footer here, as the reader of Arrow does not say it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.connectors.batches import bounded, readable_text
from cluster.connectors.interface import ColumnInfo
from cluster.errors import SourceUnreadable
from cluster.formats.compression import unpacked
from cluster.formats.gathered import Gathered
from cluster.formats.layout import Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import orc

LARGEST_STRIPE = 256 << 20
_MAGIC = b"ORC"
_LARGEST_FOOTER = 64 << 20
_CODECS = {0: "none", 1: "deflate", 2: "snappy-raw", 4: "lz4", 5: "zstandard"}  # not LZO (3)
_ORIGINAL = 1  # the bit of a chunk's head that says it is not compressed


@dataclass(frozen=True)
class _Stripe:
    start: int
    end: int
    rows: int


def inspect(content: Content, way: Way) -> Inspected:
    """Columns and rows from the footer. An empty file has neither."""
    from cluster.formats.arrow_columns import columns_of, logical

    if not content.size:
        return Inspected()
    with _guarded(content), closing(Gathered(content)) as kept:
        file = _opened(kept)
        columns = tuple(
            ColumnInfo(name=name, ordinal=place, type=logical(field.type), physical_type=str(field.type)[:500])
            for place, (name, field) in enumerate(columns_of(file.schema))
        )
        return Inspected(columns, file.nrows)


def plan(content: Content, way: Way, target_bytes: int) -> list[Piece]:
    """Runs of stripes of about `target_bytes` in the file."""
    from cluster.formats.arrow_columns import columns_of

    if not content.size:
        return []
    with _guarded(content), closing(Gathered(content)) as kept:
        file = _opened(kept)
        names = tuple(name for name, _ in columns_of(file.schema))
        stripes = _stripes(kept)
        shape = [str(file.schema.remove_metadata()), file.compression, str(file.writer)]
    pieces: list[Piece] = []
    first = size = rows = 0
    for number, stripe in enumerate(stripes, 1):
        size, rows = size + stripe.end - stripe.start, rows + stripe.rows
        if size >= target_bytes or number == len(stripes):
            if rows and names:
                spec = {"first": first, "end": number}
                extents = tuple((one.start, one.end) for one in stripes[first:number])
                reading = [shape, [one.rows for one in stripes[first:number]]]
                pieces.append(Piece("orc.stripes", spec, names, rows, size, extents, reading))
            first, size, rows = number, 0, 0
    return pieces


def read(content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
    """The rows of the piece. Raises SourceUnreadable for a stripe that is damaged or above `LARGEST_STRIPE`."""
    from cluster.formats.arrow_columns import columns_of, plain

    with _guarded(content), closing(Gathered(content)) as kept:
        file = _opened(kept)
        names = [name for name, _ in columns_of(file.schema)]
        stripes = _stripes(kept)
        wanted = range(spec["first"], spec["end"])
        kept.expect([[(stripes[number].start, stripes[number].end)] for number in wanted])
        for place, number in enumerate(wanted):
            if stripes[number].end - stripes[number].start > LARGEST_STRIPE:
                raise SourceUnreadable(
                    f"{content.name} has a stripe above {LARGEST_STRIPE >> 20} MB, which is decoded as a whole.",
                    "Write it with smaller stripes.",
                )
            kept.turn(place)
            for batch in _cut(file.read_stripe(number), batch_rows):
                yield from shortened(bounded(readable_text(plain(batch, names)), batch_rows, batch_bytes))
                kept.ahead()


def _cut(stripe: "pa.RecordBatch", rows: int) -> "Iterator[pa.RecordBatch]":
    for start in range(0, stripe.num_rows, rows):
        yield stripe.slice(start, rows)


def _opened(content: Gathered) -> "orc.ORCFile":
    import pyarrow as pa
    from pyarrow import orc

    if content.read_at(0, len(_MAGIC)) != _MAGIC:
        raise SourceUnreadable(f"{content.name} is no ORC file.", "Check what writes it.")
    return orc.ORCFile(pa.PythonFile(content.stream(), mode="r"))


def _stripes(content: Gathered) -> list[_Stripe]:
    """By the postscript and the footer, which are messages of Protocol Buffers (orc_proto.proto)."""
    tail = content.read_at(max(0, content.size - 256), 256)
    size = tail[-1]
    script = dict(_fields(tail[-1 - size : -1]))
    length = int(script.get(1, 0))
    if length > _LARGEST_FOOTER:
        raise ValueError
    raw = content.read_at(content.size - 1 - size - length, length)
    codec = _CODECS.get(int(script.get(2, 0)), "")
    footer = _unlz4(raw, int(script.get(3, 0))) if codec == "lz4" else _chunks(raw, codec, content.name)
    found = []
    for number, value in _fields(footer):
        if number == 3 and isinstance(value, bytes):
            told = {key: int(part) for key, part in _fields(value) if isinstance(part, int)}
            start = told.get(1, 0)
            end = start + told.get(2, 0) + told.get(3, 0) + told.get(4, 0)
            if end > content.size:
                raise ValueError
            found.append(_Stripe(start, end, told.get(5, 0)))
    return found


def _chunks(raw: bytes, codec: str, name: str) -> bytes:
    if codec == "none":
        return raw
    out, place = b"", 0
    while place + 3 <= len(raw):
        head = int.from_bytes(raw[place : place + 3], "little")
        body = raw[place + 3 : place + 3 + (head >> 1)]
        out += body if head & _ORIGINAL else unpacked(body, codec, _LARGEST_FOOTER, name)
        place += 3 + (head >> 1)
    return out


def _unlz4(raw: bytes, block: int) -> bytes:
    """A footer of one chunk: LZ4's raw blocks do not say how long they are, so that nulls are left behind it."""
    import pyarrow as pa

    head = int.from_bytes(raw[:3], "little")
    if head & _ORIGINAL:
        return raw[3:]
    if 3 + (head >> 1) < len(raw) or block > _LARGEST_FOOTER:
        raise ValueError
    return bytes(pa.decompress(raw[3:], decompressed_size=block, codec="lz4_raw"))


def _fields(data: bytes) -> "Iterator[tuple[int, int | bytes]]":
    """Number and value of each field of a message: varints and bytes, and what is of fixed length as bytes."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        size, place = _varint(data, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
        yield key >> 3, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80 or shift > 63:
            return value, place


@contextmanager
def _guarded(content: Content) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        raised = SourceUnreadable(
            f"{content.name} is damaged or no ORC file ({type(error).__name__}).", "Write the file again."
        )
    else:
        return
    raise raised from None  # Arrow's message may quote a value
