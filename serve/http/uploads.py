"""A file that came with a request, read as one of a source would be: by the same formats, from memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cluster.errors import SourceUnreadable
from cluster.formats import csv, jsonl, parquet
from cluster.formats.layout import Format, Way

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS: Final[dict[str, Format]] = {"csv": csv, "jsonl": jsonl, "parquet": parquet}
BATCH_ROWS: Final = 32_768
BATCH_BYTES: Final = 16 << 20


@dataclass
class Upload:
    """The bytes of the file (see `Content`)."""

    data: bytes
    name: str = "the file"
    near: bool = True
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, fewer only at the end."""
        return self.data[offset : offset + length]


def batches_of(data: bytes, layout: str) -> "Iterator[pa.RecordBatch]":
    """All rows. Raises SourceUnreadable if the bytes are not of the layout or hold no columns."""
    form, upload = FORMATS[layout], Upload(data)
    pieces = form.plan(upload, Way(), len(data) + 1)
    if not pieces:
        raise SourceUnreadable("The file holds no columns.", "Send one that does.")
    for piece in pieces:
        yield from form.read(upload, piece.spec, BATCH_ROWS, BATCH_BYTES)
