"""What the log of a table says: its columns, its data files, and which of their rows are deleted."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cluster.connectors.interface import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

MOST_DATA_FILES = 1_000_000
"""Data files that one table may have; about 1 KB of memory is taken for each while it is planned."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table. `key` finds it in a data file: a name there, or a field id, by `TableState.by`.

    `arrow` names the type in which it is delivered (see `arrow_type`); None for whatever the file has, as JSON text
    where it is nested. `default` is the text of the value that files without the column have.
    """

    name: str
    type: LogicalType
    physical_type: str
    nullable: bool
    key: str | int
    arrow: str | None
    comment: str | None = None
    default: str | None = None


@dataclass(frozen=True)
class Deletion:
    """Rows deleted from a data file. `form` says how they are written.

    - `inline`: `text` is a deletion vector of Delta in base 85, `length` bytes long.
    - `vector`: a framed deletion vector at `offset` of the file `path`.
    - `puffin`: a file of Iceberg's with deletion vectors, one of which is for the data file `text`.
    - `positions`: an Iceberg position delete file `path`; `text` is the name by which it calls the data file.
    """

    form: Literal["inline", "vector", "puffin", "positions"]
    path: str = ""
    offset: int = 0
    length: int = 0
    text: str = ""
    rows: int = 0


@dataclass(frozen=True)
class DataFile:
    """A data file by its path below the source's root. `constants` are texts of the values its log gives columns.

    `rows` counts what is left after deletions, where the log tells.
    """

    path: str
    size: int
    rows: int | None
    constants: dict[str, str | None] = field(default_factory=dict)
    deletions: tuple[Deletion, ...] = ()


@dataclass(frozen=True)
class TableState:
    """One version of a table. `fingerprint` changes with every commit; `identity` is the table's own identifier."""

    identity: str
    fingerprint: str
    columns: tuple[TableColumn, ...]
    files: tuple[DataFile, ...]
    by: Literal["name", "id"]
    comment: str | None = None
    log_first: bool = False
    """Whether a value that the log gives a column of a file goes before the one that stands in the file."""
    names_of_ids: dict[str, int] | None = None
    """For data files without field ids: the id of each column name (Iceberg's name mapping)."""


def arrow_type(name: str) -> "pa.DataType":
    """The Arrow type of a column by the name that `TableColumn.arrow` has for it."""
    import pyarrow as pa

    kind, _, arguments = name.partition(":")
    if kind == "decimal":
        precision, scale = (int(part) for part in arguments.split(","))
        return pa.decimal128(precision, scale)
    if kind == "timestamp":
        unit, _, zone = arguments.partition(",")
        return pa.timestamp(unit, zone or None)
    return pa.time64(arguments) if kind == "time" else pa.type_for_alias(kind)
