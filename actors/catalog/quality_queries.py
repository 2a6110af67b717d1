"""Deciding tests that ask a source, or two assets: custom SQL by push-down, and the difference of two tables."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from actors.catalog.contract import CheckOutcome, TestOrder
from actors.catalog.quality_definitions import bounds, within
from cluster.errors import InvalidInput
from cluster.lineage.bounded import Endless, parse

ROWS: Final = 5_000_000  # rows of each side of a difference
OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": lambda a, b: a == b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b, "!=": lambda a, b: a != b,
}  # fmt: skip
_DIALECTS: Final = {"postgresql": "postgres", "sqlite": "sqlite"}


def counting(text: str, kind: str) -> str:
    """The statement that counts the rows of a query. Raises InvalidInput unless the text is one query and nothing else.

    It runs in a read-only session with a time-out all the same: parsing is for the message, not for safety.
    """
    return f"SELECT count(*) AS rows FROM ({_query(text, kind)}) AS counted"  # noqa: S608 - parsed by _query


def _query(text: str, kind: str) -> str:
    dialect = _DIALECTS.get(kind)
    if dialect is None:
        raise InvalidInput("The source takes no SQL.", "Use another definition for files.")
    try:
        parsed = [each for each in parse(Dialect.get_or_raise(dialect), text) if each is not None]
    except (SqlglotError, RecursionError, Endless):
        raise InvalidInput("The SQL of the test cannot be parsed.", "Correct it.") from None
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query) or parsed[0].find(exp.Into, exp.Lock, exp.DML):
        raise InvalidInput("The SQL of the test is not one query.", "Give a single SELECT.")
    return parsed[0].sql(dialect=dialect)


def single(text: str, kind: str) -> str:
    """The first row of the query, found to be one, for a test that compares the number which it gives."""
    query = _query(text, kind)
    return f"SELECT * FROM ({query}) AS asked LIMIT 1"  # noqa: S608 - parsed by _query


def queried(test: TestOrder, ask: Callable[[str], Any], kind: str) -> CheckOutcome:
    """The outcome of custom SQL: the rows it finds (strategy ROWS, the default), or the number it gives (COUNT).

    It is held against `threshold` (0) by `operator` ("<="), or between minValue and maxValue where one is given.
    """
    told = test.parameters
    low, high = bounds(test.definition, told)
    counts = told.get("strategy", "ROWS") == "ROWS"
    value = ask(counting(told["sqlExpression"], kind) if counts else single(told["sqlExpression"], kind))
    base: dict[str, Any] = {"test_id": test.id, "method": "pushdown", "low": low, "high": high}
    if not isinstance(value, int | float) or isinstance(value, bool):
        return CheckOutcome(**base, status="Aborted", reason="The query gave no number.")
    if low is None and high is None:
        operator = OPERATORS.get(told.get("operator", "<="), OPERATORS["<="])
        passed = operator(float(value), float(told.get("threshold", 0)))
    else:
        passed = within(float(value), low, high)
    failed = int(value) if counts and not passed else None
    return CheckOutcome(**base, status="Success" if passed else "Failed", observed=float(value), failed_rows=failed)


def difference(test: TestOrder, one: Iterable[pl.DataFrame], other: Iterable[pl.DataFrame]) -> CheckOutcome:
    """Rows that one table has and the other lacks by their key, and rows of one key that differ in a column."""
    keys = [str(name) for name in test.parameters["keyColumns"]]
    wanted = [str(name) for name in test.parameters.get("useColumns") or ()]
    try:
        first, second = _hashed(one, keys, wanted), _hashed(other, keys, wanted)
    except _TooMuch:
        return CheckOutcome(test_id=test.id, status="Aborted", reason=f"A table has more than {ROWS} rows.")
    except (pl.exceptions.ColumnNotFoundError, KeyError):
        return CheckOutcome(test_id=test.id, status="Aborted", reason="A column of the test is not in both tables.")
    except (pl.exceptions.PolarsError, TypeError, ValueError):
        reason = "The values of a column have no form in which they can be compared; name the others in useColumns."
        return CheckOutcome(test_id=test.id, status="Aborted", reason=reason)
    left, right = (dict(zip(*side, strict=True)) for side in (first, second))
    alone = len(left.keys() ^ right.keys())
    changed = sum(right.get(key, value) != value for key, value in left.items())
    repeated = len(first[0]) - len(left) + len(second[0]) - len(right)
    differ = alone + changed + repeated
    passed = differ <= float(test.parameters.get("threshold", 0))
    reason = f"{alone} rows in one table only, {changed} that differ, {repeated} keys repeated."
    return CheckOutcome(
        test_id=test.id, status="Success" if passed else "Failed", observed=differ, failed_rows=differ,
        passed_rows=max(len(left) - differ, 0), reason=reason,
    )  # fmt: skip


class _TooMuch(Exception):
    pass


def _hashed(batches: Iterable[pl.DataFrame], keys: list[str], wanted: list[str]) -> tuple[list[int], list[int]]:
    """Hashes of keys and of rows; values are compared as text, since two sources may type them differently."""
    found: tuple[list[Any], list[Any]] = ([], [])
    rows = 0
    for batch in batches:
        rows += batch.height
        if rows > ROWS:
            raise _TooMuch
        columns = wanted or sorted(set(batch.columns) - set(keys))
        for side, names in zip(found, (keys, columns), strict=True):
            texts = pl.DataFrame([_text(batch[name]) for name in names])
            side.append(texts.hash_rows(seed=1).to_numpy() if names else np.zeros(batch.height, np.uint64))
    return tuple(np.concatenate(side).tolist() if side else [] for side in found)


def _text(values: pl.Series) -> pl.Series:
    """Values as text, bytes as hexadecimal digits, lists and structs as JSON."""
    if values.dtype == pl.Binary:
        return values.bin.encode("hex")
    if values.dtype.is_nested():
        held = (None if each is None else json.dumps(each, sort_keys=True, default=str) for each in values.to_list())
        return pl.Series(values.name, held, dtype=pl.String)
    return values.cast(pl.String)
