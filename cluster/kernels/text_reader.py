"""Reading a sample of a column of prose: all of it by the forms of tier 1, a small part of it by tier 3's model.

Nothing but classes leaves this module. A model reads some ten thousand characters a second, so that it is given few
texts: at most one for each `CELLS` cells of the partition, and `FEWEST` of a column however small its table is.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from cluster.detectors.compile import CompiledRules
from cluster.detectors.spans import Span, both_tiers, find_spans
from cluster.errors import ConfigurationError
from cluster.kernels.report import FreeText, TextSample
from cluster.kernels.sketch import Hashing
from cluster.kernels.value_sample import ValueSample

VERSION: Final = "1"  # of how texts are chosen and read; raised with each change of it
SAMPLE: Final = 256
CELLS: Final = 200
FEWEST: Final = 8
MOST: Final = 64
_CUT: Final = 4_000  # characters of a text that tier 1 is given, half from its begin and half from its end
_LANGUAGE_CUT: Final = 500  # and tier 3
_LANGUAGE_SUM: Final = 12_000
_WORDS: Final = 5  # parted by blanks, from which on a value is prose
_PROSE: Final = 0.2  # the share of such values that makes the column one of prose
_WORD: Final = re.compile(r"[^\W\d_]{2}")
_IDEOGRAPHS: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARKUP: Final = ("{", "[", "<")


class FindsEntities(Protocol):
    """What finds spans in texts; `digest` says which model it is."""

    @property
    def digest(self) -> str:
        """Of the model."""
        ...

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order."""
        ...


class TextReader:
    """Reads texts for scans. `entities` loads the model of tier 3 when it is needed first; None: tier 3 takes no part.

    It may raise ConfigurationError, which then stands in the report in the place of what the model would have found.
    """

    def __init__(self, rules: CompiledRules, entities: Callable[[], FindsEntities] | None = None) -> None:
        self._rules, self._entities = rules, entities

    def warm(self) -> None:
        """Loads the model and compiles the rules, as the first text that is read would."""
        find_spans(".", self._rules)
        if self._entities is not None:
            with contextlib.suppress(ConfigurationError):
                self._entities().find(["."])

    def read(self, sample: ValueSample, hashing: Hashing, allowed: int) -> FreeText:
        """What the texts hold, of which tier 3 may read so many. There has to be one."""
        drawn = sample.drawn()
        keys = [_key(number, text, hashing) for number, text in drawn]
        texts = [text for _, text in drawn]
        spans = [find_spans(text, self._rules) for text in texts]
        report = FreeText(reader=VERSION, rules=_sample(keys, map(_classes, spans), full=sample.full))
        if self._entities is None or not allowed:
            return report
        few = _fewer(texts, allowed)
        try:
            model = self._entities()
            told = self._by_both(model, texts[:few])
        except ConfigurationError as error:
            return report.model_copy(update={"skipped": error.detail})
        found = _sample(keys[:few], told, full=sample.full or few < len(keys))
        return report.model_copy(update={"language": found, "model": model.digest})

    def _by_both(self, model: FindsEntities, texts: Sequence[str]) -> list[str]:
        shown = [_ends(text, _LANGUAGE_CUT) for text in texts]
        both = zip(shown, model.find(shown), strict=True)
        return [_classes(both_tiers(find_spans(text, self._rules), told)) for text, told in both]


def prose(texts: Sequence[str]) -> bool:
    """Whether values of a column are texts that people wrote: enough of them hold several words, and are no markup."""
    wordy = sum(_is_prose(text) for text in texts)
    return wordy > 0 and wordy >= _PROSE * len(texts)


def shortened(text: str) -> str:
    """As much of a text as is kept to be read."""
    return _ends(text, _CUT)


def allowance(cells: int, columns: int) -> int:
    """How many texts of each of so many columns of prose tier 3 may read, in a partition of so many cells."""
    return max(FEWEST, min(MOST, cells // (CELLS * max(1, columns))))


def _is_prose(text: str) -> bool:
    if text.lstrip().startswith(_MARKUP):
        return False
    words = sum(_WORD.search(word) is not None for word in text[:400].split())
    return words >= _WORDS or len(_IDEOGRAPHS.findall(text[:100])) >= 3 * _WORDS


def _fewer(texts: Sequence[str], allowed: int) -> int:
    """How many of the texts tier 3 is given: as many as it may read, and not more characters than it can."""
    left = _LANGUAGE_SUM
    for place, text in enumerate(texts[:allowed]):
        left -= min(len(text), _LANGUAGE_CUT)
        if left < 0 and place:
            return place
    return min(allowed, len(texts))


def _ends(text: str, most: int) -> str:
    """The text, of a long one its begin and its end, where people greet and sign."""
    if len(text) <= most:
        return text
    head, tail = text[: most // 2], text[-(most // 2) :]
    return f"{head.rsplit(' ', 1)[0]}\n\n{tail.split(' ', 1)[-1]}"


def _key(number: int, text: str, hashing: Hashing) -> str:
    return f"{number >> 32:08x}{hashing.keyed(text).hex()}"


def _classes(spans: Iterable[Span]) -> str:
    return " ".join(sorted({span.data_class for span in spans}))


def _sample(keys: Sequence[str], classes: Iterable[str], *, full: bool) -> TextSample:
    found = tuple(sorted(zip(keys, classes, strict=True)))
    return TextSample(found=found, bound=found[-1][0] if full and found else None, read=len(found))
