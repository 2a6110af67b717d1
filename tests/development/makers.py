"""Values of development columns: masks with their checks, words, people, and numbers spread as such numbers are."""

import random
import re
import string
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import phonenumbers
import yaml

from cluster.detectors.validators import validator

Values = list[Any]
_MARKS: Final = {
    "#": string.digits, "!": string.digits + string.ascii_uppercase, "%": "123456789", "@": string.ascii_uppercase,
    "^": string.ascii_lowercase, "?": string.digits + string.ascii_letters, "~": "0123456789abcdef",
    "&": string.ascii_uppercase + "234567",
}  # fmt: skip
_BORN: Final = {
    "yymmdd": "%y%m%d",
    "ddmmyy": "%d%m%y",
    "yyyymmdd": "%Y%m%d",
    "yymm": "%y%m",
    "yy": "%y",
    "mm": "%m",
    "dd": "%d",
}
_TOKEN: Final = re.compile(r"\\.|\{[^}]*\}|.", re.DOTALL)
_DAYS: Final = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%m/%d/%Y 12:00:00 AM",
    "%d.%m.%y",
)
_TRIES: Final = 20_000


@cache
def data(name: str) -> Any:
    """A file of the data folder."""
    return yaml.safe_load((Path(__file__).parent / "data" / f"{name}.yaml").read_text(encoding="utf-8"))


def fill(rng: random.Random, mask: str) -> str:
    """The mask with its marks drawn: as in tests/accuracy/masks.py, and a backslash makes a sign stand for itself."""
    born = date(1938, 3, 1) + timedelta(days=rng.randrange(25_000))
    return "".join(_drawn(rng, token, born) for token in _TOKEN.findall(mask))


def _drawn(rng: random.Random, token: str, born: date) -> str:
    if token[0] == "\\" and len(token) == 2:
        return token[1]
    if len(token) > 1:
        inside = token[1:-1]
        if inside in _BORN:
            return born.strftime(_BORN[inside])
        if inside == "yyy":
            return born.strftime("%Y")[1:]
        return f"{rng.randrange(100):02}" if inside == "any97" else fill(rng, rng.choice(inside.split("|")))
    return rng.choice(_MARKS[token]) if token in _MARKS else token


@cache
def _check(spec_valid: str, own: str) -> Callable[[str], bool]:
    if own:
        found = validator(own)
        assert found is not None, own
        return found
    if spec_valid == "npi":
        luhn = import_module("stdnum.luhn").is_valid
        return lambda text: bool(luhn("80840" + text))
    module = import_module(f"stdnum.{spec_valid}")
    return lambda text: bool(module.is_valid(text) or module.is_valid(re.sub(r"[ .\-/]", "", text)))


def masked(rng: random.Random, spec: dict[str, Any], rows: int) -> Values:
    """Values of one mask, each with the check of its class."""
    mask = rng.choice(spec["masks"])
    if not spec.get("valid") and not spec.get("own"):
        return [fill(rng, mask) for _ in range(rows)]
    check = _check(spec.get("valid", ""), spec.get("own", ""))
    return [_valid(rng, mask, check) for _ in range(rows)]


def _valid(rng: random.Random, mask: str, check: Callable[[str], bool]) -> str:
    for _ in range(_TRIES):
        drawn = fill(rng, mask)
        if check(drawn):
            return drawn
        last = max(place for place, sign in enumerate(drawn) if sign.isalnum())
        if mask.endswith(("A", "9", "U")):  # the letter at the end is no check sign
            last = last - 1 if mask.endswith("A") else last
        options = (
            string.ascii_uppercase if drawn[last].isalpha() else string.digits + "XA" * mask.endswith((")", "}", "?"))
        )
        ends = [f"{n:02}" for n in range(100)] if "{any97}" in mask else options
        for end in ends:
            text = drawn[: last + 1 - len(end)] + end + drawn[last + 1 :]
            if check(text):
                return text
    raise ValueError(f"nothing of {mask} passes")


def worded(rng: random.Random, lists: Any, rows: int) -> Values:
    """Words of one list, some much oftener than others."""
    words = rng.choice(list(lists.values()) if isinstance(lists, dict) else lists)
    weights = [1 / (place + 1) ** rng.choice((0, 1)) for place in range(len(words))]
    return [str(word) for word in rng.choices(words, weights, k=rows)]


def _people(rng: random.Random) -> tuple[list[str], list[str]]:
    one = rng.choice(sorted(data("people")["given"]))
    if rng.random() < 0.3:  # a mixed town
        return [n for some in data("people")["given"].values() for n in some], [
            n for some in data("people")["family"].values() for n in some
        ]
    return data("people")["given"][one], data("people")["family"][one]


def _case(rng: random.Random) -> Callable[[str], str]:
    return rng.choice((str, str, str, str.upper))


def given(rng: random.Random, rows: int) -> Values:
    names, case = _people(rng)[0], _case(rng)
    return [case(rng.choice(names)) for _ in range(rows)]


def family(rng: random.Random, rows: int) -> Values:
    names, case = _people(rng)[1], _case(rng)
    return [case(rng.choice(names)) for _ in range(rows)]


def person(rng: random.Random, rows: int) -> Values:
    (first, last), case = _people(rng), _case(rng)
    form = rng.choice(("{0} {1}", "{1}, {0}", "{0} {2}. {1}", "{1} {0}", "{1}, {0} {2}"))
    return [case(form.format(rng.choice(first), rng.choice(last), rng.choice("ABCDEJKLMRST"))) for _ in range(rows)]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower()) or "kim"


def handle(rng: random.Random, rows: int) -> Values:
    first, last = _people(rng)
    form = rng.choice(("{0}{2}", "{0[0]}{1}", "{1}.{0}", "{0}_{1}", "{0}{1}{2}", "x{0}_{2}", "@{0}{1}"))
    return [
        form.format(_plain(rng.choice(first)), _plain(rng.choice(last)), rng.randrange(1, 2100)) for _ in range(rows)
    ]


def email(rng: random.Random, rows: int) -> Values:
    first, last = _people(rng)
    domain = rng.choice(
        ("mail.ru", "proton.me", "aol.com", "city.gov", "uni-ulm.de", "example.com", "gmail.com", "firma.hu")
    )
    return [
        f"{_plain(rng.choice(first))}{rng.choice('._')}{_plain(rng.choice(last))}{rng.choice(('', '2', '81'))}@{domain}"
        for _ in range(rows)
    ]


def phone(rng: random.Random, rows: int) -> Values:
    region = rng.choice(
        ("US", "US", "GB", "DE", "HU", "CZ", "ZA", "NG", "KR", "CL", "FI", "GR", "IN", "CA", "FR", "ES")
    )
    example = phonenumbers.example_number_for_type(region, rng.choice((0, 1)))
    assert example is not None
    digits, form = str(example.national_number), rng.randrange(6)
    made = []
    while len(made) < rows:
        number = phonenumbers.PhoneNumber(
            country_code=example.country_code,
            national_number=int(digits[:3] + "".join(rng.choice("0123456789") for _ in digits[3:])),
        )
        if not phonenumbers.is_valid_number(number):
            continue
        plain = str(number.national_number)
        made.append(
            phonenumbers.format_number(number, form)
            if form < 4
            else plain
            if form == 4
            else f"({plain[:3]}){plain[3:6]}-{plain[6:]}"
        )
    return made


def _dated(rng: random.Random, days: list[date]) -> Values:
    form = rng.choice((None, None, *_DAYS))
    return list(days) if form is None else [day.strftime(form) for day in days]


def births(rng: random.Random, rows: int) -> Values:
    first, last = rng.choice(((1935, 2004), (1950, 2000), (2004, 2018), (1925, 1960), (2015, 2024)))
    start, span = date(first, 1, 1), (last - first) * 365
    return _dated(rng, [start + timedelta(days=rng.randrange(span)) for _ in range(rows)])


def recent_days(rng: random.Random, rows: int) -> Values:
    first = rng.choice((2009, 2016, 2021))
    days = [date(first, 1, 1) + timedelta(days=rng.randrange(1400)) for _ in range(rows)]
    if rng.random() < 0.2:
        return [datetime(day.year, day.month, day.day, rng.randrange(24), rng.randrange(60)) for day in days]  # noqa: DTZ001
    return _dated(rng, days)


def birth_years(rng: random.Random, rows: int) -> Values:
    low = rng.choice((1940, 1955, 1985, 2006))
    return _typed(rng, [low + rng.randrange(15 if low == 2006 else 40) for _ in range(rows)])


def _typed(rng: random.Random, numbers: list[Any]) -> Values:
    return [str(number) for number in numbers] if rng.random() < 0.4 else numbers


def ages(rng: random.Random, rows: int) -> Values:
    middle, spread = rng.choice(((44, 18), (10, 4), (75, 9), (31, 8)))
    return _typed(rng, [max(0, min(101, round(rng.gauss(middle, spread)))) for _ in range(rows)])


def genders(rng: random.Random, rows: int) -> Values:
    sets = (
        ("M", "F", "U"), ("MALE", "FEMALE"), ("Man", "Woman", "Nonbinary"), ("m", "w"), ("H", "F"),
        ("V", "M"), ("1", "2"),
        ("Masculino", "Femenino"), ("Homme", "Femme"), ("muž", "žena"), ("férfi", "nő"), ("мужской", "женский"),
        ("Laki-laki", "Perempuan"), ("L", "P"), ("K", "M"), ("maschio", "femmina"), ("8507", "8532"), ("E", "K"),
    )  # fmt: skip
    return rng.choices(rng.choice(sets), k=rows)


def street(rng: random.Random, rows: int) -> Values:
    forms, case = rng.choice(data("people")["street"]), _case(rng)
    return [case(fill(rng, rng.choice(forms))) for _ in range(rows)]


def city(rng: random.Random, rows: int) -> Values:
    towns, case = rng.choice(data("people")["city"]), _case(rng)
    return [case(rng.choice(towns)) for _ in range(rows)]


def places(rng: random.Random, rows: int) -> Values:
    lat, lon = rng.choice(((41.9, -87.7), (52.5, 13.4), (-33.9, 18.4), (19.4, -99.1), (47.5, 19.0), (1.3, 103.8)))
    width, decimals = rng.choice((0.05, 0.5, 6)), rng.randrange(3, 9)
    pairs = [
        (round(lat + rng.gauss(0, width), decimals), round(lon + rng.gauss(0, width), decimals)) for _ in range(rows)
    ]
    forms: list[Callable[[float, float], Any]] = [
        lambda one, two: f"{one},{two}", lambda one, two: f"({one}, {two})", lambda one, two: f"POINT ({two} {one})",
        lambda one, two: f"{one}; {two}",
        lambda one, two: f"{abs(one):.5f}° {'SN'[one > 0]} {abs(two):.5f}° {'WE'[two > 0]}",
    ]  # fmt: skip
    form = rng.choice(forms)
    return [form(one, two) for one, two in pairs]


def latitudes(rng: random.Random, rows: int) -> Values:
    """One number of a place, for columns named for it."""
    middle = rng.choice((41.9, -87.7, 52.5, 13.4, -33.9, 151.2, 47.5, -0.12))
    width, decimals = rng.choice((0.05, 0.5, 3)), rng.randrange(3, 9)
    numbers = [round(middle + rng.gauss(0, width), decimals) for _ in range(rows)]
    return [str(number).replace(".", ",") for number in numbers] if rng.random() < 0.1 else _typed(rng, numbers)


def incomes(rng: random.Random, rows: int) -> Values:
    middle, places_ = rng.choice(((62_000, 0), (4_100, 2), (38_500, 2), (24.5, 2), (91_000, 0), (320_000, 0)))
    numbers = [round(middle * rng.lognormvariate(0, 0.35), places_ or None) for _ in range(rows)]
    form = rng.choice((None, None, None, "${0:,.2f}", "{0:,.0f}", "{0:.0f} EUR", "€ {0:,.0f}"))
    return numbers if form is None else [form.format(number) for number in numbers]


def credit_scores(rng: random.Random, rows: int) -> Values:
    return _typed(rng, [max(300, min(850, round(rng.gauss(690, 70)))) for _ in range(rows)])


def ips(rng: random.Random, rows: int) -> Values:
    if rng.random() < 0.25:
        return [fill(rng, "2a02:~~~~:~~~~:~::~~") for _ in range(rows)]
    head = rng.choice(("172.16", "10.20", ""))
    return [
        f"{head}.{rng.randrange(256)}.{rng.randrange(256)}"
        if head
        else f"{rng.randrange(1, 223)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
        for _ in range(rows)
    ]


def iban(rng: random.Random, rows: int) -> Values:
    widths = {"HU": 24, "PT": 21, "NO": 11, "DE": 18, "LT": 16}
    country = rng.choice(sorted(widths))
    spaced = rng.random() < 0.3
    made: Values = []
    for _ in range(rows):
        text = fill(rng, "#" * widths[country])
        check = 98 - int("".join(str(int(sign, 36)) for sign in text + country + "00")) % 97
        whole = f"{country}{check:02}{text}"
        made.append(" ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if spaced else whole)
    return made


def passwords(rng: random.Random, rows: int) -> Values:
    words = (
        "Winter",
        "coffee",
        "Liverpool",
        "tigger",
        "P@ss",
        "orange",
        "Ginger",
        "arsenal",
        "hello",
        "sommer",
        "blink",
        "Passw0rd",
    )
    forms: list[Callable[[], str]] = [
        lambda: f"{rng.choice(words)}{rng.randrange(1000)}",
        lambda: fill(rng, "??????????"),
        lambda: f"{rng.choice(words)}{rng.choice('!#$*')}{rng.randrange(100)}",
        lambda: "-".join(rng.sample([word.lower() for word in words], 3)),
    ]
    return [rng.choice(forms)() if rng.random() < 0.5 else forms[0]() for _ in range(rows)]


MAKERS: Final[dict[str, Callable[[random.Random, int], Values]]] = {
    maker.__name__: maker
    for maker in (
        given, family, person, handle, email, phone, births, recent_days, birth_years, ages, genders, street, city,
        places, latitudes, incomes, credit_scores, ips, iban, passwords,
    )
}  # fmt: skip
