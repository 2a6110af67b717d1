"""The people of the estate: names, addresses and telephone numbers of eight countries.

Faker makes a pool of a few thousand names, streets and towns in each language. Rows then draw from the pools by
vectorised indices, so that fifty thousand people cost less than a second.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from faker import Faker
from numpy.typing import NDArray

from serve.demo.identifiers import by_mask
from serve.demo.shape import TODAY

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL")
_LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL")
_WEIGHTS = (0.3, 0.14, 0.14, 0.12, 0.09, 0.08, 0.07, 0.06)
_POOL = 400
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")

_PHONES = (
    ("(212) N##-####", "415-N##-####", "+1 303-N##-####", "617.N##.####", "+1702N######"),
    ("+44 7911 ######", "07911 ######", "020 7946 ####"),
    ("+49 151 N#######", "0151 N#######", "+49 30 N######"),
    ("+33 6 ## ## ## ##", "06 ## ## ## ##", "+33 1 42 ## ## ##"),
    ("+34 61# ### ###", "+34 91 N## ## ##", "61# ## ## ##"),
    ("+39 347 N######", "347 N######", "+39 06 N#######"),
    ("+31 6 2#######", "06-2#######", "+31 20 N######"),
    ("+48 50# ### ###", "60# ### ###", "+48 22 N## ## ##"),
)


@dataclass(frozen=True)
class _Pools:
    """Flat pools: entry `country * _POOL + i` belongs to that country."""

    given: pl.Series
    family: pl.Series
    street: pl.Series
    city: pl.Series
    postal_code: pl.Series
    tax_code: tuple[str, ...]
    """Italian fiscal codes."""


@lru_cache(maxsize=2)
def pools(seed: int) -> _Pools:
    """Pools of one seed. The first half of each country's given names is female, the second half male."""
    given, family, street, city, postal = [], [], [], [], []
    for locale in _LOCALES:
        fake = Faker(locale)
        fake.seed_instance(f"{seed}-{locale}")
        given += [fake.first_name_female() for _ in range(_POOL // 2)] + [
            fake.first_name_male() for _ in range(_POOL // 2)
        ]
        family += [fake.last_name() for _ in range(_POOL)]
        street += [fake.street_address().replace("\n", ", ") for _ in range(_POOL)]
        city += [fake.city() for _ in range(_POOL)]
        postal += [fake.postcode() for _ in range(_POOL)]
    italian = Faker("it_IT")
    italian.seed_instance(f"{seed}-tax")
    codes = tuple(italian.ssn() for _ in range(_POOL))
    columns = [pl.Series(x, dtype=pl.String) for x in (given, family, street, city, postal)]
    return _Pools(columns[0], columns[1], columns[2], columns[3], columns[4], codes)


def people(rng: np.random.Generator, seed: int, count: int) -> pl.DataFrame:
    """`count` people: country, given_name, family_name, full_name, email, phone, gender, date_of_birth.

    E-mail addresses are distinct and lie under the example domains of RFC 2606.
    """
    found = pools(seed)
    country = rng.choice(len(COUNTRIES), count, p=np.array(_WEIGHTS) / sum(_WEIGHTS))
    pick = rng.integers(0, _POOL, count)
    frame = pl.DataFrame(
        {
            "country": pl.Series(COUNTRIES, dtype=pl.String).gather(country),
            "given_name": found.given.gather(country * _POOL + pick),
            "family_name": found.family.gather(country * _POOL + rng.integers(0, _POOL, count)),
            "phone": phones(rng, country),
            "gender": pl.Series(np.where(pick < _POOL // 2, "female", "male").tolist()),
            "date_of_birth": births(rng, count),
        }
    )
    local = _ascii(frame["given_name"]) + "." + _ascii(frame["family_name"])
    domain = pl.Series(_DOMAINS, dtype=pl.String).gather(rng.integers(0, len(_DOMAINS), count))
    serial = pl.Series(range(1, count + 1)).cast(pl.String)
    return frame.with_columns(
        (pl.col("given_name") + " " + pl.col("family_name")).alias("full_name"),
        (local + serial + "@" + domain).alias("email"),
    )


def places(rng: np.random.Generator, seed: int, country: pl.Series) -> pl.DataFrame:
    """A street, city, postal_code, latitude and longitude for each country code of the series."""
    found, count = pools(seed), len(country)
    index = country.replace_strict(list(COUNTRIES), list(range(len(COUNTRIES))), return_dtype=pl.Int64).to_numpy()
    pick = index * _POOL + rng.integers(0, _POOL, count)
    centre = np.array(
        [[39.8, -98.6], [52.5, -1.5], [51.1, 10.4], [46.6, 2.4], [40.2, -3.6], [42.8, 12.8], [52.2, 5.5], [52.1, 19.4]]
    )
    spread = np.array([8, 1.5, 2, 2, 2, 2, 0.8, 2])
    at = centre[index] + rng.normal(0, 0.5, (count, 2)) * spread[index][:, None]
    return pl.DataFrame(
        {
            "street": found.street.gather(pick),
            "city": found.city.gather(pick),
            "postal_code": found.postal_code.gather(pick),
            "latitude": at[:, 0].round(6),
            "longitude": at[:, 1].round(6),
        }
    )


def phones(rng: np.random.Generator, country: NDArray[np.int64]) -> pl.Series:
    """One telephone number for each index into COUNTRIES, in one of the ways people write them there."""
    found = np.empty(len(country), dtype=object)
    for index, masks in enumerate(_PHONES):
        rows = np.flatnonzero(country == index)
        style = rng.integers(0, len(masks), len(rows))
        for number, mask in enumerate(masks):
            chosen = rows[style == number]
            found[chosen] = by_mask(rng, mask, len(chosen))
    return pl.Series(found.tolist(), dtype=pl.String)


def births(rng: np.random.Generator, count: int) -> pl.Series:
    """Dates of birth of people of 18 to 90 years."""
    return dates(rng, count, 18 * 366, 90 * 365)


def dates(rng: np.random.Generator, count: int, least_days: int, most_days: int) -> pl.Series:
    """Dates from `most_days` to `least_days` before the estate's today."""
    days = np.datetime64(TODAY, "D") - rng.integers(least_days, most_days, count)
    return pl.Series(days)


def times(rng: np.random.Generator, count: int, most_days: int) -> pl.Series:
    """Times of the last `most_days` days, to the second."""
    seconds = np.datetime64(TODAY, "s") - rng.integers(0, most_days * 86_400, count)
    return pl.Series(seconds.astype("datetime64[us]"))


def _ascii(names: pl.Series) -> pl.Series:
    plain = {
        name: "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if c.isascii() and c.isalpha()) or "x"
        for name in names.unique().to_list()
    }
    return names.replace_strict(list(plain), list(plain.values()), return_dtype=pl.String)
