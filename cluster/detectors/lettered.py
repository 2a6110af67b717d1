"""Check signs of numbers that hold letters too, over the plain text of one match."""

import hashlib
from typing import Final

from cluster.detectors.checksums import digits_of

_SG_FIRST: Final = {"S": (0, "JZIHGFEDCBA"), "T": (4, "JZIHGFEDCBA"), "F": (0, "XWUTRQPNMLK"),
                    "G": (4, "XWUTRQPNMLK"), "M": (3, "XWUTRQPNJLK")}  # fmt: skip
_TW_AREAS: Final = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SNOMED_LENGTHS: Final = range(6, 19)


def sg_nric(text: str) -> bool:
    """Singapore NRIC or FIN: weights 2, 7, 6, 5, 4, 3, 2, an offset by series, and a letter for the rest by 11."""
    upper = text.strip().upper()
    if len(upper) != 9 or upper[0] not in _SG_FIRST or not (upper[1:8].isascii() and upper[1:8].isdigit()):
        return False
    more, letters = _SG_FIRST[upper[0]]
    total = more + sum(int(d) * w for d, w in zip(upper[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    return upper[8] == letters[total % 11]


def hk_id(text: str) -> bool:
    """Hong Kong identity card: one or two letters and six digits with weights 9 to 2 and a check digit, A for ten."""
    compact = "".join(c for c in text.upper() if c.isascii() and c.isalnum())
    if len(compact) not in (8, 9) or not compact[-7:-1].isdigit() or not compact[:-7].isalpha():
        return False
    values = [36 if c == " " else int(c, 36) for c in compact[:-1].rjust(8)]
    check = -sum(v * w for v, w in zip(values, range(9, 1, -1), strict=True)) % 11
    return compact[-1] == ("A" if check == 10 else str(check))


def tw_id(text: str) -> bool:
    """Taiwan national identification number: a letter that stands for two digits, then nine digits, modulo 10."""
    upper = text.strip().upper()
    if len(upper) != 10 or upper[0] not in _TW_AREAS or not (upper[1:].isascii() and upper[1:].isdigit()):
        return False
    tens, ones = divmod(_TW_AREAS[upper[0]], 10)
    weighted = sum(int(d) * w for d, w in zip(upper[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))
    return (tens + 9 * ones + weighted) % 10 == 0


def de_svnr(text: str) -> bool:
    """German pension insurance number: area, date of birth, letter of the name, serial and check digit (VKVV § 4)."""
    compact = "".join(text.split()).upper()
    if len(compact) != 12 or not compact[8].isalpha() or digits_of(compact) != compact[:8] + compact[9:]:
        return False
    day, month = int(compact[2:4]), int(compact[4:6])
    digits = f"{compact[:8]}{ord(compact[8]) - 64:02d}{compact[9:11]}"
    products = [int(d) * w for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)]
    born = 1 <= day <= 31 and 1 <= month <= 12
    return born and sum(p // 10 + p % 10 for p in products) % 10 == int(compact[11])


def vat(text: str) -> bool:
    """A VAT number of a member state, of Switzerland or of the United Kingdom, each by the check of its state."""
    from stdnum.ch import vat as swiss
    from stdnum.eu import vat as european
    from stdnum.gb import vat as british

    upper = text.strip().upper()
    state = swiss if upper.startswith("CHE") else british if upper.startswith("GB") else european
    try:
        return bool(state.is_valid(upper))
    except (ValueError, IndexError, KeyError):  # text that the library did not foresee
        return False


def lei_letters(text: str) -> bool:
    """ISO 17442: 1 modulo 97 with letters as two digits; one that is all digits is not taken for it."""
    upper = text.strip().upper()
    if len(upper) != 20 or upper.isdigit() or not (upper.isascii() and upper.isalnum()):
        return False
    return int("".join(str(int(c, 36)) for c in upper)) % 97 == 1


def dea(text: str) -> bool:
    """US DEA registration: the second, fourth and sixth digits count twice; the sum ends in the seventh."""
    digits = [int(d) for d in digits_of(text)]
    return len(digits) == 7 and (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def loinc(text: str) -> bool:
    """LOINC: up to five digits, a dash and their Luhn digit."""
    number, _, check = text.strip().partition("-")
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits_of(number)))]
    return bool(doubled) and check == str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def base58check(text: str) -> bool:
    """A crypto address of 25 bytes in base 58 whose last four are the double SHA-256 of the others (Bitcoin, Tron)."""
    number = 0
    for char in text.strip():
        place = _BASE58.find(char)
        if place < 0:
            return False
        number = number * 58 + place
    if number >= 1 << 200:
        return False
    data = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(data[:21]).digest()).digest()[:4] == data[21:]


def snomed(text: str) -> bool:
    """SNOMED CT concept: 6 to 18 digits, Verhoeff, and 00 or 10 before the check digit."""
    import polars as pl

    from cluster.detectors.national_digits import verhoeff

    digits = digits_of(text)
    if len(digits) not in _SNOMED_LENGTHS or digits[-3:-1] not in ("00", "10"):
        return False
    return bool(verhoeff(pl.DataFrame([[int(d)] for d in digits]).to_numpy())[0])
