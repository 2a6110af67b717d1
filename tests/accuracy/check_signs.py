"""Check signs of numbers that python-stdnum does not know, each by the published rule of its country."""

import re
from collections.abc import Callable
from typing import Final


def _digits(value: str) -> list[int]:
    return [int(sign) for sign in value if sign.isdigit()]


def snils(value: str) -> bool:
    """Russia: the first nine digits by weights 9 to 1, modulo 101; 100 counts as 0."""
    found = _digits(value)
    if len(found) != 11 or not re.fullmatch(r"[\d\- ]+", value):
        return False
    total = sum(digit * weight for digit, weight in zip(found, range(9, 0, -1), strict=False))
    return total % 101 % 100 == found[9] * 10 + found[10]


def taj(value: str) -> bool:
    """Hungary: eight digits by weights 3 and 7 in turn, modulo 10."""
    found = _digits(value)
    total = sum(digit * (3, 7)[place % 2] for place, digit in enumerate(found[:8]))
    return len(found) == 9 and re.fullmatch(r"[\d ]+", value) is not None and total % 10 == found[8]


def hkid(value: str) -> bool:
    """Hong Kong: a letter (A is 10) and six digits by weights 8 to 2, and a blank that counts 36 before them."""
    match = re.fullmatch(r"([A-Z])(\d{6})\((\d)\)", value)
    if not match:
        return False
    total = 9 * 36 + 8 * (ord(match[1]) - 55)
    total += sum(int(digit) * weight for digit, weight in zip(match[2], range(7, 1, -1), strict=True))
    return (total + int(match[3])) % 11 == 0


def nric(value: str) -> bool:
    """Singapore: seven digits by weights 2 7 6 5 4 3 2, four more for those of the new century, and a letter."""
    match = re.fullmatch(r"([ST])(\d{7})([A-Z])", value)
    if not match:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(match[2], (2, 7, 6, 5, 4, 3, 2), strict=True))
    return "JZIHGFEDCBA"[(total + 4 * (match[1] == "T")) % 11] == match[3]


def pension(value: str) -> bool:
    """Germany: the letter as its two-digit place in the alphabet, weights 2 1 2 5 7 1 2 1 2 1 2 1, sums of digits."""
    match = re.fullmatch(r"(\d{8})([A-Z])(\d{2})(\d)", value.replace(" ", ""))
    if not match:
        return False
    signs = f"{match[1]}{ord(match[2]) - 64:02}{match[3]}"
    products = [int(sign) * weight for sign, weight in zip(signs, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)]
    return sum(sum(divmod(product, 10)) for product in products) % 10 == int(match[4])


def dea(value: str) -> bool:
    """United States: digits 1, 3 and 5 and twice digits 2, 4 and 6; the last digit of the sum."""
    match = re.fullmatch(r"[A-Z]{2}(\d{6})(\d)", value)
    if not match:
        return False
    found = _digits(match[1])
    return (sum(found[::2]) + 2 * sum(found[1::2])) % 10 == int(match[2])


CHECKS: Final[tuple[Callable[[str], bool], ...]] = (snils, taj, hkid, nric, pension, dea)
