"""The checks of addresses, accounts and telephone numbers over all matches of a column at once.

`checksums`, `phones` and `validators` are the reference: each function here gives for every text what its namesake
there gives for that text without its `EDGES`. Forms that a namesake knows and these do not are left to the namesake.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors import checksums, phones
from cluster.detectors.joined import joined_bytes, kept_bytes, texts_of
from cluster.detectors.patterns import EDGES

Mask = npt.NDArray[np.bool_]
Single = Callable[[str], bool]

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_NO_ZERO: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)"
_BELOW_100: Final = "[1-9]?[0-9]"
_GROUP: Final = "[0-9A-Fa-f]{1,4}"
_NANP: Final = "^1?[2-9](?:[02-8][0-9]|1[02-9])[2-9](?:[02-9][0-9]|1[02-9])[0-9]{4}$"
_MANY: Final = 1_000
_LONGEST_IBAN: Final = 34
_IBAN_VALUES: Final = np.array([int(chr(c), 36) if 48 <= c <= 57 or 65 <= c <= 90 else 0 for c in range(128)])
_IBAN_SHIFTS: Final = np.where(_IBAN_VALUES > 9, 100, 10)


def ipv4(values: pl.Series) -> Mask:
    """See `checksums.ipv4`."""
    texts = values.str.strip_chars(EDGES)
    valid = texts.str.contains(rf"^{_NO_ZERO}(?:\.{_OCTET}){{3}}$").to_numpy()
    low = rf"^(?:[2-9]|1[1-9]?|[2-9][0-9])(?:\.{_BELOW_100}){{3}}$"
    return valid & _among(texts, valid, lambda some: ~_holding(some, low))


def ipv6(values: pl.Series) -> Mask:
    """See `checksums.ipv6`."""
    texts = values.str.strip_chars(EDGES)
    colons = texts.str.count_matches(":", literal=True).to_numpy()
    short = texts.str.contains("::", literal=True).to_numpy()
    possible = short | (colons >= 7)
    return possible & _among(texts, possible, _ipv6)


def _ipv6(texts: pl.Series) -> Mask:
    colons = texts.str.count_matches(":", literal=True).to_numpy()
    full = _holding(texts, f"^{_GROUP}(?::{_GROUP}){{7}}$")
    shortened = _holding(texts, f"^{_GROUP}(?::{_GROUP})*::{_GROUP}(?::{_GROUP})*$")
    plain = _holding(texts, "^[0-9A-Fa-f:]*$") & ~_holding(texts, "^:|:$")
    long_enough = texts.str.len_bytes().to_numpy() >= 6
    return np.where(
        plain, (full | (shortened & (colons <= 7))) & long_enough, _one_by_one(checksums.ipv6, texts, ~plain)
    )


def phone_international(values: pl.Series) -> Mask:
    """See `phones.phone_international`."""
    texts = values.str.strip_chars(EDGES)
    extended = texts.str.contains("[xX]").to_numpy()
    digits = _digits(texts)
    abroad = texts.str.contains("+", literal=True).to_numpy()
    zeros = digits.str.starts_with("00").to_numpy()
    american = digits.str.starts_with("001").to_numpy()
    abroad = (abroad | zeros) & ~american
    numbers = digits.str.slice(2) if american.all() else digits
    if american.any() and not american.all():
        numbers = digits.zip_with(pl.Series(~american), digits.str.slice(2))
    valid = _holding(numbers, _NANP) & ~abroad
    if abroad.any():
        valid[abroad] = _in_some_plan(digits.filter(pl.Series(abroad)).str.strip_prefix("00"))
    return np.where(extended, _one_by_one(phones.phone_international, texts, extended), valid)


def phone_national(values: pl.Series) -> Mask:
    """See `phones.phone_national`."""
    valid = phone_international(values)
    if valid.all():
        return valid
    valid[~valid] = _national(values.filter(pl.Series(~valid)).str.strip_chars(EDGES))
    return valid


def _national(texts: pl.Series) -> Mask:
    extended = texts.str.contains("[xX]").to_numpy()
    digits = _digits(texts)
    data, offsets = joined_bytes(digits)
    lengths = np.diff(offsets)
    seen = np.zeros(len(lengths), dtype=np.uint16)
    filled = np.flatnonzero(lengths)
    if len(filled):
        seen[filled] = np.bitwise_or.reduceat(np.uint16(1) << (data - 48).astype(np.uint16), offsets[filled])
    trunk = digits.str.starts_with("0").to_numpy()
    fits = np.where(trunk, (lengths >= 9) & (lengths <= 12), (lengths >= 7) & (lengths <= 13))
    valid = fits & (np.bitwise_count(seen) >= 3)
    return np.where(extended, _one_by_one(phones.phone_national, texts, extended), valid)


def _in_some_plan(numbers: pl.Series) -> Mask:
    valid = np.zeros(len(numbers), dtype=np.bool_)
    codes = numbers.str.slice(0, 3)
    for code, count in codes.value_counts(name="n").iter_rows():
        group = (codes == code).to_numpy()
        some = numbers.filter(pl.Series(group))
        regex = _plans_regex(code) if count >= _MANY else None
        valid[group] = _each(phones.in_some_plan, some) if regex is None else _holding(some, regex)
    valid &= (numbers.str.len_bytes() <= phones.LONGEST).to_numpy()
    return valid


@cache
def _plans_regex(lead: str) -> str | None:
    """One regex for all numbers that begin with these digits; None if the plans need what this engine lacks."""
    ways = [
        f"{lead[:length]}0?(?:{plan.pattern})"
        for length in range(1, len(lead) + 1)
        for plan in phones.plans(lead[:length])
    ]
    regex = f"^(?:{'|'.join(ways)})$" if ways else "^[^0-9]$"
    try:
        pl.Series([lead]).str.contains(regex)
    except pl.exceptions.ComputeError:
        return None
    return regex


def iban(values: pl.Series) -> Mask:
    """See `validators.validator("iban")`."""
    from cluster.detectors.validators import validator

    single = validator("iban")
    assert single is not None
    texts = values.str.strip_chars(EDGES)
    plain = texts.str.contains(f"^[A-Z0-9 ]{{5,{2 * _LONGEST_IBAN}}}$").to_numpy()
    data, offsets = joined_bytes(texts)
    data, offsets = kept_bytes(data, offsets, data != ord(" "))
    lengths = np.diff(offsets)
    plain &= (lengths > 4) & (lengths <= _LONGEST_IBAN)
    valid = _one_by_one(single, texts, ~plain)
    for length in np.unique(lengths[plain]).tolist():
        some = np.flatnonzero(plain & (lengths == length))
        rows = data[offsets[:-1][some][:, None] + np.arange(length)]
        held = _mod97(rows) == 1
        valid[some[held]] = _of_forms(rows[held], single)
    return valid


def _mod97(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The remainder by 97 of each row, its first four characters put last and letters as two digits (ISO 13616)."""
    columns = np.ascontiguousarray(np.roll(rows, -4, axis=1).T)
    remainder = np.zeros(len(rows), dtype=np.int64)
    for step, column in enumerate(columns, 1):
        remainder *= _IBAN_SHIFTS[column]
        remainder += _IBAN_VALUES[column]
        if step % 8 == 0:
            remainder %= 97
    return remainder % 97


def _of_forms(rows: npt.NDArray[np.uint8], single: Single) -> Mask:
    """The verdict on numbers with right check digits: it lies in the country and in which characters are digits."""
    forms = np.where(rows > ord("9"), np.uint8(ord("A")), np.uint8(ord("0")))
    forms[:, :2] = rows[:, :2]
    texts = texts_of(forms.ravel(), np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1])
    firsts = pl.DataFrame({"form": texts, "place": np.arange(len(rows))}).unique("form", keep="any")
    held = [form for form, place in firsts.iter_rows() if single(bytes(rows[place]).decode("ascii"))]
    return texts.is_in(held).to_numpy()


def _digits(texts: pl.Series) -> pl.Series:
    """The ASCII digits of each text."""
    data, offsets = joined_bytes(texts)
    return texts_of(*kept_bytes(data, offsets, (data - np.uint8(48)) < 10))


def _holding(texts: pl.Series, regex: str) -> Mask:
    return texts.str.contains(regex).to_numpy()


def _among(texts: pl.Series, chosen: Mask, check: Callable[[pl.Series], Mask]) -> Mask:
    """The check of the chosen, and False for the others."""
    if chosen.all():
        return check(texts)
    result = np.zeros(len(chosen), dtype=np.bool_)
    if chosen.any():
        result[chosen] = check(texts.filter(pl.Series(chosen)))
    return result


def _each(check: Single, texts: pl.Series) -> Mask:
    return np.fromiter((check(text) for text in texts.to_list()), dtype=np.bool_, count=len(texts))


def _one_by_one(check: Single, texts: pl.Series, chosen: Mask) -> Mask:
    return _among(texts, chosen, lambda some: _each(check, some))
