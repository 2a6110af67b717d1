"""Every figure of a profile has two significant digits at most: no value can be read off it."""

from typing import Any

import pytest
from detection_columns import evidence_of

VALUES = [123_456 + 7_919 * number for number in range(400)]


def figures(values: list[Any]) -> list[str]:
    profile = evidence_of({"x": values}).columns[0].profile
    assert profile.mean is not None
    assert len(profile.quantiles) == 7
    return [f"{float(figure):.12g}" for figure in (profile.min, profile.max, profile.mean, *profile.quantiles.values())]


@pytest.mark.parametrize("scale", [1, -1, 0.001, 1e9])
def test_no_figure_has_more_than_two_digits(scale: float) -> None:
    for figure in figures([value * scale for value in VALUES]):
        digits = figure.lstrip("-").partition("e")[0].replace(".", "").strip("0")
        assert len(digits) <= 2, figure


@pytest.mark.parametrize("value", [4_111, 82_517, 536_482_917])
def test_a_column_of_one_value_does_not_show_it(value: int) -> None:
    assert str(value) not in figures([value] * 50)
