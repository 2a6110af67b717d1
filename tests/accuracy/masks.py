"""Coded values by the masks of `data/masks.yaml`, made valid by python-stdnum where the class has a check digit."""

import random
import re
import string
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from typing import Any, Final

import phonenumbers

from tests.accuracy.check_signs import CHECKS
from tests.accuracy.data_files import data, of_language

_DRAWN: Final = {
    "#": string.digits,
    "!": string.digits + string.ascii_uppercase,
    "%": "123456789",
    "@": string.ascii_uppercase,
    "^": string.ascii_lowercase,
    "?": string.digits + string.ascii_uppercase + string.ascii_lowercase,
    "~": "0123456789abcdef",
    "&": string.ascii_uppercase + "234567",
}
_TOKEN: Final = re.compile(r"\{[^}]*\}|.", re.DOTALL)
_DATES: Final = {
    "ddmm": "%d%m",
    "yy": "%y",
    "mm": "%m",
    "dd": "%d",
    "yymm": "%y%m",
    "yymmdd": "%y%m%d",
    "ddmmyy": "%d%m%y",
    "yyyymmdd": "%Y%m%d",
}
_TRIES: Final = 6_000
REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "PT", "BR", "NL", "PL", "SE", "TR", "AU", "IE", "AT", "CH", "BE")


def fill(rng: random.Random, mask: str) -> str:
    """The mask with its marks drawn; all parts of a date of birth are of one date."""
    born = date(1935, 1, 1) + timedelta(days=rng.randrange(27_000))
    made = []
    for token in _TOKEN.findall(mask):
        if len(token) > 1:
            inside = token[1:-1]
            made.append(_dated(born, inside) or _choice(rng, inside))
        else:
            made.append(rng.choice(_DRAWN[token]) if token in _DRAWN else token)
    return "".join(made)


def _dated(born: date, inside: str) -> str:
    if inside == "yyy":
        return born.strftime("%Y")[1:]
    return born.strftime(_DATES[inside]) if inside in _DATES else ""


def _choice(rng: random.Random, inside: str) -> str:
    return f"{rng.randrange(100):02}" if inside == "any97" else fill(rng, rng.choice(inside.split("|")))


def coded(rng: random.Random, data_class: str, language: str, n: int) -> list[str]:
    """Values of one column: one way of writing, each accepted by the class's check where it has one."""
    spec = data("masks")[data_class]
    spec = data("masks")[spec["like"]] if "like" in spec else spec
    mask = rng.choice(of_language(spec["masks"], language))
    accepts = _check(spec.get("valid"))
    return [next(_valid(rng, mask, accepts)) for _ in range(n)]


def _valid(rng: random.Random, mask: str, accepts: Callable[[str], bool]) -> Iterator[str]:
    for _ in range(_TRIES):
        drawn = fill(rng, mask)
        for value in _endings(drawn, mask):
            if accepts(value):
                yield value
                return
    raise ValueError(f"no valid value of {mask!r}")


def _endings(drawn: str, mask: str) -> Iterator[str]:
    """The value, and the value with other last signs: a check digit or letter stands there in most numbers."""
    yield drawn
    if mask.endswith("{any97}"):
        yield from (f"{drawn[:-2]}{ending:02}" for ending in range(100))
    elif mask.endswith(("#", "?")):
        yield from (drawn[:-1] + sign for sign in string.digits)
    if mask.endswith(("@", "?")):
        yield from (drawn[:-1] + sign for sign in string.ascii_uppercase)


@cache
def _check(module: str | None) -> Callable[[str], bool]:
    if module is None:
        return lambda value: True
    if module == "phone":
        return _is_phone
    if module == "own":
        return lambda value: any(holds(value) for holds in CHECKS)
    if module.startswith("own "):
        return next(holds for holds in CHECKS if holds.__name__ == module[4:])
    found: Any = import_module("stdnum.luhn" if module == "npi" else f"stdnum.{module}")
    accepts: Callable[[str], bool] = found.is_valid
    if module == "npi":  # the check digit counts the prefix of the health industry
        return lambda value: accepts("80840" + value)

    def either(value: str) -> bool:
        bare = re.sub(r"[ .\-]", "", value)
        return accepts(value) or (bare != value and accepts(bare))

    return either


def _is_phone(value: str) -> bool:
    for region in REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(value, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False
