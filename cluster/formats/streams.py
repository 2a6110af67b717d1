"""Files from front to back in chunks: plain, compressed, or in UTF-16. Memory is bounded by the chunk.

And as a file of Python, for readers that seek.
"""

import codecs
import io
from collections.abc import Iterator
from typing import Any

from cluster.errors import SourceUnreadable
from cluster.formats.compression import decompressed
from cluster.formats.layout import CHUNK, Content

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def chunks(content: Content, start: int = 0, end: int | None = None, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes from `start` to `end` as they are."""
    end = content.size if end is None else end
    while start < end:
        chunk = content.read_at(start, min(size, end - start))
        if not chunk:
            raise SourceUnreadable(f"{content.name} became shorter while it was read.", "Scan it again.")
        start += len(chunk)
        yield chunk


def utf8(parts: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Bytes in UTF-16 as UTF-8, without the byte order mark; what is no character becomes U+FFFD."""
    decoder, first = codecs.getincrementaldecoder(encoding)(errors="replace"), True
    for part in parts:
        text = decoder.decode(part)
        text, first = (text.removeprefix("\ufeff"), False) if first and text else (text, first)
        yield text.encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding that the first bytes of a text file show, and the length of its byte order mark."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name, len(mark)
    even, odd = head[0:2000:2], head[1:2000:2]
    if odd and odd.count(0) > 0.4 * len(odd) and not even.count(0):
        return "utf-16-le", 0
    if even and even.count(0) > 0.4 * len(even) and not odd.count(0):
        return "utf-16-be", 0
    return "utf-8", 0


def plain(content: Content, codec: str, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of the whole file without its compression, if it has one."""
    return decompressed(content, codec, size) if codec else chunks(content, size=size)


def head_of(content: Content, codec: str, size: int) -> bytes:
    """The first `size` bytes, decompressed."""
    if not codec:
        return content.read_at(0, min(size, content.size))
    head = b""
    for part in decompressed(content, codec, 1 << 16):
        head += part
        if len(head) >= size:
            break
    return head[:size]


class SeekableContent(io.RawIOBase):
    """The content as Python's file interface, which Arrow reads by."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._content, self._place = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._content.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def size(self) -> int:
        return self._content.size

    def read(self, size: int = -1) -> Any:
        data = self._content.read_at(self._place, self._left(size))
        self._place += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _left(self, size: int) -> int:
        left = max(0, self._content.size - self._place)
        return left if size < 0 else min(size, left)
