"""Numbers that pass the checks of their kind: cards, IBANs, national numbers, telephone numbers, keys.

All are drawn at random from the form that the number's issuer publishes. None is taken from a person or an account.
Sources: Luhn, ISO/IEC 7812-1 annex B; IBAN, ISO 13616 (MOD 97-10 of ISO/IEC 7064); the national numbers as
python-stdnum documents and checks them.
"""

import base64
import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Digits = NDArray[np.uint8]

_CARD_PREFIXES = ("424242", "411111", "400005", "555555", "510510", "222300", "601111", "352800")
_BANKS = ("DEUT", "COBA", "INGB", "ABNA", "RABO", "BARC", "LOYD", "MIDL")
_LETTERS = "ABCDEFGHJKLMNPRSTWXYZ"
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def luhn_digit(digits: Digits) -> Digits:
    """The Luhn check digit of each row of an (n, k) matrix of decimal digits."""
    doubled = digits.astype(np.int64)
    doubled[:, ::-1][:, ::2] *= 2
    doubled -= 9 * (doubled > 9)
    check: Digits = ((10 - doubled.sum(axis=1) % 10) % 10).astype(np.uint8)
    return check


def text_of(digits: Digits) -> pl.Series:
    """Each row of a matrix of decimal digits as one string."""
    width = digits.shape[1]
    raw = np.ascontiguousarray(digits + np.uint8(48)).view(f"S{width}").ravel()
    return pl.Series(raw.astype(f"U{width}").tolist(), dtype=pl.String)


def card_numbers(rng: np.random.Generator, count: int) -> pl.Series:
    """Sixteen-digit card numbers under the prefixes of the networks' test cards; all pass Luhn."""
    prefixes = np.array([[int(c) for c in p] for p in _CARD_PREFIXES], dtype=np.uint8)
    digits = np.empty((count, 16), dtype=np.uint8)
    digits[:, :6] = prefixes[rng.integers(0, len(prefixes), count)]
    digits[:, 6:15] = rng.integers(0, 10, (count, 9))
    digits[:, 15] = luhn_digit(digits[:, :15])
    return text_of(digits)


def order_numbers(rng: np.random.Generator, count: int) -> pl.Series:
    """Distinct sixteen-digit numbers that begin as cards do. One in ten passes Luhn, by chance and no more."""
    digits = rng.integers(0, 10, (count, 16), dtype=np.uint8)
    digits[:, 0] = rng.integers(4, 7, count)
    serial = rng.permutation(count)
    for place in range(7):
        digits[:, 11 - place] = (serial // 10**place) % 10
    return text_of(digits)


def ibans(rng: np.random.Generator, count: int) -> list[str]:
    """German, Dutch and British IBANs with right check digits."""
    kinds, digits = rng.integers(0, 3, count), rng.integers(0, 10**9, (count, 2))
    banks = rng.integers(0, len(_BANKS), count)
    found = []
    for kind, (a, b), bank in zip(kinds.tolist(), digits.tolist(), banks.tolist(), strict=True):
        if kind == 0:
            found.append(_iban("DE", f"{a:09d}{b:09d}"))
        elif kind == 1:
            found.append(_iban("NL", f"{_BANKS[bank]}0{a:09d}"))
        else:
            found.append(_iban("GB", f"{_BANKS[bank]}{a % 10**6:06d}{b % 10**8:08d}"))
    return found


def _iban(country: str, account: str) -> str:
    number = int("".join(str(int(c, 36)) for c in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def social_security_numbers(rng: np.random.Generator, count: int) -> list[str]:
    """US numbers as AAA-GG-SSSS: no area 000, 666 or 900 and above, no group 00, no serial 0000."""
    area = rng.integers(1, 900, count)
    area[area == 666] = 665
    parts = zip(
        area.tolist(), rng.integers(1, 100, count).tolist(), rng.integers(1, 10**4, count).tolist(), strict=True
    )
    return [f"{a:03d}-{g:02d}-{s:04d}" for a, g, s in parts]


def part_number(rng: np.random.Generator, count: int) -> list[str]:
    """Part numbers in the layout of an SSN that can be none: areas 900 to 999, groups no ITIN uses."""
    parts = rng.integers([900, 10, 1], [1000, 50, 10**4], (count, 3)).tolist()
    return [f"{a}-{g}-{s:04d}" for a, g, s in parts]


def nino(n: int) -> str:
    """A UK National Insurance number from an integer."""
    first, second = "ABCEGHJKLMPRSTWXY"[n % 17], "ABCEGHJKLMPRSTWXYZ"[n // 17 % 18]
    # Prefixes that are never issued.
    pair = "AB" if first + second in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"} else first + second
    return f"{pair}{n // 306 % 10**6:06d}{'ABCD'[n % 4]}"


def nir(n: int, born: date, male: bool) -> str:
    """A French NIR: sex, year, month, department, commune, order, and key 97 - number mod 97."""
    department = n % 95 + 1
    if department == 20:  # Corsica is written 2A or 2B.
        department = 21
    person = f"{1 if male else 2}{born:%y%m}"
    body = f"{person}{department:02d}{n // 95 % 990 + 1:03d}{n // 7 % 999 + 1:03d}"
    return f"{body}{97 - int(body) % 97:02d}"


def dni(n: int) -> str:
    """A Spanish DNI: eight digits and the letter of the number mod 23."""
    number = n % 10**8
    return f"{number:08d}{_DNI_LETTERS[number % 23]}"


def bsn(n: int) -> str:
    """A Dutch BSN: nine digits of which the weighted sum 9..2, -1 is a multiple of 11."""
    number = n % 10**7 + 10**7
    while (check := sum(int(d) * w for d, w in zip(f"{number:08d}", range(9, 1, -1), strict=True)) % 11) == 10:
        number += 1
    return f"{number:08d}{check}"


def pesel(n: int, born: date, male: bool) -> str:
    """A Polish PESEL: the date of birth (month + 20 from the year 2000), a serial, the sex and a check digit."""
    month = born.month + (20 if born.year >= 2000 else 0)
    serial = n % 1000 * 10 + n // 1000 % 5 * 2 + (1 if male else 0)
    body = f"{born.year % 100:02d}{month:02d}{born.day:02d}{serial:04d}"
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
    return f"{body}{-sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 10}"


def steuer_id(rng: np.random.Generator) -> str:
    """A German tax number: ten digits, exactly one of them twice, and a check digit (ISO/IEC 7064 MOD 11,10)."""
    digits = [int(d) for d in rng.permutation(10)]
    digits[9] = digits[int(rng.integers(0, 8))]
    if digits[0] == 0:
        digits[0], digits[1] = digits[1], digits[0]
    product = 10
    for digit in digits:
        product = (digit + product) % 10 or 10
        product = product * 2 % 11
    return "".join(map(str, digits)) + str((11 - product) % 10)


def letters(rng: np.random.Generator, alphabet: str, length: int) -> str:
    """A random string of the alphabet."""
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), length).tolist())


def access_key(rng: np.random.Generator) -> str:
    """The form of an AWS access key id: AKIA and sixteen characters of base 32."""
    return "AKIA" + letters(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)


def secret_key(rng: np.random.Generator) -> str:
    return letters(rng, _BASE64, 40)


def bcrypt_hash(rng: np.random.Generator) -> str:
    """The form of a bcrypt hash of cost 12; no password has it."""
    return "$2b$12$" + letters(rng, "./" + _BASE64[:62], 53)


def web_token(rng: np.random.Generator, subject: str) -> str:
    """A JSON Web Token in compact form (RFC 7519) whose signature is random bytes."""
    claims: dict[str, Any] = {"iss": "https://login.example.com", "sub": subject, "exp": 1790000000}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in [*parts, rng.bytes(32)])


def by_mask(rng: np.random.Generator, mask: str, count: int) -> list[str]:
    """Strings in which each `#` of the mask became a digit, each `N` one of 2 to 9, each `A` a capital letter."""
    columns: list[NDArray[Any]] = []
    for char in mask:
        if char == "#":
            columns.append(rng.integers(48, 58, count))
        elif char == "N":
            columns.append(rng.integers(50, 58, count))
        elif char == "A":
            columns.append(np.frombuffer(_LETTERS.encode(), np.uint8)[rng.integers(0, len(_LETTERS), count)])
        else:
            columns.append(np.full(count, ord(char)))
    matrix = np.ascontiguousarray(np.stack(columns, axis=1).astype(np.uint8)).view(f"S{len(mask)}").ravel()
    found: list[str] = matrix.astype(f"U{len(mask)}").tolist()
    return found
