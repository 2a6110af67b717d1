"""Makers of columns about persons: each gives a function that makes the next value of one column, in one manner."""

import random
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta

import phonenumbers

from cluster.ml import column_pools as pools
from cluster.ml.column_forms import Draw

Value = Callable[[], object]
Maker = Callable[[Draw], Value]
_DOMAINS = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "web.de",
    "gmx.net",
    "orange.fr",
    "libero.it",
    "example.org",
    "icloud.com",
)
_SEPARATORS = (".", "_", "", "-", ".")
PHONE_REGIONS = (
    "US",
    "US",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "PL",
    "BR",
    "IN",
    "AU",
    "CH",
    "SE",
    "MX",
    "JP",
    "CA",
    "IE",
)
DAYS = (
    "%Y-%m-%d",
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%d %b %Y",
    "%B %d, %Y",
    "%m/%d/%y",
    "%d-%b-%y",
    "%Y/%m/%d",
    "%m/%d/%Y 12:00:00 AM",
    "%b %d, %Y",
)


def plain(name: str) -> str:
    """The letters of a name as they stand in addresses of mail."""
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(c for c in letters if c.isascii() and c.isalnum()) or "x"


def cased(draw: Draw) -> Callable[[str], str]:
    """How a column writes its texts: as they are, in capitals, in small letters."""
    return draw.rng.choices((str, str.upper, str.lower), (0.8, 0.13, 0.07))[0]


def given(draw: Draw) -> Value:
    """Given names, at times two or with an initial."""
    names, case, second = draw.names()[0], cased(draw), draw.rng.random() * 0.15

    def make() -> str:
        name = draw.rng.choice(names)
        return case(f"{name} {draw.rng.choice(names)}" if draw.rng.random() < second else name)

    return make


def family(draw: Draw) -> Value:
    """Family names, at times double ones."""
    names, case, second = draw.names()[1], cased(draw), draw.rng.random() * 0.15
    joint = draw.rng.choice(("-", " "))

    def make() -> str:
        name = draw.rng.choice(names)
        return case(f"{name}{joint}{draw.rng.choice(names)}" if draw.rng.random() < second else name)

    return make


def person(draw: Draw) -> Value:
    """Full names in one of the usual orders."""
    (first, last), case, rng = draw.names(), cased(draw), draw.rng
    order = rng.choices(("plain", "turned", "title", "initial", "middle", "spaced", "short"), (50, 16, 6, 8, 8, 6, 6))[
        0
    ]
    mixed = rng.random() < 0.2

    def make() -> str:
        style = rng.choice(("plain", "middle", "title", order)) if mixed else order
        one, two = rng.choice(first), rng.choice(last)
        initial = rng.choice("ABCDEFGHJKLMNPRSTW")
        forms = {
            "plain": f"{one} {two}", "turned": f"{two}, {one}", "initial": f"{one} {initial}. {two}",
            "title": f"{rng.choice(('Dr.', 'Mr.', 'Mrs.', 'Ms.', 'Prof.'))} {one} {two}",
            "middle": f"{one} {rng.choice(first)} {two}", "spaced": f"{two} {one}", "short": f"{initial}. {two}",
        }  # fmt: skip
        return case(forms[style])

    return make


def email(draw: Draw) -> Value:
    """Addresses of mail, of one company or of many."""
    (first, last), rng = draw.names(), draw.rng
    own = f"{plain(draw.made())}.{rng.choice(('com', 'org', 'de', 'co.uk', 'fr', 'gov', 'edu'))}"
    company, joint = rng.random() < 0.4, rng.choice(_SEPARATORS)

    def make() -> str:
        one, two = plain(rng.choice(first)), plain(rng.choice(last))
        local = rng.choice(
            (f"{one}{joint}{two}", f"{one[0]}{two}", f"{one}{rng.randint(1, 999)}", f"{one}{joint}{two}")
        )
        return f"{local}@{own if company else rng.choice(_DOMAINS)}"

    return make


def username(draw: Draw) -> Value:
    """Names of accounts."""
    (first, last), rng = draw.names(), draw.rng
    style, mark = rng.randrange(5), rng.choice(("", "", "", "@"))

    def make() -> str:
        one, two, number = plain(rng.choice(first)), plain(rng.choice(last)), rng.randint(1, 2010)
        forms = (
            f"{one[0]}{two}",
            f"{one}.{two}",
            f"{one}{number}",
            f"{draw.word('thing').split()[0]}_{one}{number % 100}",
            f"{two}{one[0]}",
        )
        return mark + forms[style if rng.random() < 0.8 else rng.randrange(5)]

    return make


def phone(draw: Draw) -> Value:
    """Numbers of one country or of several, in the manner of one source."""
    rng = draw.rng
    region, mixed = rng.choice(PHONE_REGIONS), rng.random() < 0.15
    style = rng.randrange(6)

    def make() -> str:
        here = rng.choice(PHONE_REGIONS) if mixed else region
        number = _number(here, rng)
        kinds = phonenumbers.PhoneNumberFormat
        if style < 3:
            return phonenumbers.format_number(number, (kinds.NATIONAL, kinds.INTERNATIONAL, kinds.E164)[style])
        digits = str(number.national_number)
        if style == 3:
            return digits if here == "US" else f"0{digits}"
        if style == 4 and len(digits) == 10:
            return f"{digits[:3]}{rng.choice('-.')}{digits[3:6]}-{digits[6:]}"
        return f"00{number.country_code}{digits}" if here != "US" else f"1-{digits[:3]}-{digits[3:6]}-{digits[6:]}"

    return make


def _number(region: str, rng: random.Random) -> phonenumbers.PhoneNumber:
    kind = phonenumbers.PhoneNumberType.MOBILE if rng.random() < 0.5 else phonenumbers.PhoneNumberType.FIXED_LINE
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None  # of these regions the metadata have examples of both kinds
    digits = str(example.national_number)
    for _ in range(20):
        kept = rng.randint(2, 4)
        tail = "".join(rng.choice("0123456789") for _ in digits[kept:])
        number = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=int(digits[:kept] + tail))
        if phonenumbers.is_valid_number(number):
            return number
    return example


def days(draw: Draw, first: int, last: int, clock: bool = False) -> Value:
    """Days between two years, as dates or as text of one form; with `clock`, moments."""
    rng = draw.rng
    form, typed, recent = rng.choice(DAYS), rng.random() < 0.45, rng.choice((1.0, 1.0, 0.5))
    start, span = date(first, 1, 1), (date(last, 12, 28) - date(first, 1, 1)).days
    joint, tail = rng.choice((" ", "T")), rng.choice(("", "", "Z", ".123", "+00:00"))

    def make() -> object:
        day = start + timedelta(days=int(span * rng.random() ** recent))
        if clock:
            return f"{day}{joint}{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}{tail}"
        return day if typed else day.strftime(form)

    return make


def street(draw: Draw) -> Value:
    """Addresses in the order of a language; at times with town and postal code."""
    rng, case = draw.rng, cased(draw)
    style, whole = (
        rng.choices(("en", "de", "fr", "es", "it", "nl", "faker"), (35, 12, 12, 12, 8, 6, 15))[0],
        rng.random() < 0.25,
    )
    suffixes = {
        "en": ("Street", "St", "Ave", "Avenue", "Road", "Rd", "Lane", "Dr", "Blvd", "Court", "Way", "Pl"),
        "de": ("straße", "str.", "weg", "gasse", "allee", "platz"),
        "fr": ("rue de", "avenue", "rue du", "boulevard", "chemin de", "place"),
        "es": ("Calle", "C/", "Avda.", "Av.", "Paseo", "Plaza", "Rua", "Carrera"),
        "it": ("Via", "Viale", "Piazza", "Corso"), "nl": ("straat", "laan", "weg", "plein", "gracht"),
    }  # fmt: skip
    from_faker = _faker_streets(draw)

    def make() -> str:
        if style == "faker":
            return case(from_faker())
        name, kind, number = (
            draw.word("Family"),
            rng.choice(suffixes[style]),
            rng.choice((rng.randint(1, 99), rng.randint(100, 9999))),
        )
        if style == "en":
            name = f"{rng.randint(1, 190)}th" if rng.random() < 0.15 else name
            side, tail = rng.choice(("", "", "", "N ", "W. ", "SE ")), rng.choice(("", "", "", ", Apt #", " Suite ##"))
            text = f"{number} {side}{name} {kind}{tail}"
        elif style in {"de", "nl"}:
            text = f"{name}{kind} {number % 200 + 1}{rng.choice(('', '', 'a', ' b'))}"
        elif style == "fr":
            text = f"{number % 200 + 1}{rng.choice((' ', ', ', ' bis '))}{kind} {name}"
        else:
            text = f"{kind} {name}{rng.choice((' ', ', ', ' nº '))}{number % 200 + 1}"
        text = draw.filled(text.replace("{", "").replace("}", ""))
        return case(f"{text}, {draw.filled('#####')} {draw.town()}" if whole else text)

    return make


def _faker_streets(draw: Draw) -> Callable[[], str]:
    from faker import Faker

    locale = draw.rng.choice([name for name in draw.locales if name in pools.providers("address")] or ["en_US"])
    source = Faker(locale)
    source.seed_instance(draw.rng.randrange(2**32))
    lines = draw.rng.random() < 0.3
    return lambda: str(source.address() if lines else source.street_address()).replace("\n", ", ")
