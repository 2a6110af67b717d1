"""What a file format is: how a file of it is described, cut into parts, and read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from cluster.connectors.interface import ColumnInfo

# Counts that a batch carries in its schema's metadata: cells or records that could not be read as what they should be.
UNREADABLE = b"sextant.unreadable"


@dataclass(frozen=True)
class StoredFile:
    """A file wherever it lies: its size in bytes, and how to open it for reading with seek."""

    path: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class Description:
    """What a file holds. `hints` is what the format needs to read it again (delimiter, encoding ...)."""

    columns: tuple[ColumnInfo, ...]
    rows: int | None = None
    hints: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A part of a file: a kind, what identifies it, and estimates of its rows and bytes."""

    kind: str
    spec: dict[str, Any]
    rows: int | None
    bytes: int


class Format(Protocol):
    """One layout of files. Raises SourceUnreadable for bytes that are not what they claim to be."""

    name: str

    def describe(self, file: StoredFile) -> Description: ...

    def plan(self, file: StoredFile, hints: dict[str, Any], target_bytes: int) -> list[Part]: ...

    def read(
        self, file: StoredFile, columns: tuple[str, ...], spec: dict[str, Any], batch_rows: int, batch_bytes: int
    ) -> Iterator[pa.RecordBatch]: ...


def text_column(name: str, ordinal: int) -> ColumnInfo:
    """A column that is read as text."""
    return ColumnInfo(name=name, ordinal=ordinal, type="string", physical_type="text")
