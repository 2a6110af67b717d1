"""What a folder or a bucket is to the files connector: something that lists its files and opens one of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cluster.connectors.interface import Problem
from cluster.connectors.lakehouse.marks import table_of
from cluster.errors import SourceError
from cluster.formats import format_of
from cluster.formats.layout import Content

MOST_FILES = 200_000
"""Files of a known format that one source may have; a listing that reaches it is not complete."""


_TABLES_OWN = ("parquet", "avro", "orc")


@dataclass(frozen=True)
class Entry:
    """A file as listed. `path` is its name below the root; `version` changes with every write, at `modified_at`."""

    path: str
    size: int
    version: str
    modified_at: datetime | None = None


class Opened(Content, Protocol):
    """The content of a file in one version of it."""

    version: str
    shelf: dict[int, bytes]
    """Where a format may keep a few bytes, by their offset, for when this version is opened again."""


@dataclass
class Listing:
    """What was seen while listing. `ignored` counts files of no known format, `links` those not followed."""

    complete: bool = True
    ignored: int = 0
    links: int = 0
    world_readable: int = 0
    problems: list[Problem] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    """Folders that are one table each, with its format: what lies in them is not for a listing to tell."""

    def notice(self, path: str) -> None:
        """Sees the path of any file at all, and whether it shows that a folder is a table."""
        if path.isprintable() and (table := table_of(path)) is not None:
            folder, format_ = table
            if self.tables.get(folder) != "delta":  # which may write Iceberg's metadata too, for others to read
                self.tables[folder] = format_

    def holds(self, path: str) -> bool:
        """Whether a file is of a table, or of what it once held: data and manifests in its folder are no assets."""
        parts = path.split("/")[:-1]
        found = format_of(path)
        if not self.tables or found is None or found[0] not in _TABLES_OWN:
            return False
        return any("/".join(parts[:depth]) in self.tables for depth in range(len(parts) + 1))

    def fail(self, path: str, error: SourceError, *, complete: bool = False) -> None:
        """Notes what could not be listed; where it may hide files the listing is not complete."""
        self.problems.append(Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy))
        self.complete = self.complete and complete


class Tree(Protocol):
    """Raises SourceError only. `root` is the name of the place for messages."""

    root: str

    def list(self, listing: Listing) -> Iterator[Entry]:
        """The files of known formats, in the order of their paths."""
        ...

    def open(self, path: str, version: str | None) -> Opened:
        """The content of a file; SourceObjectGone if it is gone, or was replaced since it had `version`.

        Where `asks` says no, that is raised when it is first read.
        """
        ...

    def asks(self, version: str | None) -> bool:
        """Whether opening a file in that version asks for it: what a store is told with each request need not be."""
        ...

    def names(self, folder: str) -> dict[str, int]:
        """Name and size of every file that lies in the folder itself, of any format; none if there is no folder."""
        ...

    def close(self) -> None: ...
