"""Check digits and other arithmetic of numbers, over the plain text of one match. Each says whether it holds.

Written out where a library call costs many times more; the rest is python-stdnum's (see `validators`).
"""

import ipaddress
import math
from collections import Counter
from typing import Final

# Luhn's doubled digit, on the bytes of digits: "7" becomes "5", for 14 and 1 + 4.
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
_NO_DIGITS: Final = bytes(i for i in range(256) if not 48 <= i <= 57)
_IBAN_LETTERS: Final = {ord(letter): str(number) for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10)}
_VIN_VALUES: Final = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", [*range(10), *range(1, 9), 1, 2, 3, 4, 5, 7, 9,
                                                                     *range(2, 10)], strict=True))  # fmt: skip
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# First and last issuer prefix in six digits, and the lengths issued under it; the first that fits counts.
CARDS: Final[tuple[tuple[int, int, range | tuple[int, ...]], ...]] = (
    (400000, 499999, (13, 16, 19)),  # Visa
    (510000, 559999, (16,)),  # Mastercard
    (222100, 272099, (16,)),
    (340000, 349999, (15,)),  # American Express
    (370000, 379999, (15,)),
    (352800, 358999, range(16, 20)),  # JCB
    (300000, 305999, (14, 16)),  # Diners Club
    (360000, 369999, (14, 16)),
    (380000, 399999, (14, 16)),
    (601100, 601199, range(16, 20)),  # Discover
    (644000, 659999, range(16, 20)),
    (600000, 609999, range(16, 20)),  # RuPay
    (620000, 629999, range(16, 20)),  # UnionPay
    (810000, 829999, range(16, 20)),
    (500000, 509999, range(13, 20)),  # Maestro
    (560000, 589999, range(13, 20)),
    (630000, 639999, range(13, 20)),
    (670000, 679999, range(13, 20)),
)
_OCTETS: Final = {str(number): number for number in range(256)}
PUBLISHED_SSN: Final = frozenset({"078051120", "219099999"})


def digits_of(text: str) -> str:
    """The ASCII digits of a text, in order."""
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode("ascii")


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 annex B over the digits of the text; a run of one digit does not count."""
    digits = text.encode("ascii", "ignore").translate(None, _NO_DIGITS)
    if digits.count(digits[:1]) == len(digits):
        return False
    return (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10 == 0


def payment_card(text: str) -> bool:
    """Luhn, and a length that the brand of the leading digits issues (ISO/IEC 7812, brands' published ranges)."""
    digits = digits_of(text)
    return len(digits) in _card_lengths(digits) and luhn(digits)


def _card_lengths(digits: str) -> range | tuple[int, ...]:
    lead = int(digits[:6].ljust(6, "0"))
    return next((lengths for low, high, lengths in CARDS if low <= lead <= high), ())


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
        and digits not in PUBLISHED_SSN
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


def iccid(text: str) -> bool:
    """Number of a SIM card: 89, 18 to 20 digits in all, Luhn (ITU-T E.118)."""
    digits = digits_of(text)
    return 18 <= len(digits) <= 20 and digits.startswith("89") and luhn(digits)


def ipv4(text: str) -> bool:
    """Four octets of which one is 100 or more, or that lie in the private net of 10: versions hardly ever do."""
    octets = [_OCTETS.get(octet, -1) for octet in text.split(".")]
    return len(octets) == 4 and min(octets) >= 0 and (octets[0] == 10 or (octets[0] > 0 and max(octets) >= 100))


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
    """Random enough to be a secret: 3.2 bits a character or more, and digits among letters, or both cases if long."""
    stripped = text.strip()
    counts = Counter(stripped)
    size = len(stripped)
    bits = -sum(n / size * math.log2(n / size) for n in counts.values())
    digit = any(c.isdigit() for c in stripped)
    lower, upper = any(c.islower() for c in stripped), any(c.isupper() for c in stripped)
    return bits >= 3.2 and ((digit and (lower or upper)) or (lower and upper and size >= 24))


def bearer(text: str) -> bool:
    """A header's token: its last word is random enough for a secret, or holds a name and a password in base64."""
    return secret_entropy(text.rsplit(" ", maxsplit=1)[-1])
