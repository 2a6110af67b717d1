"""The files that are measured: those of the demo estate, and its event table as CSV and Parquet.

They are the same bytes for the same number of rows on every machine. One folder is scanned by all that is compared.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from serve.demo.estate import build_files
from serve.demo.shape import Shape
from serve.demo.tickets import events

SEED = 7


@dataclass(frozen=True)
class Corpus:
    """A folder of `files`, which hold `bytes` on disk."""

    folder: Path
    files: tuple[Path, ...]
    bytes: int


def build(folder: Path, rows: int) -> Corpus:
    """Writes the corpus under `folder`; the event table has `rows` rows and the other tables fewer."""
    build_files(folder, SEED, rows)
    table = events(Shape(rows, SEED))
    (folder / "events").mkdir(exist_ok=True)
    table.write_csv(folder / "events" / "events.csv")
    table.write_parquet(folder / "events" / "events.parquet", row_group_size=100_000)
    files = tuple(sorted(p for p in folder.rglob("*") if p.suffix in {".csv", ".parquet", ".jsonl"}))
    return Corpus(folder, files, sum(p.stat().st_size for p in files))


def read(path: Path) -> pl.DataFrame:
    """The whole file as polars reads it with no more typing than needed: CSV as text, the others as they are."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False)
    return pl.read_ndjson(path, infer_schema_length=1_000)


def text_values(corpus: Corpus, count: int) -> tuple[list[str], int, int]:
    """A random sample of the corpus' text values, and how many text values it has and their bytes.

    Every non-null value of every text column has the same chance, repeated values included.
    """
    columns = [s.drop_nulls() for path in corpus.files for s in read(path).get_columns() if s.dtype == pl.String]
    total = sum(map(len, columns))
    draw = random.Random(SEED).sample(range(total), min(count, total))
    values = pl.concat([c.rename("v").rechunk() for c in columns]).gather(sorted(draw)).to_list()
    return values, total, sum(int(c.str.len_bytes().sum()) for c in columns)
