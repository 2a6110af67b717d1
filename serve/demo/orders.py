"""Schema `sales`: products, orders and their lines: the tables that look sensitive and are not.

Hard here: `order_number` has sixteen digits that begin as cards do, and one in ten passes Luhn by chance; `placed_at`,
`due_date` and `released_on` are dates that are no births; prices of an index look like latitudes; `ip_rating`,
`version` and `model_year` look like what they are not.
"""

import polars as pl

from serve.demo.identifiers import by_mask, order_numbers
from serve.demo.population import dates, times
from serve.demo.shape import Shape, Table, kept

_KINDS = ("Lamp", "Desk", "Chair", "Kettle", "Router", "Speaker", "Backpack", "Monitor", "Bottle", "Keyboard")
_STYLES = ("Nordic", "Compact", "Classic", "Outdoor", "Studio", "Travel", "Pro", "Mini", "Eco", "Heritage")
_STATUS = ("placed", "paid", "shipped", "delivered", "returned", "cancelled")
_PRODUCTS = 600


def products(shape: Shape) -> pl.DataFrame:
    """Rows of sales.products."""
    rng, count = shape.rng("products"), _PRODUCTS
    names = [
        f"{_STYLES[s]} {_KINDS[k]} {n}"
        for s, k, n in zip(
            rng.integers(0, 10, count).tolist(),
            rng.integers(0, 10, count).tolist(),
            range(100, 100 + count),
            strict=True,
        )
    ]
    major, minor, patch, build = rng.integers([1, 0, 0, 1], [12, 30, 20, 250], (count, 4)).T.tolist()
    return pl.DataFrame(
        {
            "product_code": [f"{p}-{n:04d}" for n, p in enumerate(by_mask(rng, "AAA", count))],
            "name": names,
            "list_price": rng.integers(199, 90_000, count) / 100,
            "price_index": rng.uniform(40, 60, count).round(5),
            "ip_rating": [f"IP{n}" for n in rng.integers(20, 69, count).tolist()],
            "firmware_version": [f"{a}.{b}.{c}.{d}" for a, b, c, d in zip(major, minor, patch, build, strict=True)],
            "gtin": by_mask(rng, "40#########12", count),
            "model_year": rng.integers(2012, 2027, count),
            "released_on": dates(rng, count, 10, 4500),
        }
    )


@kept
def orders(shape: Shape) -> pl.DataFrame:
    """Rows of sales.orders."""
    rng, count = shape.rng("orders"), shape.orders
    placed = times(rng, count, 1100)
    pages = rng.integers(0, len(_STATUS), count)
    return pl.DataFrame(
        {
            "order_number": order_numbers(rng, count),
            "customer_id": rng.integers(1, shape.customers + 1, count),
            "placed_at": placed,
            "due_date": placed.dt.date().dt.offset_by("30d"),
            "status": pl.Series(_STATUS, dtype=pl.String).gather(pages),
            "currency": pl.Series(("EUR", "USD", "GBP", "PLN")).gather(rng.integers(0, 4, count)),
            "total": rng.integers(500, 250_000, count) / 100,
            "tracking_number": by_mask(rng, "1Z###A##03########", count),
        }
    )


def order_lines(shape: Shape) -> pl.DataFrame:
    """Rows of sales.order_lines: one or two for each order."""
    rng = shape.rng("order_lines")
    numbers = orders(shape)["order_number"]
    twice = numbers.filter(pl.Series(rng.random(len(numbers)) < 0.5))
    count = len(numbers) + len(twice)
    codes = products(shape)["product_code"]
    return pl.DataFrame(
        {
            "order_number": pl.concat([numbers, twice]),
            "line_number": [1] * len(numbers) + [2] * len(twice),
            "product_code": codes.gather(rng.integers(0, len(codes), count)),
            "quantity": rng.integers(1, 6, count),
            "unit_price": rng.integers(199, 90_000, count) / 100,
        }
    )


TABLES = (
    Table(
        "sales.products",
        """product_code text NOT NULL, name text NOT NULL, list_price numeric(10,2), price_index double precision,
        ip_rating text, firmware_version text, gtin text, model_year smallint, released_on date""",
        products,
        """ALTER TABLE sales.products ADD PRIMARY KEY (product_code);
        COMMENT ON COLUMN sales.products.price_index IS 'Price against the market, 50 is equal.'""",
    ),
    Table(
        "sales.orders",
        """order_number char(16) NOT NULL, customer_id bigint NOT NULL, placed_at timestamptz NOT NULL, due_date date,
        status text NOT NULL, currency char(3), total numeric(12,2), tracking_number text""",
        orders,
        """ALTER TABLE sales.orders ADD PRIMARY KEY (order_number);
        ALTER TABLE sales.orders ADD FOREIGN KEY (customer_id) REFERENCES crm.customers;
        COMMENT ON COLUMN sales.orders.order_number IS 'Sixteen digits given by the shop; no card number.'""",
    ),
    Table(
        "sales.order_lines",
        """order_number char(16) NOT NULL, line_number smallint NOT NULL, product_code text NOT NULL, quantity integer,
        unit_price numeric(10,2)""",
        order_lines,
        """ALTER TABLE sales.order_lines ADD PRIMARY KEY (order_number, line_number);
        ALTER TABLE sales.order_lines ADD FOREIGN KEY (order_number) REFERENCES sales.orders;
        ALTER TABLE sales.order_lines ADD FOREIGN KEY (product_code) REFERENCES sales.products""",
    ),
)
