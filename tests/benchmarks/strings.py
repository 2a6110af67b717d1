"""Columns of short texts, no two alike, in which a known share holds something that a detector finds.

Texts are of 11 to 47 bytes, about 32 on average. What is found stands inside other words in half of the hits; every
number has right check digits, so that validators have their full work.
"""

import random
from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from stdnum import iban, luhn

SEED: Final = 11
_SYLLABLES: Final = ("ka", "ren", "to", "mil", "sa", "dor", "vin", "el", "pra", "nu", "ost", "ber", "lin", "ga", "wer")


def texts(rows: int, share: float, kinds: tuple[str, ...] | None = None, seed: int = SEED) -> pl.Series:
    """`rows` different texts, of which `share` hold one of the kinds (all kinds in turn if none are named)."""
    rng = random.Random(f"{seed}:{share}:{kinds}")
    makers = [KINDS[kind] for kind in (kinds or tuple(KINDS))]
    hits = np.random.default_rng(seed).random(rows) < share
    found: set[str] = set()
    values: list[str] = []
    for place in range(rows):
        value = _hit(rng, makers[place % len(makers)]) if hits[place] else _plain(rng)
        while value in found:
            value = _hit(rng, makers[place % len(makers)]) if hits[place] else _plain(rng)
        found.add(value)
        values.append(value)
    return pl.Series("text", values)


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3)))


def _plain(rng: random.Random) -> str:
    """Words, and in half of the texts a number of up to six digits, as in remarks, titles and references."""
    words = [_word(rng) for _ in range(4)]
    if rng.random() < 0.5:
        words[rng.randrange(4)] = str(rng.randint(1, 999_999))
    if rng.random() < 0.1:
        words[rng.randrange(4)] += rng.choice(("-", ".", ":", "/", ",")) + _word(rng)
    text = " ".join(words)
    while len(text) < 29:
        text += " " + _word(rng)
    return text[:40].rstrip()


def _hit(rng: random.Random, make: Callable[[random.Random], str]) -> str:
    value = make(rng)
    if rng.random() < 0.5:
        return value
    text = f"{_word(rng)} {value} {_word(rng)}"
    while len(text) < 28:
        text += " " + _word(rng)
    return text


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _email(rng: random.Random) -> str:
    return f"{_word(rng)}.{_word(rng)}{_digits(rng, 4)}@{_word(rng)}.example.org"


def _phone(rng: random.Random) -> str:
    return f"({rng.choice('23456789')}{rng.choice('02345678')}{rng.choice('02345678')}) 555-{_digits(rng, 4)}"


def _phone_abroad(rng: random.Random) -> str:
    return f"+49 30 {rng.randint(2, 9)}{_digits(rng, 7)}"


def _ssn(rng: random.Random) -> str:
    return f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def _card(rng: random.Random) -> str:
    stem = "4" + _digits(rng, 14)
    return stem + luhn.calc_check_digit(stem)


def _card_grouped(rng: random.Random) -> str:
    text = _card(rng)
    return " ".join(text[place : place + 4] for place in range(0, 16, 4))


def _iban(rng: random.Random) -> str:
    account = _digits(rng, 18)
    return "DE" + iban.calc_check_digits("DE00" + account) + account


def _ipv4(rng: random.Random) -> str:
    return ".".join(str(rng.randint(33, 250)) for _ in range(4))


def _mac(rng: random.Random) -> str:
    return ":".join(f"{rng.getrandbits(8):02x}" for _ in range(6))


def _url(rng: random.Random) -> str:
    return f"https://{_word(rng)}.example.net/{_word(rng)}{rng.randint(0, 99999)}"


def _key(rng: random.Random) -> str:
    return "AKIA" + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


KINDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "email": _email,
    "phone": _phone,
    "phone abroad": _phone_abroad,
    "SSN": _ssn,
    "card": _card,
    "card in groups": _card_grouped,
    "IBAN": _iban,
    "IPv4": _ipv4,
    "MAC": _mac,
    "URL": _url,
    "AWS key": _key,
}
