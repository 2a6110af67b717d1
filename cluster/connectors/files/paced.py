"""A folder or bucket whose files are read at a pace: each read is cut into parts that the pace allows."""

from collections.abc import Iterator

from cluster.connectors.files.tree import Entry, Listing, Opened, Tree
from cluster.connectors.pace import Pacer

_LISTED_AT_ONCE = 1000
_ENTRY_BYTES = 400  # of the page of a list, for each key: about what S3 says of one, with a key of 80 characters
_HEAD_BYTES = 1500  # of the answer of a store without its body: 500 to 1,200, with TLS around it


class PacedTree:
    """A tree as it is, at a pace. Queries are the requests to a store; of a folder, the files that are opened."""

    def __init__(self, tree: Tree, pacer: Pacer, *, requests: bool) -> None:
        self.root, self._tree, self._pacer, self._requests = tree.root, tree, pacer, requests

    def list(self, listing: Listing) -> Iterator[Entry]:
        for number, entry in enumerate(self._tree.list(listing)):
            if number % _LISTED_AT_ONCE == 0:
                self._pacer.query()
                self._came(_HEAD_BYTES)
            self._came(_ENTRY_BYTES)
            yield entry

    def open(self, path: str, version: str | None) -> Opened:
        asks = self._tree.asks(version)
        if asks:
            self._pacer.query()
            if self._requests:
                self._pacer.reserve(_HEAD_BYTES)
        found = self._tree.open(path, version)
        if asks:
            self._came(_HEAD_BYTES)
            self._pacer.answered()
        return PacedFile(found, self._pacer, requests=self._requests)

    def asks(self, version: str | None) -> bool:
        return self._tree.asks(version)

    def names(self, folder: str) -> dict[str, int]:
        self._pacer.query()
        found = self._tree.names(folder)
        self._came(_HEAD_BYTES + _ENTRY_BYTES * len(found))
        self._pacer.answered()
        return found

    def _came(self, size: int) -> None:
        """Counts what a store said of its objects. A page of a list comes whole, and is paid for by waiting."""
        if self._requests:
            self._pacer.took(size)

    def close(self) -> None:
        self._tree.close()


class PacedFile:
    """An open file at a pace. What reads it waits."""

    def __init__(self, file: Opened, pacer: Pacer, *, requests: bool) -> None:
        self.name, self.size, self.version, self.near = file.name, file.size, file.version, file.near
        self.shelf = file.shelf
        self._file, self._pacer, self._requests = file, pacer, requests

    def read_at(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        left = min(length, max(0, self.size - offset))
        while left > 0:
            if self._requests:
                self._pacer.query()
            start = offset
            beside = _HEAD_BYTES if self._requests else 0
            part = self._pacer.read(left, lambda size: self._file.read_at(start, size), beside)  # noqa: B023 - at once
            if self._requests:
                self._pacer.answered()
            if not part:
                break
            parts.append(part)
            offset, left = offset + len(part), left - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
