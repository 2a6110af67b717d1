"""What an evaluation set is made of: columns with their truth, in tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

NONE: Final = "none"


@dataclass(frozen=True)
class Column:
    """A column and what it holds: `truth` is its class or `none`; `also` are answers that are as right, for cases that
    people would judge differently. An answer of `also` counts as the truth, `none` in it drops the column if the
    product says none."""

    name: str
    values: tuple[Any, ...]
    truth: str = NONE
    also: frozenset[str] = frozenset()
    slices: frozenset[str] = frozenset()

    def judged(self, answer: str) -> str:
        """The answer as it counts: the truth where the answer is as right as it."""
        return self.truth if answer in self.also else answer


@dataclass(frozen=True)
class Table:
    """Columns that stand beside each other. `source` is the set that they come from."""

    name: str
    source: str
    columns: tuple[Column, ...]


def columns_of(tables: list[Table]) -> Iterator[tuple[Table, Column]]:
    for table in tables:
        for column in table.columns:
            yield table, column
