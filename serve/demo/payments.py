"""Schema `sales`: payments, stored cards and bank accounts.

`sales.stored_cards` breaks PCI DSS on purpose: whole card numbers in clear (3.5.1) beside their security codes
(3.3.1.2). The cards have the form of real ones under the networks' test prefixes and pass Luhn.
"""

import uuid

import polars as pl

from serve.demo.customers import customers
from serve.demo.identifiers import by_mask, card_numbers, ibans
from serve.demo.orders import orders
from serve.demo.planted import value
from serve.demo.population import dates
from serve.demo.shape import Shape, Table, kept, put

_METHODS = ("card", "card", "card", "transfer", "wallet")


@kept
def payments(shape: Shape) -> pl.DataFrame:
    """Rows of sales.payments: one for each order. Row 23 is planted."""
    rng, base = shape.rng("payments"), orders(shape)
    count = len(base)
    method = pl.Series(_METHODS).gather(rng.integers(0, len(_METHODS), count))
    digits = pl.Series(by_mask(rng, "####", count))
    accounts = pl.Series(ibans(rng, 4_000 if count > 8_000 else count // 2 + 1))
    frame = pl.DataFrame(
        {
            "payment_id": [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(count)],
            "order_number": base["order_number"],
            "method": method,
            "last4": digits,
            "masked_pan": "424242******" + digits,
            "payer_account": accounts.gather(rng.integers(0, len(accounts), count)),
            "amount": base["total"],
            "paid_at": base["placed_at"].dt.offset_by("7m"),
        }
    ).with_columns(
        pl.when(method != "transfer").then(None).otherwise(pl.col("payer_account")).alias("payer_account"),
        pl.when(method != "card").then(None).otherwise(pl.col("last4")).alias("last4"),
        pl.when(method != "card").then(None).otherwise(pl.col("masked_pan")).alias("masked_pan"),
    )
    return put(frame, 23, method="transfer", payer_account=value("payment_iban"))


def stored_cards(shape: Shape) -> pl.DataFrame:
    """Rows of sales.stored_cards. Row 11 is planted."""
    rng, count, base = shape.rng("stored_cards"), shape.cards, customers(shape)
    owner = rng.permutation(len(base))[:count]
    month, year = rng.integers(1, 13, count).tolist(), rng.integers(26, 32, count).tolist()
    frame = pl.DataFrame(
        {
            "card_id": range(1, count + 1),
            "customer_id": base["customer_id"].gather(owner),
            "cardholder": base["full_name"].gather(owner).str.to_uppercase(),
            "pan": card_numbers(rng, count),
            "expires": [f"{m:02d}/{y}" for m, y in zip(month, year, strict=True)],
            "cvv2": by_mask(rng, "###", count),
            "added_on": dates(rng, count, 1, 1500),
        }
    )
    return put(frame, 11, pan=value("card"), cardholder=value("cardholder"))


def bank_accounts(shape: Shape) -> pl.DataFrame:
    """Rows of sales.bank_accounts. Row 7 is planted."""
    rng, count, base = shape.rng("bank_accounts"), shape.accounts, customers(shape)
    owner = rng.permutation(len(base))[:count]
    banks = pl.Series(("DEUTDEFF", "COBADEFFXXX", "INGBNL2A", "ABNANL2A", "BARCGB22", "LOYDGB2L"))
    frame = pl.DataFrame(
        {
            "account_id": range(1, count + 1),
            "customer_id": base["customer_id"].gather(owner),
            "holder": base["full_name"].gather(owner),
            "iban": ibans(rng, count),
            "bic": banks.gather(rng.integers(0, len(banks), count)),
            "opened_on": dates(rng, count, 1, 4000),
        }
    )
    return put(frame, 7, iban=value("iban"))


TABLES = (
    Table(
        "sales.payments",
        """payment_id uuid NOT NULL, order_number char(16) NOT NULL, method text NOT NULL, last4 char(4),
        masked_pan text, payer_account text, amount numeric(12,2), paid_at timestamptz NOT NULL""",
        payments,
        """ALTER TABLE sales.payments ADD PRIMARY KEY (payment_id);
        ALTER TABLE sales.payments ADD FOREIGN KEY (order_number) REFERENCES sales.orders""",
    ),
    Table(
        "sales.stored_cards",
        """card_id bigint NOT NULL, customer_id bigint NOT NULL, cardholder text, pan text NOT NULL, expires char(5),
        cvv2 char(3), added_on date""",
        stored_cards,
        """ALTER TABLE sales.stored_cards ADD PRIMARY KEY (card_id);
        ALTER TABLE sales.stored_cards ADD FOREIGN KEY (customer_id) REFERENCES crm.customers;
        COMMENT ON TABLE sales.stored_cards IS 'Cards kept for one-click checkout.'""",
    ),
    Table(
        "sales.bank_accounts",
        """account_id bigint NOT NULL, customer_id bigint NOT NULL, holder text, iban text NOT NULL, bic text,
        opened_on date""",
        bank_accounts,
        """ALTER TABLE sales.bank_accounts ADD PRIMARY KEY (account_id);
        ALTER TABLE sales.bank_accounts ADD FOREIGN KEY (customer_id) REFERENCES crm.customers""",
    ),
)
