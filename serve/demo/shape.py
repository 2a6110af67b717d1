"""The shape of the demo estate: how many rows each table has, and one random stream per table.

Every table draws from its own generator, seeded by the estate's seed and the table's name. A table therefore keeps
its rows when another table is added or changed.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl

VERSION = 1
"""Raise it whenever the rows of the same seed change: an estate of another version is built anew."""

TODAY = date(2026, 3, 31)
"""The estate's own today. Nothing in it depends on the clock."""


@dataclass(frozen=True)
class Shape:
    """Row counts of an estate whose event table has `rows` rows (at least 1,000)."""

    rows: int
    seed: int

    @property
    def customers(self) -> int:
        return max(200, self.rows // 20)

    @property
    def orders(self) -> int:
        return max(400, self.rows // 10)

    @property
    def cards(self) -> int:
        return max(100, self.rows // 60)

    @property
    def accounts(self) -> int:
        return max(100, self.rows // 100)

    @property
    def tickets(self) -> int:
        return max(400, self.rows // 25)

    @property
    def employees(self) -> int:
        return max(100, self.rows // 500)

    @property
    def requests(self) -> int:
        return max(500, self.rows // 10)

    @property
    def small(self) -> int:
        """Rows of the tables that are small in life too: devices, credentials, releases."""
        return max(100, self.rows // 500)

    def rng(self, name: str) -> np.random.Generator:
        """The random stream of the table `name`; each call starts it anew."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class Table:
    """One table: its qualified name, its columns as SQL, and the function that makes its rows.

    The frame's columns are those of the table and in its order. `after` is SQL for keys, run once the rows are in.
    """

    name: str
    columns: str
    frame: Callable[[Shape], pl.DataFrame]
    after: str = ""


_KEPT: list[Callable[[], None]] = []


def kept(make: Callable[[Shape], pl.DataFrame]) -> Callable[[Shape], pl.DataFrame]:
    """Keeps the last frame of `make`, for tables that others draw from; `forget` lets all of them go."""
    cached = lru_cache(maxsize=1)(make)
    _KEPT.append(cached.cache_clear)
    return cached


def forget() -> None:
    """Frees every frame kept. The estate is some hundred megabytes, and its builder goes on living."""
    for clear in _KEPT:
        clear()


def put(frame: pl.DataFrame, row: int, **values: str) -> pl.DataFrame:
    """The frame with the named columns of one row replaced by planted values."""
    at = pl.int_range(pl.len()) == row
    return frame.with_columns(
        pl.when(at).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )
