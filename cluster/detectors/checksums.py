"""Check digits and other arithmetic of numbers, over the plain text of one match. Each says whether it holds.

Written out where a library call costs many times more; the rest is python-stdnum's (see `validators`).
"""

import ipaddress
import math
from collections import Counter
from typing import Final

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_IBAN_LETTERS: Final = {ord(letter): str(number) for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10)}
_VIN_VALUES: Final = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", [*range(10), *range(1, 9), 1, 2, 3, 4, 5, 7, 9,
                                                                     *range(2, 10)], strict=True))  # fmt: skip
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_PUBLISHED_SSN: Final = frozenset({"078051120", "219099999"})


def digits_of(text: str) -> str:
    return "".join(c for c in text if "0" <= c <= "9")


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 annex B over the digits of the text; a run of one digit does not count."""
    digits = digits_of(text)
    if len(set(digits)) < 2:
        return False
    numbers = [int(c) for c in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[n] for n in numbers[1::2])) % 10 == 0


def payment_card(text: str) -> bool:
    """Luhn, and a length that the brand of the leading digits issues (ISO/IEC 7812, brands' published ranges)."""
    digits = digits_of(text)
    return len(digits) in _card_lengths(digits) and luhn(digits)


def _card_lengths(digits: str) -> tuple[int, ...]:
    two, three, four, six = int(digits[:2]), int(digits[:3]), int(digits[:4]), int(digits[:6])
    if digits[0] == "4":
        return (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return (16,)
    if two in (34, 37):
        return (15,)
    if 3528 <= four <= 3589:
        return (16, 17, 18, 19)
    if two in (36, 38, 39) or 300 <= three <= 305:
        return (14, 16)
    if four == 6011 or 644 <= three <= 649 or two == 65 or 622126 <= six <= 622925 or two in (60, 81, 82):
        return (16, 17, 18, 19)
    if two == 62:
        return (16, 17, 18, 19)
    if two in (50, 56, 57, 58, 67, 63):
        return (12, 13, 14, 15, 16, 17, 18, 19)
    return ()


def ssn(text: str) -> bool:
    """Area, group and serial rules of the US Social Security Administration; no check digit exists."""
    digits = digits_of(text)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        len(digits) == 9
        and area not in ("000", "666")
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
        and digits not in _PUBLISHED_SSN
        and len(set(digits)) > 1
    )


def aba_routing(text: str) -> bool:
    """ABA routing number: weights 3, 7, 1 modulo 10, and a leading pair that the Federal Reserve assigns."""
    digits = digits_of(text)
    if len(digits) != 9 or not digits.strip("0"):
        return False
    lead = int(digits[:2])
    assigned = lead <= 12 or 21 <= lead <= 32 or 61 <= lead <= 72 or lead == 80
    return assigned and sum(int(d) * w for d, w in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0


def iban_mod97(text: str) -> bool:
    """ISO 13616 check digits: the rearranged number is 1 modulo 97."""
    compact = "".join(text.split()).upper()
    try:
        return int((compact[4:] + compact[:4]).translate(_IBAN_LETTERS)) % 97 == 1
    except ValueError:
        return False


def npi(text: str) -> bool:
    """US National Provider Identifier: Luhn over the digits after the prefix 80840 (45 CFR 162.406)."""
    digits = digits_of(text)
    return len(digits) == 10 and digits[0] in "12" and luhn("80840" + digits)


def vin(text: str) -> bool:
    """Vehicle identification number with the North American check digit (49 CFR 565.15)."""
    upper = text.strip().upper()
    if len(upper) != 17 or upper.isdigit() or upper.isalpha():
        return False
    try:
        remainder = sum(_VIN_VALUES[c] * w for c, w in zip(upper, _VIN_WEIGHTS, strict=True)) % 11
    except KeyError:
        return False
    return upper[8] == ("X" if remainder == 10 else str(remainder))


def nino(text: str) -> bool:
    """UK National Insurance number: prefixes that HMRC does not allocate are refused."""
    compact = "".join(text.split()).upper()
    prefix = compact[:2]
    return (
        len(compact) == 9
        and prefix[0] not in "DFIQUV"
        and prefix[1] not in "DFIOQUV"
        and prefix not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")
    )


def imei(text: str) -> bool:
    """15 digits with Luhn (3GPP TS 23.003)."""
    digits = digits_of(text)
    return len(digits) == 15 and luhn(digits)


def ipv4(text: str) -> bool:
    """Four octets of which one is 32 or more: numbers of software versions hardly ever are."""
    octets = text.split(".")
    return (
        len(octets) == 4
        and all(len(o) <= 3 and (o == "0" or not o.startswith("0")) and int(o) <= 255 for o in octets)
        and max(int(o) for o in octets) >= 32
        and octets[0] != "0"
    )


def ipv6(text: str) -> bool:
    """An RFC 4291 address that is more than a short run of colons and zeros, so that times are not taken for one."""
    bare = text.strip().split("%")[0]
    full = bare.count(":") == 7
    if len(bare) < 6 or not (full or "::" in bare):
        return False
    try:
        ipaddress.IPv6Address(bare)
    except ValueError:
        return False
    return True


def secret_entropy(text: str) -> bool:
    """Random enough to be a secret: at least 3.2 bits a character, and digits among letters (or both cases, if long)."""
    stripped = text.strip()
    counts = Counter(stripped)
    size = len(stripped)
    bits = -sum(n / size * math.log2(n / size) for n in counts.values())
    digit = any(c.isdigit() for c in stripped)
    lower, upper = any(c.islower() for c in stripped), any(c.isupper() for c in stripped)
    return bits >= 3.2 and ((digit and (lower or upper)) or (lower and upper and size >= 24))
