"""Schema `crm`: customers, their addresses and identity documents.

Hard here: `email_verified` and `phone_model` are named like contact data and hold none; each country's national
number has a column of its own that is null for the customers of all others.
"""

from datetime import date

import numpy as np
import polars as pl

from serve.demo import identifiers
from serve.demo.planted import value
from serve.demo.population import dates, people, places, pools, times
from serve.demo.shape import Shape, Table, kept, put

_MODELS = ("iPhone 15", "iPhone 13 mini", "Galaxy S24", "Galaxy A54", "Pixel 8", "Fairphone 5", "Moto G84")
_LANGUAGES = {"US": "en", "GB": "en", "DE": "de", "FR": "fr", "ES": "es", "IT": "it", "NL": "nl", "PL": "pl"}


@kept
def customers(shape: Shape) -> pl.DataFrame:
    """Rows of crm.customers; customer_id counts from 1. Row 41 is planted."""
    rng, count = shape.rng("customers"), shape.customers
    found = people(rng, shape.seed, count)
    blank = pl.Series(rng.random(count) < 0.04)
    frame = found.select(
        pl.int_range(1, count + 1).alias("customer_id"),
        "full_name",
        "given_name",
        "family_name",
        "email",
        pl.Series("email_verified", rng.random(count) < 0.8),
        pl.when(blank).then(None).otherwise(pl.col("phone")).alias("phone"),
        pl.Series("phone_model", _MODELS, dtype=pl.String).gather(rng.integers(0, len(_MODELS), count)),
        "date_of_birth",
        "gender",
        "country",
        pl.col("country").replace_strict(_LANGUAGES, return_dtype=pl.String).alias("language"),
        pl.Series("loyalty_points", rng.integers(0, 90_000, count)),
        pl.Series("preferences", _preferences(rng, count)),
        pl.Series("tags", _tags(rng, count)),
        times(rng, count, 2500).alias("created_at"),
    )
    return put(
        frame, 41, full_name=value("customer_name"), email=value("customer_email"), phone=value("customer_phone")
    )


def _preferences(rng: np.random.Generator, count: int) -> list[str]:
    kinds = [f'{{"newsletter": {n}, "theme": "{t}"}}' for n in ("true", "false") for t in ("light", "dark", "system")]
    return [kinds[i] for i in rng.integers(0, len(kinds), count).tolist()]


def _tags(rng: np.random.Generator, count: int) -> list[str]:
    kinds = ["{}", "{vip}", "{wholesale}", "{vip,newsletter}", "{dormant}"]
    return [kinds[i] for i in rng.integers(0, len(kinds), count).tolist()]


def addresses(shape: Shape) -> pl.DataFrame:
    """Rows of crm.addresses: one for each customer, a second one for every fifth. Row 41 is planted."""
    rng, base = shape.rng("addresses"), customers(shape)
    second = base.filter(pl.col("customer_id") % 5 == 0)
    owners = pl.concat([base, second]).select("customer_id", "country")
    kinds = pl.Series(["home"] * len(base) + ["delivery"] * len(second))
    frame = pl.concat([owners, places(rng, shape.seed, owners["country"])], how="horizontal").select(
        pl.int_range(1, len(owners) + 1).alias("address_id"),
        "customer_id",
        kinds.alias("address_type"),
        "street",
        "city",
        "postal_code",
        "country",
        "latitude",
        "longitude",
    )
    return put(frame, 41, street=value("customer_street"))


def identity_documents(shape: Shape) -> pl.DataFrame:
    """Rows of crm.identity_documents. The planted numbers are in the first US row and the first French row."""
    rng, base = shape.rng("identity_documents"), customers(shape)
    columns: dict[str, list[str | None]] = {n: [None] * len(base) for n in _DOCUMENTS.values()}
    ssns = identifiers.social_security_numbers(rng, len(base))
    codes = pools(shape.seed).tax_code
    numbers = rng.integers(0, 2**40, len(base)).tolist()
    facts = base.select("country", "date_of_birth", pl.col("gender") == "male").rows()
    for row, (n, (country, born, male)) in enumerate(zip(numbers, facts, strict=True)):
        if country == "US":
            number = ssns[row]
        elif country == "IT":
            number = codes[n % len(codes)]
        elif country == "DE":
            number = identifiers.steuer_id(rng)
        else:
            number = _national_number(country, n, born, male)
        columns[_DOCUMENTS[country]][row] = number
    columns["ssn"][base["country"].index_of("US") or 0] = value("customer_ssn")
    columns["nir"][base["country"].index_of("FR") or 0] = value("customer_nir")
    issued = dates(rng, len(base), 30, 3600)
    return pl.DataFrame({"customer_id": base["customer_id"], **columns, "checked_on": issued})


def _national_number(country: str, n: int, born: date, male: bool) -> str:
    match country:
        case "GB":
            return identifiers.nino(n)
        case "FR":
            return identifiers.nir(n, born, male)
        case "ES":
            return identifiers.dni(n)
        case "NL":
            return identifiers.bsn(n)
        case _:
            return identifiers.pesel(n, born, male)


_DOCUMENTS = {
    "US": "ssn",
    "GB": "nino",
    "DE": "idnr",
    "FR": "nir",
    "ES": "nif",
    "IT": "codice_fiscale",
    "NL": "bsn",
    "PL": "pesel",
}

TABLES = (
    Table(
        "crm.customers",
        """customer_id bigint NOT NULL, full_name text NOT NULL, given_name text, family_name text, email text NOT NULL,
        email_verified boolean NOT NULL, phone text, phone_model text, date_of_birth date, gender text, country char(2),
        language text, loyalty_points integer, preferences jsonb, tags text[], created_at timestamptz NOT NULL""",
        customers,
        """ALTER TABLE crm.customers ADD PRIMARY KEY (customer_id);
        COMMENT ON TABLE crm.customers IS 'Everybody who ever had an account with the shop.';
        COMMENT ON COLUMN crm.customers.email IS 'Sign-in address; also used for invoices.';
        COMMENT ON COLUMN crm.customers.phone_model IS 'Device reported by the app, not a number.'""",
    ),
    Table(
        "crm.addresses",
        """address_id bigint NOT NULL, customer_id bigint NOT NULL, address_type text, street text, city text,
        postal_code text, country char(2), latitude double precision, longitude double precision""",
        addresses,
        """ALTER TABLE crm.addresses ADD PRIMARY KEY (address_id);
        ALTER TABLE crm.addresses ADD FOREIGN KEY (customer_id) REFERENCES crm.customers""",
    ),
    Table(
        "crm.identity_documents",
        "customer_id bigint NOT NULL, "
        + ", ".join(f"{name} text" for name in _DOCUMENTS.values())
        + ", checked_on date",
        identity_documents,
        """ALTER TABLE crm.identity_documents ADD PRIMARY KEY (customer_id);
        ALTER TABLE crm.identity_documents ADD FOREIGN KEY (customer_id) REFERENCES crm.customers;
        COMMENT ON TABLE crm.identity_documents IS 'National numbers taken for age checks, one column a country.'""",
    ),
)
