"""Tables that differ in what makes a scan dear or cheap: width, types, length and repetition of texts, hits, format.

`draw` makes one at random from a seed. Two families hold different kinds of columns: `shipped` for measuring the rates
that come with Sextant, and `unseen` for testing what is predicted from them.
"""

import gzip
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from stdnum import iban, luhn

Cell = Callable[[random.Random], str]
FORMATS = ("parquet", "csv", "jsonl", "csv.gz")
MOST_DRAWN = 40_000  # texts are drawn in Python, and columns with more distinct ones say nothing new of their cost


@dataclass(frozen=True)
class Workload:
    """A file that was written: what it is, in words, and where."""

    name: str
    path: Path
    rows: int
    columns: int


def draw(family: str, seed: int, folder: Path, sizes: tuple[float, float]) -> Workload:
    """Writes one file of the family under `folder`, of the least to about the most MB of `sizes` as plain text."""
    rng = random.Random(f"{family}:{seed}")
    width = round(2 ** rng.uniform(1, 6.3))
    size = 1e6 * sizes[0] * (sizes[1] / sizes[0]) ** rng.random()
    kinds = FAMILIES[family]
    textual = rng.random()
    chosen = [rng.choice(kinds["text" if rng.random() < textual else "other"]) for _ in range(width)]
    probe = [make(rng, np.random.default_rng(seed), 50) for make in chosen]
    per_row = sum(sum(len(str(v)) + 1 for v in column) / 50 for column in probe)
    rows = max(20, int(size / per_row))
    numbers = np.random.default_rng(rng.getrandbits(32))
    frame = pl.DataFrame({f"{make.__name__}_{i}": make(rng, numbers, rows) for i, make in enumerate(chosen)})
    form = rng.choice(FORMATS)
    path = folder / f"{family}_{seed}.{form}"
    _write(frame, path, form, rng)
    return Workload(f"{form:<8} {width:>3} columns {rows:>7} rows {textual:4.0%} text", path, rows, width)


def _write(frame: pl.DataFrame, path: Path, form: str, rng: random.Random) -> None:
    if form == "parquet":
        groups = max(1, frame.height // rng.choice((1, 2, 4)))
        frame.write_parquet(path, compression=rng.choice(("snappy", "zstd", "uncompressed")), row_group_size=groups)
    elif form == "jsonl":
        frame.write_ndjson(path)
    elif form == "csv":
        frame.write_csv(path)
    else:
        with gzip.open(path, "wb", compresslevel=4) as file:
            frame.write_csv(file)  # type: ignore[call-overload]  # it takes any binary file


def _texts(name: str, cell: Cell, hits: bool = False) -> Callable[..., list[Any]]:
    """A column of texts: from a pool that is small, middling or as large as the column, with nulls or without.

    A class that detectors find is mixed into other words at a share that is drawn: rare, half, or dense.
    """

    def make(rng: random.Random, numbers: np.random.Generator, rows: int) -> list[Any]:
        pool_size = min(rows, MOST_DRAWN, rng.choice((12, 200, 3_000, MOST_DRAWN, MOST_DRAWN)))
        share = rng.choice((0.01, 0.1, 0.5, 0.95, 1.0)) if hits else 1.0
        pool = [cell(rng) if rng.random() < share else _word(rng) for _ in range(pool_size)]
        chosen = numbers.integers(0, pool_size, rows) if pool_size < rows else np.arange(rows)
        nulls = numbers.random(rows) < rng.choice((0.0, 0.0, 0.05, 0.6))
        return [None if empty else pool[place] for place, empty in zip(chosen, nulls, strict=True)]

    make.__name__ = name
    return make


def _letters(rng: random.Random, low: int, high: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(low, high)))


def _word(rng: random.Random) -> str:
    return _letters(rng, 3, 11)


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _sentence(rng: random.Random) -> str:
    return " ".join(_word(rng) for _ in range(rng.randint(4, 30))).capitalize() + "."


def _note(rng: random.Random) -> str:
    return f"{_sentence(rng)} {_word(rng)}@{_word(rng)}.com {_sentence(rng)}"


def _card(rng: random.Random) -> str:
    stem = "4" + _digits(rng, 14)
    return stem + luhn.calc_check_digit(stem)


def _iban(rng: random.Random) -> str:
    account = _digits(rng, 18)
    return "DE" + iban.calc_check_digits("DE00" + account) + account


def _numbers(name: str, of: Callable[[np.random.Generator, int], Any]) -> Callable[..., list[Any]]:
    def make(rng: random.Random, numbers: np.random.Generator, rows: int) -> list[Any]:
        series = pl.Series(of(numbers, rows))
        nulls = pl.Series(numbers.random(rows) < rng.choice((0.0, 0.0, 0.3)))
        return series.to_frame("v").select(pl.when(~nulls).then(pl.col("v"))).to_series()  # type: ignore[return-value]  # a Series serves

    make.__name__ = name
    return make


def _moments(numbers: np.random.Generator, rows: int) -> Any:
    return pl.Series(numbers.integers(1_500_000_000, 1_700_000_000, rows) * 1_000_000).cast(pl.Datetime("us"))


def _days(numbers: np.random.Generator, rows: int) -> Any:
    return pl.Series(numbers.integers(10_000, 19_000, rows).astype("int32")).cast(pl.Date)


FAMILIES: dict[str, dict[str, list[Callable[..., list[Any]]]]] = {
    "shipped": {
        "text": [
            _texts("label", _word),
            _texts("remark", _sentence),
            _texts("reference", lambda r: f"{_letters(r, 2, 2).upper()}-{_digits(r, 6)}"),
            _texts("key", lambda r: f"{r.getrandbits(128):032x}"),
            _texts("mail", lambda r: f"{_word(r)}.{_word(r)}@{_word(r)}.org", hits=True),
            _texts("telephone", lambda r: f"+49 30 {_digits(r, 8)}", hits=True),
            _texts("card", _card, hits=True),
            _texts("account", _iban, hits=True),
            _texts("comment", _note, hits=True),
        ],
        "other": [
            _numbers("count", lambda g, n: g.poisson(30, n)),
            _numbers("identifier", lambda g, n: g.integers(0, 2**52, n)),
            _numbers("amount", lambda g, n: g.gamma(2, 50, n)),
            _numbers("moment", _moments),
            _numbers("flag", lambda g, n: g.random(n) < 0.3),
        ],
    },
    "unseen": {
        "text": [
            _texts("city", lambda r: _word(r).title()),
            _texts("person", lambda r: f"{_word(r).title()} {_word(r).title()}", hits=True),
            _texts("link", lambda r: f"https://{_word(r)}.net/{_word(r)}/{_digits(r, 4)}?q={_word(r)}", hits=True),
            _texts("address", lambda r: f"{r.randint(1, 99)} {_word(r).title()} Street, {_digits(r, 5)}"),
            _texts("host", lambda r: ".".join(str(r.randint(1, 254)) for _ in range(4)), hits=True),
            _texts("contact", lambda r: f"{_word(r)}{_digits(r, 3)}@example.{_letters(r, 2, 3)}", hits=True),
            _texts("social", lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{_digits(r, 4)}", hits=True),
            _texts("uuid", lambda r: "-".join(f"{r.getrandbits(4 * k):0{k}x}" for k in (8, 4, 4, 4, 12))),
            _texts("sku", lambda r: f"{_digits(r, 3)}/{_letters(r, 4, 4)}/{_digits(r, 2)}"),
            _texts("body", lambda r: " ".join(_sentence(r) for _ in range(r.randint(1, 8)))),
            _texts("payload", lambda r: f'{{"a": {r.randint(0, 999)}, "b": "{_word(r)}"}}'),
        ],
        "other": [
            _numbers("age", lambda g, n: g.integers(0, 99, n)),
            _numbers("balance", lambda g, n: np.round(g.normal(1000, 800, n), 2)),
            _numbers("serial", lambda g, n: np.arange(n) + 10**9),
            _numbers("born", _days),
            _numbers("ratio", lambda g, n: g.random(n)),
        ],
    },
}
