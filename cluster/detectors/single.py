"""Checks of single matches in running text, where no column of others bears them out."""

import re
from typing import Final

from cluster.detectors.checksums import digits_of

_GROUPS: Final = re.compile(r"[0-9]+")
_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2035


def birth_date(text: str) -> bool:
    """A day, a month and a year in some usual order, as numbers: a date that there was, in a century of the living."""
    groups = [int(group) for group in _GROUPS.findall(text)]
    if len(groups) == 1 and len(text) == 8:
        groups = [int(text[:4]), int(text[4:6]), int(text[6:])]
    if len(groups) != 3:
        return False
    year, month, day = groups if groups[0] > 31 else reversed(groups)
    if year < 100:
        year += 1900
    fits = (1 <= month <= 12 and 1 <= day <= 31) or (1 <= day <= 12 and 1 <= month <= 31)
    return fits and _FIRST_YEAR <= year <= _LAST_YEAR


def es_dni(text: str) -> bool:
    """Spanish DNI: the letter is the number modulo 23 in the order of the Interior Ministry; dots are allowed."""
    digits = digits_of(text)
    return len(digits) == 8 and text[-1:].upper() == _DNI[int(digits) % 23]


def ipv4_any(text: str) -> bool:
    """Four octets (RFC 791), for a text whose words say that it is an address."""
    octets = text.split(".")
    return len(octets) == 4 and all(o.isdigit() and len(o) < 4 and int(o) < 256 and o == str(int(o)) for o in octets)


def letters_and_digits(text: str) -> bool:
    """Holds at least one of each."""
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
