"""What a folder or a bucket is to the files connector: something that lists its files and opens one of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cluster.connectors.interface import Problem
from cluster.errors import SourceError
from cluster.formats.layout import Content

MOST_FILES = 200_000
"""Files of a known format that one source may have; a listing that reaches it is not complete."""


@dataclass(frozen=True)
class Entry:
    """A file as listed. `path` is its name below the root; `version` changes with every write."""

    path: str
    size: int
    version: str


class Opened(Content, Protocol):
    """The content of a file in one version of it."""

    version: str


@dataclass
class Listing:
    """What was seen while listing. `ignored` counts files of no known format, `links` those not followed."""

    complete: bool = True
    ignored: int = 0
    links: int = 0
    world_readable: int = 0
    problems: list[Problem] = field(default_factory=list)

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
        """The content of a file; SourceObjectGone if it is gone, or was replaced since it had `version`."""
        ...

    def close(self) -> None: ...
