"""The type that a sample of texts shows, and whether a text is a value rather than a name."""

import re
from collections.abc import Sequence

from cluster.connectors.interface import LogicalType

_FORMS: tuple[tuple[LogicalType, re.Pattern[str]], ...] = (
    ("boolean", re.compile(r"true|false|yes|no|t|f|y|n", re.I)),
    ("integer", re.compile(r"[+-]?(0|[1-9]\d{0,17})")),
    ("number", re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d{1,3})?|nan|[+-]?inf(inity)?", re.I)),
    ("date", re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}/\d{2}/\d{2}")),
    ("timestamp", re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s?(Z|UTC|[+-]\d{2}:?\d{2})?")),
    ("time", re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?")),
)
_LEADING_ZERO = re.compile(r"[+-]?0\d+")


def type_of(texts: Sequence[str | None]) -> LogicalType:
    """The narrowest type that all texts of the sample have; empty ones do not count; string if there are none."""
    given = [text.strip() for text in texts if text and text.strip()]
    if not given or any(_LEADING_ZERO.fullmatch(text) for text in given):  # a code, not a number
        return "string"
    for name, form in _FORMS:
        if all(form.fullmatch(text) for text in given):
            return name
    return "string"
