"""Files that can only be read from their beginning, as plain UTF-8: compressed ones, and text in UTF-16."""

import gzip
import io
import zlib
from typing import BinaryIO, cast

from cluster.errors import SourceUnreadable
from cluster.formats.interface import StoredFile

_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_GZIP = b"\x1f\x8b"


def is_stream(file: StoredFile) -> bool:
    """Whether the file has no byte ranges that could be read on their own."""
    with file.open() as stream:
        mark = stream.read(2)
    return mark == _GZIP or mark in _UTF16


def decoded(file: StoredFile) -> BinaryIO:
    """The file's content, unpacked and in UTF-8, without a byte order mark; only reading forward is cheap."""
    stream = file.open()
    mark = stream.read(2)
    stream.seek(0)
    if mark == _GZIP:
        return cast(BinaryIO, _Unpacked(stream, file.path))
    if mark in _UTF16:
        return cast(BinaryIO, _Recoded(stream, _UTF16[mark]))
    return stream


def head(file: StoredFile, size: int) -> str:
    """The first characters of the file, of about `size` bytes."""
    with decoded(file) as stream:
        raw = stream.read(size)
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(raw) - 4:  # a character was cut at the end
            return raw[: error.start].decode("utf-8")
        return raw.decode("cp1252", errors="replace")


class _Forward(io.RawIOBase):
    """Seeking is only understood as far as the block reader needs it: to the beginning, before anything was read."""

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset or whence:
            raise io.UnsupportedOperation("a stream is read from its beginning")
        return 0


class _Unpacked(_Forward):
    def __init__(self, stream: BinaryIO, path: str) -> None:
        self._source, self._path = stream, path
        self._gzip = gzip.GzipFile(fileobj=stream)

    def read(self, size: int = -1) -> bytes:
        try:
            parts, missing = [], size
            while missing > 0 and (part := self._gzip.read(missing)):
                parts.append(part)
                missing -= len(part)
            return b"".join(parts)
        except (OSError, EOFError, zlib.error):
            raise SourceUnreadable(
                f"{self._path} is not a whole gzip file.", "Write it again, or remove it.", {"asset": self._path}
            ) from None

    def close(self) -> None:
        self._source.close()
        super().close()


class _Recoded(_Forward):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._source = stream
        stream.seek(2)
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")

    def read(self, size: int = -1) -> bytes:
        return self._text.read(max(1, size // 2)).encode()

    def close(self) -> None:
        self._text.close()
        super().close()
