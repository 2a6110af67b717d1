"""Deciding tests by what the last census already knows, and suggesting tests by it.

Profiles are blurred outward, so they decide only what is true of every value that they may stand for: a blurred minimum
of 10 says that the minimum is 10 or more, not how much more.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.catalog.contract import CheckOutcome, TestOrder
from actors.catalog.quality_definitions import DEFINITIONS, bounds, met, number, tolerated, within
from cluster.kernels.report import ColumnProfile

FEW: Final = 50  # rows below which a profile suggests nothing


class Known(NamedTuple):
    """What is known of an asset without reading it: its columns, and the profiles of a census of its content of now."""

    columns: Sequence[str]
    rows: int | None
    profiles: Mapping[str, ColumnProfile]


def decided(test: TestOrder, known: Known) -> CheckOutcome | None:
    """The outcome of a test, None where the asset has to be read for it."""
    low, high = bounds(test.definition, test.parameters)
    told = {"test_id": test.id, "method": "profile", "low": low, "high": high}
    metric = DEFINITIONS[test.definition].metric
    if metric == "named":
        lacking = _lacking(test, known.columns)
        return CheckOutcome(**told, status="Failed" if lacking else "Success", observed=lacking, reason=_named(lacking))
    figure = float(len(known.columns)) if metric == "columns" else None
    if metric == "rows" and known.rows is not None:
        figure = float(known.rows)
    if figure is not None:
        return CheckOutcome(**told, status="Success" if within(figure, low, high) else "Failed", observed=figure)
    profile = known.profiles.get(test.column) if test.column else None
    return _by_profile(test, profile, told) if profile is not None and profile.rows else None


def _by_profile(test: TestOrder, profile: ColumnProfile, told: dict[str, Any]) -> CheckOutcome | None:
    values = profile.rows - profile.nulls - profile.empties - profile.unreadable
    if test.definition == "columnValuesToBeNotNull":
        return _rows(test, told, profile.rows, profile.nulls)
    if test.definition == "columnValuesToBeUnique" and profile.distinct_exact:
        return _rows(test, told, values, values - profile.distinct) if not profile.empties else None
    if test.definition == "columnValuesMissingCount" and not test.parameters.get("missingValueMatch"):
        missing = profile.nulls + profile.empties
        passed = met(test.definition, missing, profile.rows, test.parameters)
        return CheckOutcome(**told, status="Success" if passed else "Failed", observed=missing)
    if test.definition == "columnValueLengthsToBeBetween" and profile.length_min is not None and not profile.empties:
        passed = within(profile.length_min, told["low"], None) and within(profile.length_max or 0, None, told["high"])
        return CheckOutcome(**told, status="Success") if passed else None
    if test.definition in {"columnValuesToBeBetween", "columnValueMinToBeBetween", "columnValueMaxToBeBetween"}:
        least, most = (number(_plain(edge)) for edge in (profile.min, profile.max))
        if (
            least is not None
            and most is not None
            and within(least, told["low"], None)
            and within(most, None, told["high"])
        ):
            return CheckOutcome(**told, status="Success")
    return None


def _plain(edge: str | None) -> float | None:
    """An edge of a profile as a number; months are blurred in both directions and decide nothing."""
    try:
        return float(edge) if edge is not None else None
    except ValueError:
        return None


def _rows(test: TestOrder, told: dict[str, Any], rows: int, failed: int) -> CheckOutcome:
    status = "Success" if tolerated(failed, rows, test.parameters) else "Failed"
    return CheckOutcome.model_validate({**told, "status": status, "passed_rows": rows - failed, "failed_rows": failed})


def _lacking(test: TestOrder, columns: Sequence[str]) -> int:
    if test.definition == "tableColumnNameToExist":
        return int(test.parameters["columnName"] not in columns)
    wanted = [str(name) for name in test.parameters["columnNames"]]
    if test.parameters.get("ordered"):
        return sum(a != b for a, b in zip(wanted, columns, strict=False)) + abs(len(wanted) - len(columns))
    return len(set(wanted) ^ set(columns))


def _named(lacking: int) -> str | None:
    return f"{lacking} of the columns are not as they should be." if lacking else None


def suggested(known: Known) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(definition, column, parameters) of tests that the census of now passes and a later one may not."""
    if known.columns:
        yield "tableColumnToMatchSet", "", {"columnNames": list(known.columns)}
    if known.rows is not None and known.rows >= FEW:
        yield "tableRowCountToBeBetween", "", {"minValue": known.rows // 2}
    for column in known.columns:
        profile = known.profiles.get(column)
        if profile is not None and profile.rows >= FEW:
            yield from _for_column(column, profile)


def _for_column(column: str, profile: ColumnProfile) -> Iterator[tuple[str, str, dict[str, Any]]]:
    values = profile.rows - profile.nulls - profile.empties - profile.unreadable
    if not profile.nulls:
        yield "columnValuesToBeNotNull", column, {}
    if profile.distinct_exact and profile.distinct == values == profile.rows:
        yield "columnValuesToBeUnique", column, {}
    if profile.length_min is not None and profile.length_min == profile.length_max and not profile.empties:
        yield (
            "columnValueLengthsToBeBetween",
            column,
            {"minLength": profile.length_min, "maxLength": profile.length_max},
        )
    least = _plain(profile.min)
    if least is not None and least >= 0:
        yield "columnValuesToBeBetween", column, {"minValue": 0}
    pattern = _pattern(profile)
    if pattern is not None:
        yield "columnValuesToMatchRegex", column, {"regex": pattern}


def _pattern(profile: ColumnProfile) -> str | None:
    """A pattern of all values, where they have one shape and it has a digit: "dd-dddd" is ^[0-9]{2}-[0-9]{4}$.

    Runs of four letters or digits stand for four and more (`cluster.kernels.shapes`).
    """
    values = profile.rows - profile.nulls - profile.empties - profile.unreadable
    if len(profile.shapes) != 1 or profile.shapes[0][1] != values or not values:
        return None
    shape, made, at = profile.shapes[0][0], "", 0
    if "d" not in shape or "?" in shape:
        return None
    while at < len(shape):
        sign, run = shape[at], 1
        while at + run < len(shape) and shape[at + run] == sign:
            run += 1
        at += run
        each = {"d": "[0-9]", "a": r"[^\W\d_]", "A": r"[^\W\d_]"}.get(sign)
        if each is None:
            made += ("\\" + sign if not sign.isalnum() and sign != " " else sign) * run
        else:
            made += each + (f"{{{run},}}" if run >= 4 else f"{{{run}}}")
    return f"^{made}$"
