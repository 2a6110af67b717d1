"""The test definitions: what each one measures, of which dimension it is, and which parameters it takes."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from cluster.errors import InvalidInput

BETWEEN: Final = ("low", "high")
LONGEST_SET: Final = 10_000
MOST: Final = 1e300  # what is more, is infinite or no number is no bound


class Kind(NamedTuple):
    """A definition. `metric` is the figure that is held between bounds; "" where rows are looked at one by one.

    `bounds` are the parameters of the lower and the upper bound, `needs` those without which the test says nothing.
    """

    metric: str
    dimension: str
    bounds: tuple[str, str] = ("", "")
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


DEFINITIONS: Final[Mapping[str, Kind]] = {
    "tableRowCountToBeBetween": Kind("rows", "Completeness", ("minValue", "maxValue")),
    "tableRowCountToEqual": Kind("rows", "Completeness", ("value", "value"), needs=("value",)),
    "tableRowInsertedCountToBeBetween": Kind(
        "inserted", "Completeness", ("min", "max"), needs=("columnName", "rangeType", "rangeInterval")
    ),
    "tableColumnCountToBeBetween": Kind("columns", "Integrity", ("minColValue", "maxColValue")),
    "tableColumnCountToEqual": Kind("columns", "Integrity", ("columnCount", "columnCount"), needs=("columnCount",)),
    "tableColumnNameToExist": Kind("named", "Integrity", needs=("columnName",)),
    "tableColumnToMatchSet": Kind("named", "Integrity", takes=("ordered",), needs=("columnNames",)),
    "tableCustomSQLQuery": Kind(
        "query", "Accuracy", ("minValue", "maxValue"), takes=("strategy", "threshold", "operator"),
        needs=("sqlExpression",),
    ),
    "tableDiff": Kind("", "Consistency", takes=("useColumns", "threshold"), needs=("table2", "keyColumns")),
    "columnValuesToBeNotNull": Kind("", "Completeness"),
    "columnValuesToBeUnique": Kind("", "Uniqueness"),
    "columnValuesToBeBetween": Kind("", "Accuracy", ("minValue", "maxValue")),
    "columnValuesToBeInSet": Kind("", "Validity", takes=("matchEnum",), needs=("allowedValues",)),
    "columnValuesToBeNotInSet": Kind("", "Validity", needs=("forbiddenValues",)),
    "columnValuesToMatchRegex": Kind("", "Validity", needs=("regex",)),
    "columnValuesToNotMatchRegex": Kind("", "Validity", needs=("forbiddenRegex",)),
    "columnValueLengthsToBeBetween": Kind("", "Validity", ("minLength", "maxLength")),
    "columnValueMinToBeBetween": Kind("min", "Accuracy", ("minValueForMinInCol", "maxValueForMinInCol")),
    "columnValueMaxToBeBetween": Kind("max", "Accuracy", ("minValueForMaxInCol", "maxValueForMaxInCol")),
    "columnValueMeanToBeBetween": Kind("mean", "Accuracy", ("minValueForMeanInCol", "maxValueForMeanInCol")),
    "columnValueMedianToBeBetween": Kind("median", "Accuracy", ("minValueForMedianInCol", "maxValueForMedianInCol")),
    "columnValueStdDevToBeBetween": Kind("stddev", "Accuracy", ("minValueForStdDevInCol", "maxValueForStdDevInCol")),
    "columnValuesSumToBeBetween": Kind("sum", "Accuracy", ("minValueForColSum", "maxValueForColSum")),
    "columnValuesMissingCount": Kind(
        "missing", "Completeness", ("missingCountValue", "missingCountValue"), takes=("missingValueMatch",),
        needs=("missingCountValue",),
    ),
    "columnValuesToBeAtExpectedLocation": Kind(
        "", "Accuracy", needs=("latitudeColumnName", "longitudeColumnName", "radius", "places")
    ),
}  # fmt: skip
# How many rows of a column may fail, for tests that look at rows one by one; without them none may.
TOLERANCE: Final = ("maxFailedRows", "maxFailedPercent")
_UNKNOWN_TO_READERS: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:[=!>(]|<[=!]|P=)|\\[1-9])")
_LISTS: Final = ("columnNames", "allowedValues", "forbiddenValues", "keyColumns", "useColumns", "missingValueMatch")
_TEXTS: Final = (
    "columnName", "sqlExpression", "table2", "regex", "forbiddenRegex", "latitudeColumnName", "longitudeColumnName",
    "operator",
)  # fmt: skip
_REMEDIES: Final = dict.fromkeys(
    ("regex", "forbiddenRegex"), "Give a regular expression without look-around and references back."
)
_WORDS: Final = {"rangeType": ("HOUR", "DAY", "MONTH", "YEAR"), "strategy": ("ROWS", "COUNT")}


def checked(definition: str, column: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a test, found acceptable. Raises InvalidInput that names the one which is not."""
    kind = DEFINITIONS[definition]
    if definition.startswith("column") != bool(column):
        raise InvalidInput(f"{definition} is about {'a column' if not column else 'the asset'}.", "Correct `column`.")
    known = {*kind.bounds, *kind.takes, *kind.needs, *(TOLERANCE if by_row(definition) else ())} - {""}
    unknown = len(set(parameters) - known)
    missing = [name for name in kind.needs if parameters.get(name) in (None, "", [], {})]
    if unknown or missing:
        raise InvalidInput(
            f"{definition} lacks {', '.join(missing) or 'nothing'} and was given {unknown} unknown parameters.",
            f"It takes: {', '.join(sorted(known)) or 'none'}.",
        )
    wrong = [name for name, value in parameters.items() if not _fits(name, value)]
    if wrong:
        remedy = _REMEDIES.get(wrong[0], "See docs/catalog.md.")
        raise InvalidInput(f"The value of {wrong[0]} is not one that it can have.", remedy)
    if kind.bounds[0] and not kind.needs and all(parameters.get(name) is None for name in kind.bounds):
        raise InvalidInput(f"{definition} has no bound.", f"Give {kind.bounds[0]} or {kind.bounds[1]}.")
    low, high = bounds(definition, parameters)
    if low is not None and high is not None and low > high:
        raise InvalidInput("The lower bound is above the upper one.", "Exchange them.")
    return dict(parameters)


def by_row(definition: str) -> bool:
    """Whether a definition looks at the rows of a column one by one, so that some of them may be allowed to fail."""
    return definition.startswith("column") and DEFINITIONS[definition].metric in {"", "missing"}


def tolerated(failed: float, rows: int, parameters: Mapping[str, Any]) -> bool:
    """Whether so many failing rows of all rows are allowed: none, unless the test has a tolerance."""
    most, share = (parameters.get(name) for name in TOLERANCE)
    if most is None and share is None:
        return not failed
    return (most is None or failed <= most) and (share is None or failed * 100 <= share * rows)


def _fits(name: str, value: Any) -> bool:  # noqa: PLR0911 - one for each kind of parameter
    if name in _LISTS:
        held = isinstance(value, list | tuple) and 0 < len(value) <= LONGEST_SET
        return held and all(isinstance(each, str | bool) or number(each) is not None for each in value)
    if name in _WORDS:
        return value in _WORDS[name]
    if name in {"regex", "forbiddenRegex"}:
        return isinstance(value, str) and len(value) <= 1_000 and _compiles(value)
    if name in _TEXTS:
        return isinstance(value, str) and len(value) <= 20_000
    if name in {"ordered", "matchEnum"}:
        return isinstance(value, bool)
    if name == "places":
        return isinstance(value, dict) and len(value) <= LONGEST_SET and all(map(_point, value.values()))
    if name in TOLERANCE:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST
    return number(value) is not None


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return _UNKNOWN_TO_READERS.search(pattern) is None


def _point(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
        and abs(value[0]) <= 90
        and abs(value[1]) <= 180
    )


def number(value: Any) -> float | None:
    """A bound as a number: numbers are themselves, times in ISO 8601 are seconds since 1970; None for all else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < MOST else None
    if isinstance(value, str):
        try:
            told = datetime.fromisoformat(value)
        except ValueError:
            return None
        return (told - datetime(1970, 1, 1, tzinfo=told.tzinfo)).total_seconds()
    return None


def bounds(definition: str, parameters: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The lower and the upper bound of a test; None for one that is open."""
    low, high = DEFINITIONS[definition].bounds
    return (
        number(parameters.get(low)) if low else None,
        number(parameters.get(high)) if high else None,
    )


def within(value: float, low: float | None, high: float | None) -> bool:
    """Whether a figure lies between the bounds, both included."""
    return (low is None or value >= low) and (high is None or value <= high)


def met(definition: str, figure: float, rows: int, parameters: Mapping[str, Any]) -> bool:
    """Whether a figure of so many rows is one that the test allows: within its bounds, or within its tolerance."""
    given = by_row(definition) and any(parameters.get(name) is not None for name in TOLERANCE)
    return within(figure, *bounds(definition, parameters)) or (given and tolerated(figure, rows, parameters))
