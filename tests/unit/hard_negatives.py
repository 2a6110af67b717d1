"""Columns that look like personal data and are none, made from a seed: another seed makes other columns.

A family makes columns of one kind of thing; name, length, order and form differ from column to column. They are things
that tables hold: numbers of things, flags and counts about people, names of what is no person, statistics.
"""

import random
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

Maker = Callable[[random.Random, int], Any]


@dataclass(frozen=True)
class Negative:
    """A column with its place; `family` says what it is."""

    family: str
    name: str
    values: list[Any]
    table: str
    neighbours: tuple[str, ...]


def _d(r: random.Random, n: int) -> str:
    return "".join(r.choices(string.digits, k=n))


def _u(r: random.Random, n: int, of: str = string.ascii_uppercase) -> str:
    return "".join(r.choices(of, k=n))


def _luhn(body: str) -> str:
    total = sum(sum(divmod(int(c) * (2 if i % 2 == 0 else 1), 10)) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def _ean(body: str) -> str:
    return body + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(body)) % 10)


def _isbn10(r: random.Random) -> str:
    body = _d(r, 9)
    check = sum(int(c) * w for c, w in zip(body, range(1, 10), strict=True)) % 11
    return body + ("X" if check == 10 else str(check))


_ADJECTIVES: Final = (
    "old",
    "new",
    "great",
    "upper",
    "lower",
    "royal",
    "green",
    "silver",
    "northern",
    "golden",
    "quiet",
)
_THINGS: Final = ("mill", "bridge", "falcon", "maple", "valve", "engine", "lantern", "river", "station", "castle")
_FIRMS: Final = ("Ltd", "GmbH", "Inc.", "S.A.", "AG", "LLC", "& Sons", "Group", "Holdings", "B.V.", "Oy", "AB")
_GENERA: Final = ("Quercus", "Salix", "Larus", "Parus", "Canis", "Betula", "Fagus", "Falco", "Corvus", "Acer", "Rana")
_SPECIES: Final = ("robur", "alba", "major", "minor", "vulgaris", "montana", "europaea", "palustris", "arvensis")
_PLACES: Final = ("Town Hall", "Public Library", "Primary School", "City Park", "Water Tower", "Fire Station", "Museum")


def _pair(r: random.Random) -> str:
    return f"{r.choice(_ADJECTIVES)} {r.choice(_THINGS)}"


def _moment(r: random.Random) -> datetime:
    return datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=r.randrange(330_000_000))


def _choice(*options: Any) -> Maker:
    return lambda r, i: r.choice(options)


FAMILIES: Final[dict[str, tuple[tuple[str, ...], Maker]]] = {
    "year": (("year", "fiscal_year", "Baujahr", "annee", "model_year", "yr"), lambda r, i: r.randrange(1950, 2026)),
    "year as text": (("year", "season", "vintage"), lambda r, i: str(r.randrange(1950, 2026))),
    "version of three": (
        ("version", "release", "sdk"),
        lambda r, i: f"{r.randrange(9)}.{r.randrange(30)}.{r.randrange(9)}",
    ),
    "version of four": (
        ("fw", "app_version", "build", "driver", "ver"),
        lambda r, i: f"{r.randrange(1, 20)}.{r.randrange(30)}.{r.randrange(60)}.{r.randrange(99)}",
    ),
    "order number": (("order_no", "order_id", "po", "Bestellnummer"), lambda r, i: _d(r, r.choice([7, 8, 10]))),
    "prefixed number": (("order_ref", "ticket", "case"), lambda r, i: f"{r.choice(['ORD', 'TCK', 'CS'])}-{_d(r, 8)}"),
    "invoice": (("invoice_no", "Rechnungsnummer", "factura"), lambda r, i: f"INV-{r.randrange(2015, 2026)}-{_d(r, 5)}"),
    "ten digits": (
        ("account_ref", "msg_id", "customer_id", "uid", "ref"),
        lambda r, i: str(r.randrange(10**9, 10**10)),
    ),
    "ten digits as number": (("account_id", "entity_id", "key"), lambda r, i: r.randrange(10**9, 10**10)),
    "counter like phones": (("msg_id", "seq", "line_id"), lambda r, i: str(2_025_550_100 + i)),
    "nine digits": (("customer_no", "batch", "object_id", "x1"), lambda r, i: _d(r, 9)),
    "nine digits as number": (("id", "block_id"), lambda r, i: r.randrange(10**8, 10**9)),
    "eleven digits": (("shipment", "meter_no", "cycle", ""), lambda r, i: _d(r, 11)),
    "twelve digits": (("asset", "upc_like", "ref_no"), lambda r, i: _d(r, 12)),
    "thirteen digits": (("event", "trace_no", "col3"), lambda r, i: _d(r, 13)),
    "sixteen digits": (("transaction", "span", "ref"), lambda r, i: _d(r, 16)),
    "luhn ids": (("member_ref", "voucher", "col7"), lambda r, i: _luhn(_d(r, 11))),
    "sequence": (("id", "row_id", "n"), lambda r, i: 100_000 + i),
    "long sequence": (("id", "offset_id"), lambda r, i: 4_000_000_000_000_000 + i),
    "snowflake": (("tweet_id", "snowflake"), lambda r, i: 1_700_000_000_000_000_000 + r.randrange(10**15)),
    "epoch": (("created", "ts", "last_seen", "updated_at"), lambda r, i: int(_moment(r).timestamp())),
    "epoch millis": (("ts_ms", "event_time", "t"), lambda r, i: int(_moment(r).timestamp() * 1000)),
    "stamp as digits": (("stamp", "run", "loaded"), lambda r, i: f"{_moment(r):%Y%m%d%H%M%S}"),
    "day as digits": (("day_key", "date_id", "loaded_on"), lambda r, i: f"{_moment(r):%Y%m%d}"),
    "short stamp": (("stamp", "batch_ts"), lambda r, i: f"{_moment(r):%y%m%d%H%M}"),
    "long short stamp": (("stamp", "log_id"), lambda r, i: f"{_moment(r):%y%m%d%H%M%S}"),
    "uuid": (("session", "guid", "request_id"), lambda r, i: str(uuid.UUID(int=r.getrandbits(128), version=4))),
    "part of a uuid": (("short_id", "trace"), lambda r, i: str(uuid.UUID(int=r.getrandbits(128), version=4))[:13]),
    "git hash": (("commit", "revision", "sha"), lambda r, i: _u(r, 40, "0123456789abcdef")),
    "short hash": (("commit", "etag"), lambda r, i: _u(r, 7, "0123456789abcdef")),
    "content hash": (("content_hash", "row_hash", "checksum"), lambda r, i: _u(r, 64, "0123456789abcdef")),
    "colour": (("colour", "hex", "fill"), lambda r, i: "#" + _u(r, 6, "0123456789abcdef")),
    "flag about an address": (("email_verified", "has_email", "email_opt_in", "is_email_valid"), _choice("Y", "N")),
    "flag about a phone": (("phone_verified", "has_phone", "sms_consent", "mobile_active"), _choice(True, False)),
    "number flag": (("ssn_provided", "is_ssn_valid", "passport_checked", "email_bounced"), _choice(0, 1)),
    "type of a contact": (("phone_type", "address_type", "email_type"), _choice("home", "work", "mobile", "billing")),
    "count of contacts": (("email_count", "address_count", "phone_cnt", "num_addresses"), lambda r, i: r.randrange(9)),
    "length of a name": (("name_length", "first_name_len", "address_length"), lambda r, i: r.randrange(3, 40)),
    "brand of a card": (("card_brand", "card_type", "cc_network"), _choice("visa", "mastercard", "amex")),
    "code of a place": (("birth_place_code", "city_code", "country_code"), lambda r, i: _u(r, 3)),
    "time of a change": (("email_updated_at", "password_changed", "address_changed_on"), lambda r, i: _moment(r)),
    "provider": (("email_provider", "email_domain", "ip_provider"), _choice("example.org", "example.net", "mail.test")),
    "sku": (("sku", "article", "item_code"), lambda r, i: f"{_u(r, 3)}-{_d(r, 4)}-{_u(r, 2)}"),
    "part number": (("part_no", "component", "pn"), lambda r, i: f"{_d(r, 3)}-{_d(r, 2)}-{_d(r, 4)}"),
    "product like a postcode": (("product_code", "mat"), lambda r, i: f"{_u(r, 2)}{_d(r, 1)} {_d(r, 1)}{_u(r, 2)}"),
    "lot": (("lot", "batch_code", "charge_nr"), lambda r, i: _u(r, 5) + _d(r, 4) + _u(r, 1)),
    "eight digits and a letter": (("batch_code", "lot_no"), lambda r, i: _d(r, 8) + _u(r, 1)),
    "serial": (("serial", "tag"), lambda r, i: _u(r, 17, string.ascii_uppercase + string.digits)),
    "like an account": (("sku", "tracking"), lambda r, i: _u(r, 2) + _d(r, 18)),
    "parcel": (("tracking_no", "parcel"), lambda r, i: "1Z" + _u(r, 16, string.ascii_uppercase + string.digits)),
    "container": (("container", "box"), lambda r, i: _u(r, 3) + "U" + _d(r, 7)),
    "gift code": (("gift_code", "coupon"), lambda r, i: "-".join(_d(r, 4) for _ in range(4))),
    "licence key": (
        ("licence_key", "product_key"),
        lambda r, i: "-".join(_u(r, 5, "ABCDEFGHJK23456789") for _ in range(5)),
    ),
    "isbn 13": (("isbn", "isbn13", ""), lambda r, i: _ean("978" + _d(r, 9))),
    "isbn 10": (("isbn", "isbn10", "book"), lambda r, i: _isbn10(r)),
    "issn": (("issn", "journal_code"), lambda r, i: f"{_d(r, 4)}-{_d(r, 4)}"),
    "ean": (("ean", "gtin", "barcode", ""), lambda r, i: _ean("400" + _d(r, 9))),
    "doi": (("doi", "reference"), lambda r, i: f"10.{_d(r, 4)}/{_u(r, 6, string.ascii_lowercase)}.{_d(r, 5)}"),
    "latitude of a thing": (("lat", "latitude"), lambda r, i: round(r.uniform(-60, 60), 5)),
    "measure": (("temperature", "ph", "weight_kg", "ratio"), lambda r, i: round(r.uniform(0, 90), 3)),
    "price": (("price", "amount", "net", "total_due"), lambda r, i: round(r.uniform(1, 900), 2)),
    "price as text": (
        ("price", "betrag", "importe"),
        lambda r, i: f"{r.choice('€$£')}{r.randrange(1, 90)},{_d(r, 3)}.{_d(r, 2)}",
    ),
    "pixel": (("position", "xy"), lambda r, i: f"{r.randrange(1920)},{r.randrange(1080)}"),
    "airport": (("origin", "iata"), lambda r, i: _u(r, 3)),
    "airfield": (("icao", "dest"), lambda r, i: r.choice("EKL") + _u(r, 3)),
    "flight": (("flight", "flight_no"), lambda r, i: f"{_u(r, 2)}{r.randrange(1, 9999)}"),
    "tail": (("tail_no", "aircraft"), lambda r, i: f"N{r.randrange(100, 999)}{_u(r, 2)}"),
    "bank code of a pair": (("pair", "instrument"), _choice("EURUSD", "GBPJPY", "AUDCAD", "USDCHF")),
    "isin": (("isin", "security"), lambda r, i: r.choice(["US", "DE", "FR"]) + _u(r, 9, string.digits) + _d(r, 1)),
    "device like a mac": (("node_code", "panel"), lambda r, i: "-".join(_u(r, 2, "0123456789GHJK") for _ in range(6))),
    "coordinates like a version": (
        ("section", "clause"),
        lambda r, i: f"{r.randrange(1, 9)}.{r.randrange(9)}.{r.randrange(9)}",
    ),
    "time of day": (
        ("start_time", "opens"),
        lambda r, i: f"{r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}",
    ),
    "date of an order": (("order_date", "shipped_on", "fecha_factura"), lambda r, i: _moment(r).date()),
    "date of a thing": (
        ("built", "release_date", "founded"),
        lambda r, i: date(1900, 1, 1) + timedelta(days=r.randrange(45_000)),
    ),
    "date as text": (("due", "posted", "Buchungsdatum"), lambda r, i: f"{_moment(r):%d.%m.%Y}"),
    "product": (
        ("name", "product_name", "title", "bezeichnung"),
        lambda r, i: f"{_pair(r).title()} {r.randrange(1, 40)}00",
    ),
    "company": (("name", "company", "supplier_name", "firma"), lambda r, i: f"{_pair(r).title()} {r.choice(_FIRMS)}"),
    "place": (("name", "facility", "site_name"), lambda r, i: f"{r.choice(_ADJECTIVES).title()} {r.choice(_PLACES)}"),
    "species": (("name", "species", "scientific_name"), lambda r, i: f"{r.choice(_GENERA)} {r.choice(_SPECIES)}"),
    "prose": (("description", "notes", "comment"), lambda r, i: " ".join(_pair(r) for _ in range(5))),
    "code of three": (("code", "status_code", "dept"), lambda r, i: 100 + r.randrange(800)),
    "code of four": (("code", "area", "unit"), lambda r, i: _d(r, 4)),
    "code of five": (("code", "station_id", "region"), lambda r, i: _d(r, 5)),
    "count of people": (("employees", "employee_count", "population", "patients"), lambda r, i: r.randrange(50_000)),
    "rate by group": (("female_pct", "unemployment_rate", "births"), lambda r, i: round(r.uniform(0, 100), 1)),
    "group of ages": (("group", "bracket", "band"), lambda r, i: f"{i % 9 * 10}-{i % 9 * 10 + 9}"),
    "category": (("category", "segment", "class"), _choice("A", "B", "C", "M", "F1")),
    "race": (("race", "event", "discipline"), _choice("Marathon", "10k", "Sprint", "Relay")),
    "orientation of a page": (("orientation", "layout"), _choice("portrait", "landscape")),
    "file": (
        ("file_name", "path", "attachment"),
        lambda r, i: f"{r.choice(_THINGS)}_{i}.{r.choice(['csv', 'zip', 'pdf'])}",
    ),
    "host": (("host", "server", "node"), lambda r, i: f"{r.choice(_THINGS)}-{r.randrange(90)}.internal"),
    "address in memory": (("address", "ptr"), lambda r, i: f"0x{r.getrandbits(32):08x}"),
    "pin of a chip": (("gpio_pin", "pin_no", "pin"), lambda r, i: r.randrange(40)),
    "token count": (("tokens", "prompt_tokens", "token_count"), lambda r, i: r.randrange(4000)),
    "slug": (
        ("key", "slug", "token_name"),
        lambda r, i: f"{r.choice(_ADJECTIVES)}-{r.choice(_THINGS)}-{r.choice(_THINGS)}",
    ),
    "quantity like a zip": (("zip_ratio", "zip_size", "units"), lambda r, i: r.randrange(10_000, 99_999)),
    "score": (("score", "rating", "gauge"), lambda r, i: r.randrange(300, 850)),
    "one constant": (("source", "flag", "kind"), _choice("N")),
}
TABLES: Final = (
    ("warehouse.items", ("qty", "unit", "updated_at")),
    ("public.facilities.csv", ("type", "opened", "area_m2")),
    ("events", ("level", "source", "payload")),
    ("", ()),
    ("sales.orders", ("order_id", "segment", "created_at")),
    ("statistics_2023", ("region", "year", "value")),
)


def hard_negatives(seed: int, of_each: int = 6, values: int = 120) -> Iterator[Negative]:
    """Columns of all families in turn, each with a name, a table and a number of values of its own."""
    r = random.Random(seed)
    for family, (names, maker) in FAMILIES.items():
        for turn in range(of_each):
            name = names[turn % len(names)]
            styled = r.choice((name, name, name.upper(), "".join(part.title() for part in name.split("_"))))
            table, neighbours = r.choice(TABLES)
            made = [maker(r, i) for i in range(r.choice((values, values, values // 4, 8)))]
            yield Negative(family, styled, made, table, neighbours)
