"""Finding spans: the places where something could begin are found first, and only there forms are tried.

Most forms begin with digits or hold some, so a text without any costs next to nothing; the others need a letter run, an
`@`, a word. No form is searched for in a text that lacks what it needs, and in a long text only near to it. Forms that
are nothing without a word before them are tried only where such a word is.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from cluster.detectors.compile import CompiledRules, load_detector_packs
from cluster.detectors.cues import REACH, Cues, CuesOfText
from cluster.detectors.patterns import EDGES, embedded_regex
from cluster.detectors.phones import national_plans
from cluster.detectors.span_derived import derived_forms
from cluster.detectors.span_forms import FormExamples, SpanForm, load_span_packs
from cluster.detectors.span_places import code_starts, digits_in, number_start, runs_of_digits, stretches
from cluster.detectors.span_ready import LEAST, Choice, Ready, ready
from cluster.detectors.span_words import Words
from cluster.detectors.spans import Span
from cluster.detectors.validators import validator

_NO_CUE: Final = (frozenset[str](), REACH)
_ELSE: Final = 24  # how near a word has to be to say that what follows is something else
_UNTOLD: Final = FormExamples.model_construct(found=())

Cue = tuple[frozenset[str], int]


class _Match(NamedTuple):
    borne_out: bool
    start: int
    end: int
    form: SpanForm
    score: float


class Finder:
    """The forms of the classes that some rules have detectors of. Threads may share it."""

    def __init__(self, rules: CompiledRules) -> None:
        classes = {detector.data_class for detector in rules.detectors}
        packs = [pack.value for pack in load_span_packs()]
        written = [form for pack in packs for form in pack.forms]
        more, words = derived_forms(rules, (form.data_class for form in written))
        for pack in packs:
            for label, phrases in pack.cues.items():
                words.setdefault(label, set()).update(phrases)
        self._cues = Cues(words, (word for pack in packs for word in pack.fillers))
        forms = [ready(form) for form in (*written, *more) if form.data_class in classes]
        self._numbers = Choice(r for r in forms if r.form.at == "number")
        self._codes = Choice(r for r in forms if r.form.at == "code")
        self._texts = [r for r in forms if r.form.at == "text"]
        held = {word for r in self._texts for word in r.form.holds}
        self._holders = {word: [n for n, r in enumerate(self._texts) if word in r.form.holds] for word in held}
        self._words = Words(held)
        self._own = _own_detectors(rules)
        national_plans()  # some tenths of a second, which no text should wait for

    def find(self, text: str) -> list[Span]:
        """See `cluster.detectors.spans.find_spans`."""
        cues = CuesOfText(self._cues, text)
        found = [*self._in_text(text), *self._at_digits(text, cues)]
        if self._own:
            found += self._by_own_detectors(text)
        return _resolved(found) if found else []

    def _in_text(self, text: str) -> Iterator[_Match]:
        low, cues = text.lower(), CuesOfText(self._cues, text)
        for number in sorted({number for word in self._words.held_in(low) for number in self._holders[word]}):
            one = self._texts[number]
            for start, end in stretches(low, one.form.holds, text, whole=one.form.wide):
                for match in one.pattern.finditer(text, start, end):
                    begin, until = match.span("it" if one.grouped else 0)
                    cue = cues.before(begin) if one.form.label else _NO_CUE
                    yield from _checked(one, text, begin, until, cue)

    def _at_digits(self, text: str, cues: CuesOfText) -> Iterator[_Match]:
        tried = -1
        for start, run, width in runs_of_digits(text):
            if width >= self._numbers.least:
                begin = number_start(text, start)
                if begin is not None:
                    most = digits_in(text, start, run, width)
                    yield from self._number(text, begin, start, most, cues.before(begin))
            for place in code_starts(text, start):
                if place > tried:
                    tried = place
                    yield from self._code(text, place, cues.before(place))

    def _number(self, text: str, begin: int, start: int, width: int, cue: Cue) -> Iterator[_Match]:
        for place in range(begin, start + 1):
            for one in self._numbers.worth(text, place, cue[0]):
                if one.digits > width:
                    break
                match = one.pattern.match(text, place)
                if match:
                    yield from _checked(one, text, *match.span(), cue)

    def _code(self, text: str, start: int, cue: Cue) -> Iterator[_Match]:
        for one in self._codes.worth(text, start, cue[0]):
            match = one.pattern.match(text, start)
            if match:
                yield from _checked(one, text, *match.span(), cue)

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


def _checked(one: Ready, text: str, start: int, end: int, cue: Cue) -> Iterator[_Match]:
    form, (labels, apart) = one.form, cue
    score, cued = form.alone, False
    if form.label:
        cued = form.label in labels and apart <= form.reach
        if cued:
            score = form.cued or score
        elif labels and apart <= _ELSE:
            # What was announced is something else.
            score *= 0.7 if form.telling or "other" not in labels else 0.5
    if score < LEAST:
        return
    while one.check is not None and not one.check(text[start:end]):
        end = _without_last_group(text, start, end) if form.shrink else start
        if end <= start:
            return
    yield _Match(cued or form.telling, start, end, form, score)


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
    starts: list[int] = []
    kept: list[_Match] = []
    for match in found:
        place = bisect_left(starts, match.end)
        if not place or kept[place - 1].end <= match.start:
            at = bisect_left(starts, match.start)
            starts.insert(at, match.start)
            kept.insert(at, match)
    return [
        Span.model_construct(start=m.start, end=m.end, data_class=m.form.data_class, score=m.score, tier="rules")
        for m in kept
    ]


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
