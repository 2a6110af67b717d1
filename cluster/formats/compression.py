"""Files that are compressed as a whole: gzip, bzip2, xz and Zstandard, as streams of any number of members.

What comes out is never more at once than was asked for, however much a file expands; and a file whose last member does
not end, or whose checksum is wrong, is an error, never an early end.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from cluster.errors import SourceUnreadable
from cluster.formats.layout import CHUNK, Content

SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_DICTIONARY = 192 << 20  # the memory of xz's decoder: its strongest setting takes 65 MB


def codec_of(name: str) -> str:
    """The compression that the end of a file's name in lower case shows; empty for none."""
    return next((codec for suffix, codec in SUFFIXES.items() if name.endswith(suffix)), "")


def without_codec(name: str) -> str:
    """The name without the ending of its compression."""
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def decompressed(content: Content, codec: str, size: int = CHUNK) -> Iterator[bytes]:
    """The decompressed bytes, at most `size` at once. Raises SourceUnreadable for a file that is cut off or damaged."""
    try:
        yield from _zstd(content, size) if codec == "zstd" else _members(content, _ENGINES[codec], size)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):  # Arrow and bz2 raise OSError
        raised = _broken(content, codec)
    else:
        return
    raise raised from None


class _Engine(Protocol):
    """Decompresses one member. `needs_input` is false while there is more to come of what was given."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's engine for gzip (RFC 1952) with the interface that those of bz2 and lzma have."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.eof, self.needs_input, self.unused_data = False, True, b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._engine.decompress(self._engine.unconsumed_tail + data, max_length)
        self.eof, self.unused_data = self._engine.eof, self._engine.unused_data
        self.needs_input = not self._engine.unconsumed_tail
        return out


def _xz() -> _Engine:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, _DICTIONARY)


_ENGINES: dict[str, Callable[[], _Engine]] = {"gzip": _Gzip, "bzip2": bz2.BZ2Decompressor, "xz": _xz}


def _members(content: Content, start: Callable[[], _Engine], size: int) -> Iterator[bytes]:
    engine, begun = start(), False
    for place in range(0, content.size, size):
        rest = content.read_at(place, min(size, content.size - place))
        if not rest:
            raise EOFError
        while rest or (begun and not engine.needs_input):
            if engine.eof:
                engine = start()
            if not begun and not (rest := rest.lstrip(b"\0")):  # padding that some tools append
                break
            out = engine.decompress(rest, size)
            rest, begun = (engine.unused_data, False) if engine.eof else (b"", True)
            if out:
                yield out
    if begun:
        raise EOFError


def _zstd(content: Content, size: int) -> Iterator[bytes]:
    """By Arrow's decoder, which refuses windows above 128 MB (RFC 8878)."""
    import pyarrow as pa

    from cluster.formats.streams import SeekableContent

    stream = pa.CompressedInputStream(pa.PythonFile(SeekableContent(content), mode="r"), "zstd")
    while out := stream.read(size):
        yield out


def _broken(content: Content, codec: str) -> SourceUnreadable:
    return SourceUnreadable(
        f"{content.name} is cut off, damaged, or not compressed with {codec}.", "Write the file again, whole."
    )


def unpacked(data: bytes, codec: str, most: int, name: str) -> bytes:
    """One block in a codec that Avro and ORC know. Raises SourceUnreadable above `most` bytes, or for other codecs."""
    if codec in ("null", "none"):
        return data
    found = _UNPACKERS.get(codec)
    if found is None:
        raise SourceUnreadable(f"{name} is compressed in a way that is not known.", "Write it with deflate or zstd.")
    try:
        out = found(data, most)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        raise SourceUnreadable(f"{name} has a block that is damaged.", "Write the file again, whole.") from None
    if len(out) > most:
        raise SourceUnreadable(f"{name} has a block above {most >> 20} MB.", "Write it with smaller blocks.")
    return out


def _inflated(data: bytes, most: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most + 1)


def _unbzipped(data: bytes, most: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, most + 1)


def _unxzed(data: bytes, most: int) -> bytes:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, _DICTIONARY).decompress(data, most + 1)


def _unzstd(data: bytes, most: int) -> bytes:
    import pyarrow as pa

    return bytes(pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(most + 1))


def _unsnapped(data: bytes, most: int) -> bytes:
    """Snappy's own block, which begins with its length; in Avro a checksum of four bytes follows."""
    import pyarrow as pa

    size = shift = 0
    for byte in data[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > most:
        return bytes(most + 1)
    return bytes(pa.decompress(data, decompressed_size=size, codec="snappy"))


_UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "deflate": _inflated,
    "bzip2": _unbzipped,
    "xz": _unxzed,
    "zstandard": _unzstd,
    "snappy": lambda data, most: _unsnapped(data[:-4], most),
    "snappy-raw": _unsnapped,
}
