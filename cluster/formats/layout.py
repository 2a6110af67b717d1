"""What a format is: the values it takes and gives, and the protocol that each module of this package keeps."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from cluster.connectors.interface import ColumnInfo

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 4 << 20
"""Bytes read at a time when a file is read from front to back."""


class Content(Protocol):
    """The bytes of one file, at any place. `name` is for messages; errors are of the SourceError family.

    `near` says that reading all of it is cheap, as it is on this machine.
    """

    name: str
    size: int
    near: bool

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, fewer only at the end of the file."""
        ...


@runtime_checkable
class Concurrent(Content, Protocol):
    """A content of which several parts may be on their way at once: one in a store, where no budget is to be kept."""

    def begin(self, offset: int, length: int) -> Future[memoryview]:
        """Begins `read_at`. What fails is raised by the result."""
        ...


@dataclass(frozen=True)
class Inspected:
    """What a file's own description or a sample of its rows says of it."""

    columns: tuple[ColumnInfo, ...] = ()
    rows_estimate: int | None = None


@dataclass(frozen=True)
class Piece:
    """A part of a file: `spec` is the format's own, JSON-serialisable, and enough to read it again.

    Its rows are decided by the bytes of `extents` (offsets of beginning and end, in order) and by `reading` alone,
    which is JSON-serialisable too: equal bytes and equal `reading`, equal rows, wherever in a file they lie.
    """

    kind: str
    spec: dict[str, Any]
    columns: tuple[str, ...]
    rows_estimate: int | None = None
    bytes: int | None = None
    extents: tuple[tuple[int, int], ...] = ()
    reading: Any = None


@dataclass(frozen=True)
class Way:
    """How the file is to be taken: its codec (see `compression`), "" for none, and the options of its source.

    `table` is the one that is meant of a file that holds several.
    """

    codec: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    table: str = ""


class Tables(Protocol):
    """Lists the tables of a file, for the formats of which a file holds several. Raises SourceUnreadable."""

    def __call__(self, content: Content, way: Way) -> list[str]: ...


class Format(Protocol):
    """Reads files of one layout. All three raise SourceUnreadable if the bytes are not of this layout."""

    def inspect(self, content: Content, way: Way) -> Inspected: ...

    def plan(self, content: Content, way: Way, target_bytes: int) -> list[Piece]:
        """Pieces of about `target_bytes` that together hold each row exactly once; the same for the same bytes."""
        ...

    def read(
        self, content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int
    ) -> "Iterator[pa.RecordBatch]": ...
