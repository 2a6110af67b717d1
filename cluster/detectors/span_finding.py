"""Finding spans: the places where something could begin are found first, and only there forms are tried.

Most forms begin with digits or hold some, so a text without any costs next to nothing; the others need a letter run, an
`@`, a word. No form is searched for in the whole text unless the text holds what it needs.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from cluster.detectors.compile import CompiledRules, load_detector_packs
from cluster.detectors.cues import Cues
from cluster.detectors.needs import needs_of
from cluster.detectors.patterns import EDGES, embedded_regex
from cluster.detectors.span_forms import FormExamples, SpanForm, load_span_packs
from cluster.detectors.spans import Span
from cluster.detectors.validators import validator

LEAST: Final = 0.5
# A number does not begin or end within a word or another number; what ends a sentence ends it.
_NUMBER_END: Final = r"(?![0-9A-Za-z_]|[.,\-/+:][0-9A-Za-z]|%)"
_CODE_END: Final = r"(?![0-9A-Za-z_])"
_DIGITS: Final = re.compile(r"[0-9]+")
_RUN: Final = re.compile(r"[+(]{0,2}[0-9](?:[0-9]|[ \u00a0.\-/()]{1,2}(?=[0-9(]))*+")
_LETTERS_BEFORE: Final = re.compile(r"(?:[A-ZÄÖÜ]{1,3}-)?[A-Za-z]{1,6}[ \-]?\Z")
_NO_START: Final = frozenset(".,-/+$&%€£")
_LONGEST_CODE: Final = 64

_UNTOLD: Final = FormExamples.model_construct(found=())


class _Match(NamedTuple):
    borne_out: bool
    start: int
    end: int
    form: SpanForm
    score: float


@dataclass(frozen=True)
class _Ready:
    """A form with its pattern and its check compiled."""

    form: SpanForm
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None
    digits: int


class Finder:
    """The forms of the classes that some rules have detectors of. Threads may share it."""

    def __init__(self, rules: CompiledRules) -> None:
        classes = {detector.data_class for detector in rules.detectors}
        packs = [pack.value for pack in load_span_packs()]
        words: dict[str, set[str]] = {}
        for pack in packs:
            for label, phrases in pack.cues.items():
                words.setdefault(label, set()).update(phrases)
        self._cues = Cues(words, (word for pack in packs for word in pack.fillers))
        ready = [_ready(form) for pack in packs for form in pack.forms if form.data_class in classes]
        self._numbers = sorted((r for r in ready if r.form.at == "number"), key=lambda r: r.digits)
        self._codes = [r for r in ready if r.form.at == "code"]
        self._texts = [r for r in ready if r.form.at == "text"]
        self._own = _own_detectors(rules)

    def find(self, text: str) -> list[Span]:
        """See `cluster.detectors.spans.find_spans`."""
        found = [*self._in_text(text)]
        if _DIGITS.search(text):
            found += self._at_digits(text)
        if self._own:
            found += self._by_own_detectors(text)
        return _resolved(found) if found else []

    def _in_text(self, text: str) -> Iterator[_Match]:
        low = text.lower()
        for ready in self._texts:
            if any(word in low for word in ready.form.holds):
                for match in ready.pattern.finditer(text):
                    yield from self._checked(ready, text, *match.span("it" if "it" in match.groupdict() else 0))

    def _at_digits(self, text: str) -> Iterator[_Match]:
        tried = run_end = -1
        width = 0
        for group in _DIGITS.finditer(text):
            start = group.start()
            if start >= run_end:
                run = _RUN.match(text, start)
                run_end, width = (run.end(), _count(run[0])) if run else (group.end(), 0)
                if width >= self._least:
                    yield from self._number(text, start, width)
            elif not text[start - 1].isalnum() and run_end - start >= self._least:
                yield from self._number(text, start, _count(text[start:run_end]))
            for begin in _code_starts(text, start):
                if begin > tried:
                    tried = begin
                    yield from self._code(text, begin)

    @property
    def _least(self) -> int:
        return self._numbers[0].digits if self._numbers else 1 << 30

    def _number(self, text: str, start: int, width: int) -> Iterator[_Match]:
        begin = start
        while begin and start - begin < 2 and text[begin - 1] in "+(":
            begin -= 1
        if begin and (_wordy(text[begin - 1]) or text[begin - 1] in _NO_START):
            return
        for place in range(begin, start + 1):
            for ready in self._numbers:
                if ready.digits > width:
                    break
                match = ready.pattern.match(text, place)
                if match:
                    yield from self._checked(ready, text, *match.span())

    def _code(self, text: str, start: int) -> Iterator[_Match]:
        for ready in self._codes:
            match = ready.pattern.match(text, start)
            if match:
                yield from self._checked(ready, text, *match.span())

    def _checked(self, ready: _Ready, text: str, start: int, end: int) -> Iterator[_Match]:
        form = ready.form
        score, cued = form.alone, False
        if form.label:
            labels, apart = self._cues.before(text, start)
            cued = form.label in labels and apart <= form.reach
            if cued:
                score = form.cued or score
            elif labels:
                # What was announced is something else.
                score *= 0.7 if form.telling or "other" not in labels else 0.5
        if score < LEAST:
            return
        while ready.check is not None and not ready.check(text[start:end]):
            end = _without_last_group(text, start, end) if form.shrink else start
            if end <= start:
                return
        yield _Match(cued or form.telling, start, end, form, score)

    def _by_own_detectors(self, text: str) -> Iterator[_Match]:
        """Detectors of the installation itself, whose classes no form is written for: by the detector's own pattern."""
        import polars as pl

        for form, regex, check in self._own:
            place = 0
            for match in pl.Series([text]).str.extract_all(regex)[0].to_list():
                place = text.find(match, place)
                inner = match.strip(EDGES)
                start = place + match.find(inner)
                place += len(match)
                if inner and (check is None or check(inner)):
                    yield _Match(form.telling, start, start + len(inner), form, form.alone)


def _count(text: str) -> int:
    return sum(map(str.isdigit, text))


def _code_starts(text: str, start: int) -> Iterator[int]:
    """Where a run of letters and digits begins that holds these digits, or that stands right before them."""
    begin = start
    while begin and start - begin < _LONGEST_CODE and (text[begin - 1].isascii() and text[begin - 1].isalnum()):
        begin -= 1
    before = _LETTERS_BEFORE.search(text, max(0, begin - 12), begin)
    if before and (before.start() == 0 or not _wordy(text[before.start() - 1])):
        yield before.start()
    if (begin == 0 or not _wordy(text[begin - 1])) and start - begin < _LONGEST_CODE:
        yield begin


def _wordy(char: str) -> bool:
    """Whether a word goes on; scripts without spaces between words join on to anything."""
    return char == "_" or (char.isalnum() and char < "\u2e80")


def _without_last_group(text: str, start: int, end: int) -> int:
    """The end of the match without its last group of digits; `start` if it has only one."""
    place = end
    while place > start and text[place - 1].isalnum():
        place -= 1
    while place > start and not text[place - 1].isalnum():
        place -= 1
    return place


def _resolved(found: list[_Match]) -> list[Span]:
    """The matches without overlap, in order."""
    found.sort(key=lambda m: (not m.borne_out, -m.score, m.start - m.end, m.start, m.form.id))
    taken: list[tuple[int, int]] = []
    kept: list[_Match] = []
    for match in found:
        if not any(match.start < end and start < match.end for start, end in taken):
            taken.append((match.start, match.end))
            kept.append(match)
    kept.sort(key=lambda m: m.start)
    return [
        Span.model_construct(start=m.start, end=m.end, data_class=m.form.data_class, score=m.score, tier="rules")
        for m in kept
    ]


def _ready(form: SpanForm) -> _Ready:
    ends = {"number": _NUMBER_END, "code": _CODE_END, "text": ""}
    check = validator(form.validator) if form.validator else None
    needs = needs_of(form.pattern) if form.at == "number" else ()
    digits = form.digits or min((need.digits for need in needs), default=0)
    end = "" if form.open_end else ends[form.at]
    return _Ready(form, re.compile(f"(?:{form.pattern}){end}"), check, digits)


def _own_detectors(rules: CompiledRules) -> list[tuple[SpanForm, str, Callable[[str], bool] | None]]:
    shipped = {detector.id for pack in load_detector_packs() for detector in pack.value.detectors}
    found = []
    for detector in rules.detectors:
        if detector.embedded and detector.pattern and detector.id not in shipped:
            telling = detector.form == "distinctive"
            form = SpanForm.model_construct(
                id=detector.id, data_class=detector.data_class, at="code", pattern=detector.pattern,
                alone=0.85 if telling else 0.6, telling=telling, examples=_UNTOLD,
            )  # fmt: skip
            check = validator(detector.validator) if detector.validator else None
            found.append((form, embedded_regex(detector), check))
    return found


_FINDERS: Final[dict[str, Finder]] = {}


def finder_of(rules: CompiledRules) -> Finder:
    """The finder of these rules; the last few are kept."""
    finder = _FINDERS.get(rules.digest)
    if finder is None:
        if len(_FINDERS) >= 16:
            _FINDERS.clear()
        finder = _FINDERS[rules.digest] = Finder(rules)
    return finder
