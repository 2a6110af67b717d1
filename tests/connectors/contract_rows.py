"""The rows that the contract suite reads everywhere, as files of each format."""

import datetime as dt
import gzip
import io
import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import fastavro
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from pyarrow import orc

ROWS = 3000
Row = dict[str, Any]


@cache
def rows_of_main(count: int = ROWS) -> list[Row]:
    rng = random.Random(5)
    words = [
        "plain",
        "with, comma",
        'quote "here"',
        "two\nlines",
        "carriage\r\nreturn",
        "ünïcødé 🧭",
        '5" disk',
        "'x'",
        ";|\t",
    ]
    return [
        {
            "id": number,
            "name": f"{rng.choice(words)} {number}",
            "amount": round(rng.random() * 1000, 2),
            "born": dt.date(1950, 1, 1) + dt.timedelta(days=rng.randrange(20_000)),
            "note": rng.choice(words) * rng.randrange(1, 9) if rng.random() < 0.7 else None,
        }
        for number in range(count)
    ]


def canonical(row: Row) -> tuple[str, ...]:
    """A row as texts, whatever types it came in."""
    return (
        str(int(row["id"])),
        row["name"],
        f"{float(row['amount']):.2f}",
        str(row["born"])[:10],
        row["note"] or "",
    )


def table_of_rows(count: int) -> pa.Table:
    return pq.read_table(io.BytesIO(file_of_rows(".parquet", count)))


def _avro(count: int) -> bytes:
    nullable = ["null", "string"]
    types = {"id": "long", "name": "string", "amount": "double", "born": {"type": "int", "logicalType": "date"},
             "note": nullable}  # fmt: skip
    schema = {"type": "record", "name": "r", "fields": [{"name": n, "type": t} for n, t in types.items()]}
    made = io.BytesIO()
    fastavro.writer(made, schema, rows_of_main(count), sync_interval=1 << 13)
    return made.getvalue()


def _orc(count: int) -> bytes:
    made = io.BytesIO()
    writer = orc.ORCWriter(made, stripe_size=1 << 12, batch_size=100)
    for start in range(0, max(1, count), 200):
        writer.write(table_of_rows(count).slice(start, 200))
    writer.close()
    return made.getvalue()


def _xlsx(count: int) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"default_date_format": "yyyy-mm-dd", "in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(rows_of_main(1)[0]))
        for number, row in enumerate(rows_of_main(count), 1):
            sheet.write_row(number, 0, list(row.values()))
    return made.getvalue()


_WRITERS: dict[str, Callable[[int], bytes]] = {".avro": _avro, ".orc": _orc, ".xlsx": _xlsx}


@cache
def file_of_rows(suffix: str, count: int) -> bytes:
    types = {"id": pl.Int64, "name": pl.String, "amount": pl.Float64, "born": pl.Date, "note": pl.String}
    frame = pl.DataFrame(rows_of_main(count), schema=types)
    if suffix == ".parquet":
        made = io.BytesIO()
        frame.write_parquet(made, row_group_size=500)
        return made.getvalue()
    if suffix in _WRITERS:
        return _WRITERS[suffix](count)
    lines = "".join(json.dumps(row, default=str) + "\n" for row in rows_of_main(count))
    text = frame.write_csv() if suffix.startswith(".csv") else lines
    return gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode()
