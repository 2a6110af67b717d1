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


def iin(value: str) -> bool:
    """Kazakhstan: eleven digits by weights 1 to 11, modulo 11; at 10 once more by weights 3 to 11, 1, 2."""
    found = _digits(value)
    if len(found) != 12 or not value.isdigit():
        return False
    for weights in (range(1, 12), [*range(3, 12), 1, 2]):
        rest = sum(digit * weight for digit, weight in zip(found, weights, strict=False)) % 11
        if rest < 10:
            return rest == found[11]
    return False


def my_number(value: str) -> bool:
    """Japan: eleven digits by weights 6 to 2 and 7 to 2; 11 less the rest by 11, and 0 where that is over 9."""
    found = _digits(value)
    if len(found) != 12 or not re.fullmatch(r"[\d ]+", value):
        return False
    rest = sum(digit * weight for digit, weight in zip(found, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False)) % 11
    return (0 if rest <= 1 else 11 - rest) == found[11]


def taiwan(value: str) -> bool:
    """Taiwan: the letter as two digits of a list, by weights 1 and 9, then digits by 8 to 1 and the last by 1."""
    match = re.fullmatch(r"([A-Z])(\d{9})", value)
    if not match:
        return False
    code = 10 + "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(match[1])
    total = code // 10 + 9 * (code % 10)
    return (total + sum(d * w for d, w in zip(_digits(match[2]), (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))) % 10 == 0


def uruguay(value: str) -> bool:
    """Uruguay: seven digits by weights 2 9 8 7 6 3 4; what is missing to the next ten."""
    found = _digits(value)
    if len(found) != 8 or not re.fullmatch(r"\d\.\d{3}\.\d{3}-\d", value):
        return False
    return -sum(d * w for d, w in zip(found, (2, 9, 8, 7, 6, 3, 4), strict=False)) % 10 == found[7]


CHECKS: Final[tuple[Callable[[str], bool], ...]] = (
    *(snils, taj, hkid, nric, pension, dea),
    *(iin, my_number, taiwan, uruguay),
)
