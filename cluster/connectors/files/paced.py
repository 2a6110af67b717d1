"""A folder or bucket whose files are read at a pace: each read is cut into parts that the pace allows."""

from collections.abc import Iterator

from cluster.connectors.files.tree import Entry, Listing, Opened, Tree
from cluster.connectors.pace import Pacer

_LISTED_AT_ONCE = 1000


class PacedTree:
    """A tree as it is, at a pace. Queries are the requests to a store; of a folder, the files that are opened."""

    def __init__(self, tree: Tree, pacer: Pacer, *, requests: bool) -> None:
        self.root, self._tree, self._pacer, self._requests = tree.root, tree, pacer, requests

    def list(self, listing: Listing) -> Iterator[Entry]:
        for number, entry in enumerate(self._tree.list(listing)):
            if number % _LISTED_AT_ONCE == 0:
                self._pacer.query()
            yield entry

    def open(self, path: str, version: str | None) -> Opened:
        self._pacer.query()
        return PacedFile(self._tree.open(path, version), self._pacer, requests=self._requests)

    def names(self, folder: str) -> dict[str, int]:
        self._pacer.query()
        return self._tree.names(folder)

    def close(self) -> None:
        self._tree.close()


class PacedFile:
    """An open file at a pace. What reads it waits."""

    def __init__(self, file: Opened, pacer: Pacer, *, requests: bool) -> None:
        self.name, self.size, self.version, self.near = file.name, file.size, file.version, file.near
        self._file, self._pacer, self._requests = file, pacer, requests

    def read_at(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        left = min(length, max(0, self.size - offset))
        while left > 0:
            if self._requests:
                self._pacer.query()
            start = offset
            part = self._pacer.read(left, lambda size: self._file.read_at(start, size))  # noqa: B023 - called at once
            if not part:
                break
            parts.append(part)
            offset, left = offset + len(part), left - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
