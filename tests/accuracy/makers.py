"""Values of each class, a whole column at a time: one column is written in one way, as real ones are."""

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from tests.accuracy import numbers_made, people, secrets_made
from tests.accuracy.data_files import data, of_language
from tests.accuracy.masks import coded, fill

Make = Callable[[random.Random, str, int], list[Any]]


def values_of(rng: random.Random, data_class: str, language: str, n: int) -> list[Any]:
    """A column of the class: made by code, by mask, or drawn from lists."""
    if data_class in MADE:
        return MADE[data_class](rng, language, n)
    if data_class in data("masks"):
        return coded(rng, data_class, language, n)
    chosen = rng.choice(of_language(data("values")[data_class], language))
    weights = [1 / (rank + 1) ** 0.7 for rank in range(len(chosen))]
    return list(rng.choices(chosen, weights, k=n))


def can_make(data_class: str) -> bool:
    return data_class in MADE or data_class in data("masks") or data_class in data("values")


def _each(make: Callable[[random.Random, str], Any]) -> Make:
    return lambda rng, language, n: [make(rng, language) for _ in range(n)]


def _full_names(rng: random.Random, language: str, n: int) -> list[str]:
    write = people.NAMES[rng.choice(list(people.NAMES))]
    return [write(people.someone(rng, language)) for _ in range(n)]


def _single(part: str) -> Make:
    def make(rng: random.Random, language: str, n: int) -> list[str]:
        case = rng.choice([str, str, str, str.upper, str.lower])
        return [case(getattr(people.someone(rng, language), part)) for _ in range(n)]

    return make


def _cardholders(rng: random.Random, language: str, n: int) -> list[str]:
    made = [people.someone(rng, language) for _ in range(n)]
    return [f"{who.given} {who.family}".upper() for who in made] if rng.random() < 0.6 else [
        f"{who.given} {who.middle} {who.family}" for who in made
    ]  # fmt: skip


DATE_FORMS: Final = {
    "en": ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d"),
    "fr": ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"),
    "nl": ("%Y-%m-%d", "%d-%m-%Y"),
    "any": ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"),
}


def dates(rng: random.Random, language: str, drawn: Sequence[date]) -> list[Any]:
    """The dates as that language writes them, or as the type that a database would give."""
    if rng.random() < 0.25:
        return list(drawn)
    if rng.random() < 0.1:
        return [datetime.combine(day, time()) for day in drawn]
    form = rng.choice(of_language(DATE_FORMS, language))
    return [day.strftime(form) for day in drawn]


def _birth_dates(rng: random.Random, language: str, n: int) -> list[Any]:
    low, high = rng.choice([(18, 90), (22, 66), (0, 100), (5, 18)])
    return dates(
        rng, language, [date(2025, 6, 1) - timedelta(days=rng.randrange(low * 365, high * 365)) for _ in range(n)]
    )


def _care_dates(rng: random.Random, language: str, n: int) -> list[Any]:
    return dates(rng, language, [date(2017, 1, 1) + timedelta(days=rng.randrange(3000)) for _ in range(n)])


def _ages(rng: random.Random, language: str, n: int) -> list[Any]:
    low, high = rng.choice([(18, 90), (0, 99), (21, 65), (3, 18)])
    written = rng.choice([int, int, int, str])
    return [written(rng.randrange(low, high)) for _ in range(n)]


def _incomes(rng: random.Random, language: str, n: int) -> list[Any]:
    drawn = [max(9_000.0, rng.lognormvariate(10.6, 0.45)) for _ in range(n)]
    style = rng.choice(["whole", "cents", "symbol", "thousands"])
    if style == "whole":
        return [int(round(value, -2)) for value in drawn]
    if style == "cents":
        return [round(value, 2) for value in drawn]
    sign = "$" if language == "en" else "€"
    return [f"{sign}{value:,.0f}" if style == "symbol" else f"{value:,.2f}" for value in drawn]


def _coordinates(rng: random.Random, language: str, n: int) -> list[str]:
    south, west = rng.uniform(-38, 58), rng.uniform(-120, 140)
    form = rng.choice(["{a:.5f}, {o:.5f}", "{a:.6f},{o:.6f}", "({a:.4f}, {o:.4f})", "POINT({o:.5f} {a:.5f})"])
    return [form.format(a=south + rng.random() * 2, o=west + rng.random() * 3) for _ in range(n)]


def _photos(rng: random.Random, language: str, n: int) -> list[str]:
    form = rng.choice(
        ["photos/{0}.jpg", "https://img.example.net/faces/{0}.png", "data:image/jpeg;base64,/9j/4AAQSkZJ{0}"]
    )
    return [form.format(fill(rng, "?" * (60 if "base64" in form else 10))) for _ in range(n)]


def _ips(rng: random.Random, language: str, n: int) -> list[str]:
    if rng.random() < 0.25:
        return [fill(rng, "2{001|a02|600}:~~~:~~~::~~{1|a}~") for _ in range(n)]
    near = rng.choice(["10.{12|20}.", "192.168.", ""])
    fronts = [fill(rng, near) if near else f"{rng.randrange(1, 223)}.{rng.randrange(256)}." for _ in range(n)]
    return [f"{front}{rng.randrange(256)}.{rng.randrange(1, 255)}" for front in fronts]


def _urls(rng: random.Random, language: str, n: int) -> list[str]:
    end = {"de": "de", "fr": "fr", "es": "es", "it": "it", "nl": "nl", "pl": "pl"}.get(language, "com")
    form = rng.choice(
        [
            "https://www.{w}.{e}/{p}",
            "http://{w}.{e}",
            "www.{w}.{e}",
            "https://{w}.org/{p}?id={k}",
            "https://{p}.{w}.{e}/a/{k}.html",
        ]
    )
    word = lambda: people.plain(rng.choice(data("values")["towns"][rng.choice(["en", "de", "es"])]))  # noqa: E731
    return [
        form.format(w=word(), e=end, p=rng.choice(["shop", "news", "team", "blog"]), k=rng.randrange(9999))
        for _ in range(n)
    ]


MADE: Final[dict[str, Make]] = {
    "contact.email": _each(lambda rng, language: people.email(rng, people.someone(rng, language))),
    "contact.username": _each(lambda rng, language: people.username(rng, people.someone(rng, language))),
    "person.given_name": _single("given"),
    "person.family_name": _single("family"),
    "person.full_name": _full_names,
    "person.birth_date": _birth_dates,
    "person.birth_year": lambda rng, language, n: [rng.randrange(1935, 2008) for _ in range(n)],
    "person.age": _ages,
    "person.biometric": lambda rng, language, n: secrets_made.templates(rng, n),
    "person.photo": _photos,
    "location.street_address": lambda rng, language, n: [
        (people.whole_address if whole else people.street)(rng, language)
        for whole in [rng.random() < 0.3]
        for _ in range(n)
    ],
    "location.city": _each(people.town),
    "location.coordinates": _coordinates,
    "payment.card_number": numbers_made.cards,
    "payment.track_data": numbers_made.tracks,
    "payment.cardholder_name": _cardholders,
    "financial.iban": numbers_made.ibans,
    "financial.crypto_address": lambda rng, language, n: secrets_made.wallets(rng, n),
    "financial.income": _incomes,
    "network.ip_address": _ips,
    "network.url": _urls,
    "vehicle.vin": numbers_made.vins,
    "credential.jwt": _each(lambda rng, language: secrets_made.jwt(rng)),
    "credential.private_key": _each(lambda rng, language: secrets_made.private_key(rng)),
    "credential.password": _each(lambda rng, language: secrets_made.password(rng)),
    "credential.password_hash": lambda rng, language, n: secrets_made.password_hashes(rng, n),
    "credential.connection_string": _each(lambda rng, language: secrets_made.connection_string(rng)),
    "government.it_codice_fiscale": numbers_made.fiscal_codes,
    "health.event_date": _care_dates,
}
