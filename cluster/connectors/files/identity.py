"""What tells parts of files apart: their bytes where these are near, else the version of their file.

Bytes of this machine are read and hashed (SHA-256, some 1.5 GB/s) when a file is planned: a part that was moved within
its file, or whose file was written again around it, keeps its fingerprint. From a store the same would be a transfer of
the whole file, so that there the store's own version counts (the entity tag): every part is new once an object is.
"""

import hashlib
from collections.abc import Sequence

from cluster.connectors.files.tree import Opened
from cluster.connectors.fingerprints import digest
from cluster.errors import SourceObjectGone
from cluster.formats.layout import CHUNK, Content, Piece

_GONE = "Scan the source again."


def bytes_digest(content: Content, extents: Sequence[Sequence[int]]) -> str:
    """SHA-256 of the bytes of the extents. Raises SourceObjectGone if the file ends before them."""
    found = hashlib.sha256()
    for start, end in extents:
        for place in range(start, end, CHUNK):
            wanted = min(CHUNK, end - place)
            if len(data := content.read_at(place, wanted)) < wanted:
                raise SourceObjectGone(f"{content.name} became shorter while it was looked at.", _GONE)
            found.update(data)
    return found.hexdigest()


def identify(content: Opened, piece: Piece) -> tuple[str, dict[str, object]]:
    """The fingerprint of a piece, and what `verify` needs to hold a partition to it."""
    if not content.near or not piece.extents:
        return digest(content.version, piece.kind, piece.spec), {}
    sha256 = bytes_digest(content, piece.extents)
    return digest(piece.kind, piece.reading, sha256), {"sha256": sha256, "extents": [list(e) for e in piece.extents]}


def verify(content: Opened, spec: dict[str, object]) -> None:
    """Raises SourceObjectGone if a file that was written to since it was planned no longer holds the same bytes."""
    known, extents = spec.get("sha256"), spec.get("extents")
    if content.version == spec["version"] or known is None or not isinstance(extents, list):
        return
    if bytes_digest(content, extents) != known:
        raise SourceObjectGone(f"{content.name} was written again after it was planned.", _GONE)
