"""Bodies that clients compress, as emitters of OpenLineage do: unpacked before anything looks at them, and to no more
than a body may be."""

import zlib
from typing import Final

_GZIP: Final = 16 + zlib.MAX_WBITS  # what zlib calls a gzip header and trailer
GZIPPED: Final = ("gzip", "x-gzip")


class Unreadable(Exception):
    """The body is not what its encoding says."""


def unpacked(content: bytes, most: int) -> bytes | None:
    """The content of a gzip body of one or more members; None if it is more than `most` bytes. Raises Unreadable."""
    found = bytearray()
    while content:
        member = zlib.decompressobj(_GZIP)
        try:
            found += member.decompress(content, most + 1 - len(found))
        except zlib.error:
            raise Unreadable from None
        if len(found) > most:
            return None
        if not member.eof:
            raise Unreadable
        content = member.unused_data
    return bytes(found)
