"""Check digits of the numbers that states give to people and that are written as digits alone, over whole columns.

Each check gives for a column of texts which hold out, by their digits; what else a text holds is ignored. A date in a
number has a month of the year and a day of 31, no more: that costs a look, and a calendar would refuse hardly more.
`tests/unit/test_detectors_checks.py` holds the checks against python-stdnum, which has most of them for one number, and
measures the share of random digits that pass each.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from cluster.detectors.check_digits import ColumnCheck, Digits, over_digits

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
"""A row of digits for each number, all of one length."""

_MOD_11_10_START: Final = 10
_VERHOEFF_TIMES: Final = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ]
)
_VERHOEFF_MOVED: Final = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ]
)


def weighted(rows: Rows, weights: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """The sum of the leading digits, each times its weight."""
    return np.asarray(rows[:, : len(weights)] @ np.array(weights, dtype=np.int64))


def dated(rows: Rows, month: int, day: int, months: tuple[int, ...] = (0,), days: tuple[int, ...] = (0,)) -> Mask:
    """Whether two digits from `month` on are one, and those from `day` on a day; some states add to them."""
    m, d = rows[:, month] * 10 + rows[:, month + 1], rows[:, day] * 10 + rows[:, day + 1]
    in_year = np.logical_or.reduce([(m > more) & (m <= more + 12) for more in months])
    in_month = np.logical_or.reduce([(d > more) & (d <= more + 31) for more in days])
    return np.asarray(in_year & in_month)


def luhn(rows: Rows) -> Mask:
    """ISO/IEC 7812-1 annex B."""
    doubled = rows[:, -2::-2] * 2
    return np.asarray((rows[:, -1::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)) % 10 == 0)


def mod_11_10(rows: Rows) -> Mask:
    """ISO/IEC 7064, MOD 11,10."""
    check = np.full(len(rows), _MOD_11_10_START, dtype=np.int64)
    for column in rows[:, :-1].T:
        check = (check + column) % 10
        check = np.where(check == 0, 10, check) * 2 % 11
    return np.asarray((check + rows[:, -1]) % 10 == 1)


def verhoeff(rows: Rows) -> Mask:
    """Verhoeff's check in the dihedral group of ten."""
    check = np.zeros(len(rows), dtype=np.int64)
    for place, column in enumerate(rows.T[::-1]):
        check = _VERHOEFF_TIMES[check, _VERHOEFF_MOVED[place % 8][column]]
    return np.asarray(check == 0)


def alike(rows: Rows) -> Mask:
    """Whether all digits are the same one."""
    return np.asarray((rows == rows[:, :1]).all(axis=1))


def of_length(check: Callable[[Rows], Mask], *lengths: int) -> ColumnCheck:
    """The check on numbers of these lengths; all others fail."""

    def over(digits: Digits) -> Mask:
        held = np.zeros(len(digits.counts), dtype=np.bool_)
        for length in lengths:
            some = digits.counts == length
            if some.any():
                held[some] = check(digits.rows[some][:, -length:].astype(np.int64))
        return held

    return over_digits(over)
