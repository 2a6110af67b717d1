"""What one kind of SQL database has to answer so that its tables can be listed, cut and read."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cluster.connectors.interface import LogicalType, SourceFacts
from cluster.connectors.key_range import KeyRange

if TYPE_CHECKING:
    import sqlalchemy as sa

Delivered = Literal["int64", "double", "string", "binary"]


@dataclass(frozen=True)
class Relation:
    """A table or view. `key` is an integer column (or pseudo-column) with an index by which it can be cut.

    `shape` is all that the meaning of its stored bytes depends on, and so a part of every fingerprint.
    """

    name: str
    kind: Literal["table", "view"]
    key: str | None = None
    shape: str = ""
    root: int = 0


@dataclass(frozen=True)
class Content:
    """What identifies the rows of a range. `exact`: it is of these rows only, and comes again when they do."""

    mark: str
    exact: bool
    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Survey:
    """What the values of a range are: how each column is delivered, and the most bytes that a row holds."""

    types: dict[str, Delivered]
    most_bytes: int


class Database(Protocol):
    """Raises SourceError only. `name` is for messages."""

    kind: str
    name: str

    def transaction(self, what: str) -> "AbstractContextManager[sa.Connection]":
        """A connection in one read-only transaction, which sees one state of the database. Errors are about `what`."""
        ...

    def relations(self, connection: "sa.Connection") -> list[Relation]:
        """Tables and views, without the database's own."""
        ...

    def content(self, connection: "sa.Connection", relation: Relation, span: KeyRange) -> Content: ...

    def survey(
        self, connection: "sa.Connection", relation: Relation, columns: dict[str, LogicalType], span: KeyRange
    ) -> Survey:
        """`columns` maps names to Sextant's types."""
        ...

    def row_bytes(self, connection: "sa.Connection", relation: Relation, columns: list[str]) -> int:
        """About how many bytes a row has."""
        ...

    def rows(
        self, connection: "sa.Connection", statement: "sa.Select[*tuple[Any, ...]]", size: int
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """The rows as the driver gives them, `size` at a time; text that is not UTF-8 as `bytearray`."""
        ...

    def facts(self) -> SourceFacts: ...

    def close(self) -> None: ...
