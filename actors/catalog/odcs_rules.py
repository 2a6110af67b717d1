"""The rules of a data contract as quality tests: what ODCS says of values, in the definitions that are measured here.

What has no test that means exactly the same makes none; whoever calls names it as unsupported.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

# Metrics of the library, of 3.1 and of 3.0: the definition that measures them.
LIBRARY: Final = {
    "nullValues": "columnValuesToBeNotNull", "missingValues": "columnValuesMissingCount",
    "duplicateValues": "columnValuesToBeUnique", "duplicateCount": "columnValuesToBeUnique",
    "invalidValues": "columnValuesToBeInSet", "validValues": "columnValuesToBeInSet",
    "rowCount": "tableRowCountToBeBetween",
}  # fmt: skip
_METRICS: Final = {  # with the argument, and the parameter that it is
    "columnValuesToBeNotNull": ("nullValues", "", ""), "columnValuesToBeUnique": ("duplicateValues", "", ""),
    "columnValuesToBeInSet": ("invalidValues", "validValues", "allowedValues"),
    "columnValuesToMatchRegex": ("invalidValues", "pattern", "regex"),
}  # fmt: skip
OBJECT: Final = re.compile(r"\$?\{(?:object|table)\}", re.IGNORECASE)
PROPERTY: Final = re.compile(r"\$?\{(?:property|column)\}", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{|\{\{")


class Rule(NamedTuple):
    """A quality rule as a test: definition, column and parameters."""

    definition: str
    column: str
    parameters: dict[str, Any]


class Range(NamedTuple):
    """What an operator allows; a strict bound is excluded. `beside` is the one value that is forbidden."""

    low: float | None = None
    high: float | None = None
    low_strict: bool = False
    high_strict: bool = False
    beside: float | None = None

    def whole(self) -> tuple[float | None, float | None]:
        """The bounds of a count, both included."""
        low = math.floor(self.low) + 1 if self.low is not None and self.low_strict else self.low
        high = math.ceil(self.high) - 1 if self.high is not None and self.high_strict else self.high
        return low, high

    def real(self) -> tuple[float | None, float | None]:
        """The bounds of any figure, both included: the next number after a strict one."""
        low = math.nextafter(self.low, math.inf) if self.low is not None and self.low_strict else self.low
        high = math.nextafter(self.high, -math.inf) if self.high is not None and self.high_strict else self.high
        return low, high


def rules(column: str, told: Mapping[str, Any]) -> Iterator[Rule]:
    """The tests of one quality rule; none where no test means the same."""
    allowed = allows(told)
    if allowed is None:
        return
    kind = told.get("type", "library")
    if kind == "sql" and isinstance(told.get("query"), str):
        yield from _sql(column, told["query"], allowed)
        return
    definition = LIBRARY.get(str(told.get("metric") or told.get("rule") or "")) if kind == "library" else None
    if definition is None or allowed.beside is not None:
        return
    if definition.startswith("table"):
        if not column:
            yield Rule(definition, "", _given(zip(("minValue", "maxValue"), allowed.whole(), strict=True)))
    elif column and (tolerance := _tolerance(allowed, told.get("unit"))) is not None:
        yield from _of_column(definition, column, _arguments(told), tolerance)


def allows(told: Mapping[str, Any]) -> Range | None:
    """What the operator of a rule allows; None where it has none, or one that no test has (`mustNotBeBetween`)."""
    held = {
        name: value for name, value in told.items()
        if name.startswith("must") and isinstance(value, int | float) and not isinstance(value, bool)
    }  # fmt: skip
    between = told.get("mustBeBetween")
    if isinstance(between, list) and len(between) == 2 and all(isinstance(each, int | float) for each in between):
        return Range(*between)
    if "mustBe" in held:
        return Range(held["mustBe"], held["mustBe"])
    if "mustNotBe" in held:
        return Range(beside=held["mustNotBe"])
    low = held.get("mustBeGreaterThan", held.get("mustBeGreaterOrEqualTo"))
    high = held.get("mustBeLessThan", held.get("mustBeLessOrEqualTo"))
    if low is None and high is None:
        return None
    return Range(low, high, "mustBeGreaterThan" in held, "mustBeLessThan" in held)


def _sql(column: str, query: str, allowed: Range) -> Iterator[Rule]:
    known = PROPERTY.sub("", OBJECT.sub("", query))
    if _VARIABLE.search(known) or (PROPERTY.search(query) and not column):
        return  # a variable that nobody here can fill in
    query = PROPERTY.sub(lambda _: quoted(column), query)
    told: dict[str, Any] = {"sqlExpression": query, "strategy": "COUNT"}
    if allowed.beside is not None:
        yield Rule("tableCustomSQLQuery", "", {**told, "operator": "!=", "threshold": allowed.beside})
        return
    yield Rule("tableCustomSQLQuery", "", told | _given(zip(("minValue", "maxValue"), allowed.real(), strict=True)))


def _tolerance(allowed: Range, unit: Any) -> dict[str, float] | None:
    """How many rows may fail, as parameters of a test; None where some have to fail, or the unit is another one."""
    if (allowed.low or 0) > 0 or allowed.high is None or unit not in (None, "rows", "percent"):
        return None
    high = allowed.real()[1] if unit == "percent" else allowed.whole()[1]
    if high is None or high < 0:
        return None
    return {} if high == 0 else {"maxFailedPercent" if unit == "percent" else "maxFailedRows": high}


def _of_column(
    definition: str, column: str, arguments: Mapping[str, Any], tolerance: Mapping[str, float]
) -> Iterator[Rule]:
    if definition == "columnValuesMissingCount":
        missing = arguments.get("missingValues")
        also = [str(each) for each in missing if each not in (None, "")] if isinstance(missing, list) else []
        extra: dict[str, Any] = {"missingValueMatch": also} if also else {}
        yield Rule(definition, column, {"missingCountValue": 0, **extra, **tolerance})
    elif definition == "columnValuesToBeInSet":
        valid, pattern = arguments.get("validValues"), arguments.get("pattern")
        values = [each for each in valid if each is not None] if isinstance(valid, list) else []
        if values:
            yield Rule(definition, column, {"allowedValues": values, **tolerance})
        elif isinstance(pattern, str):
            yield Rule("columnValuesToMatchRegex", column, {"regex": pattern, **tolerance})
    elif "properties" not in arguments:
        yield Rule(definition, column, dict(tolerance))


def of_type(column: str, told: Mapping[str, Any]) -> tuple[list[Rule], list[str]]:
    """The tests of what a property says of its values (`logicalTypeOptions`, and `enum` of 3.2), and what has none."""
    options = told.get("logicalTypeOptions")
    left = dict(options) if isinstance(options, dict) else {}
    found = []
    if lengths := _given((name, left.pop(name, None)) for name in ("minLength", "maxLength")):
        found.append(Rule("columnValueLengthsToBeBetween", column, lengths))
    if isinstance(left.get("pattern"), str):
        found.append(Rule("columnValuesToMatchRegex", column, {"regex": left.pop("pattern")}))
    if limits := _limits(left, whole=told.get("logicalType") == "integer"):
        found.append(Rule("columnValuesToBeBetween", column, limits))
    listed = told.get("enum")
    if isinstance(listed, list) and listed:
        values = [each.get("value") if isinstance(each, dict) else each for each in listed]
        found.append(Rule("columnValuesToBeInSet", column, {"allowedValues": values}))
    left.pop("format", None)  # how a value is written, not which values there may be
    return found, [f"{column}: {name}"[:200] for name in left]


def _limits(left: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """Takes the limits out of the options of a type and gives them as parameters; strict ones of times stay."""
    found = {}
    for name, strict, parameter, step in (
        ("minimum", "exclusiveMinimum", "minValue", 1), ("maximum", "exclusiveMaximum", "maxValue", -1),
    ):  # fmt: skip
        edge = left.get(strict)
        if isinstance(edge, int | float) and not isinstance(edge, bool):
            found[parameter] = edge + step if whole else math.nextafter(edge, step * math.inf)
            left.pop(strict)
        elif isinstance(left.get(name), int | float | str):
            found[parameter] = left.pop(name)
    return found


def _arguments(told: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = told.get("arguments")
    return arguments if isinstance(arguments, dict) else told


def _given(pairs: Any) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def as_quality(rule: Rule) -> dict[str, Any] | None:
    """A test as a quality rule of the library; None for one that the library has no metric for."""
    told = rule.parameters
    rows, share = told.get("maxFailedRows"), told.get("maxFailedPercent")
    if rows is not None and share is not None:
        return None
    if rule.definition == "tableRowCountToBeBetween":
        return {"type": "library", "metric": "rowCount", **_operator(told.get("minValue"), told.get("maxValue"))}
    metric, argument, parameter = _METRICS.get(rule.definition, ("", "", ""))
    if not metric:
        return None
    most = {"mustBe": 0} if rows is None else {"mustBeLessOrEqualTo": rows}
    if share is not None:
        most = {"mustBeLessOrEqualTo": share, "unit": "percent"}
    arguments = {"arguments": {argument: told[parameter]}} if argument else {}
    return {"type": "library", "metric": metric, **most, **arguments}


def _operator(low: float | None, high: float | None) -> dict[str, Any]:
    """Exactly one operator, as the standard wants."""
    if low is not None and high is not None:
        return {"mustBe": low} if low == high else {"mustBeBetween": [low, high]}
    return {"mustBeLessOrEqualTo": high} if low is None else {"mustBeGreaterOrEqualTo": low}
