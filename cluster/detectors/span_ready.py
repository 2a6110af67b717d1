"""Forms made ready to be tried: patterns and checks compiled once, and chosen by what was announced."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from cluster.detectors.needs import needs_of
from cluster.detectors.span_forms import SpanForm
from cluster.detectors.validators import validator

LEAST: Final = 0.5  # the least score of a span
# A number does not begin or end within a word or another number; what ends a sentence ends it.
_ENDS: Final = {"number": r"(?![0-9A-Za-z_]|[.,\-/+:][0-9A-Za-z]|%)", "code": r"(?![0-9A-Za-z_])", "text": ""}
_KEPT: Final = 512


@dataclass(frozen=True)
class Ready:
    """A form with its pattern and its check compiled."""

    form: SpanForm
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None
    digits: int
    grouped: bool


def ready(form: SpanForm) -> Ready:
    """The form compiled. Raises re.error for a pattern that is none."""
    check = validator(form.validator) if form.validator else None
    needs = needs_of(form.pattern) if form.at == "number" else ()
    digits = form.digits or min((need.digits for need in needs), default=0)
    pattern = re.compile(f"(?:{form.pattern}){'' if form.open_end else _ENDS[form.at]}")
    return Ready(form, pattern, check, digits, "it" in pattern.groupindex)


class Choice:
    """Forms of one kind, fewest digits first: those that stand alone, and those that need a word before them."""

    def __init__(self, forms: Iterable[Ready]) -> None:
        self._forms = sorted(forms, key=lambda one: one.digits)
        self.least = self._forms[0].digits if self._forms else 1 << 30
        alone = [one for one in self._forms if one.form.alone >= LEAST]
        # A pattern that refers to its own groups cannot stand beside others.
        joined = [one.pattern.pattern for one in alone if not one.pattern.groups]
        self._any = re.compile("|".join(joined) or "(?!)")
        self._grouped = [one for one in alone if one.pattern.groups]
        self._known: dict[tuple[bool, frozenset[str]], list[Ready]] = {}

    def worth(self, text: str, place: int, labels: frozenset[str]) -> list[Ready]:
        """The forms that can match and score at a place where these labels were announced."""
        key = (self._any.match(text, place) is not None, labels)
        known = self._known.get(key)
        if known is None:
            known = [one for one in self._forms if self._may(one, *key)]
            if len(self._known) < _KEPT:
                self._known[key] = known
        return known

    def _may(self, one: Ready, alone: bool, labels: frozenset[str]) -> bool:
        stands = one.form.alone >= LEAST and (alone or one in self._grouped)
        return stands or one.form.label in labels
