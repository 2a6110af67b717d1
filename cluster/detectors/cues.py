"""Words that announce what follows them: `my IBAN is`, `geboren am`, `order no`."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

REACH: Final = 48
_WORD: Final = re.compile(r"[^\W\d_]+")
_IDEOGRAPH: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MOST_WORDS: Final = 4
_NOTHING: Final[frozenset[str]] = frozenset()


class Cues:
    """Labels by their words. Of several words before a place the nearest one counts, and the longest at that.

    `fillers` may stand between a cue and what it announces: `is`, `number`.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], fillers: Iterable[str] = ()) -> None:
        self._fillers = frozenset(word.casefold() for word in fillers)
        labels: dict[str, set[str]] = {}
        self._joined: dict[str, set[str]] = {}
        for label, phrases in words.items():
            for phrase in phrases:
                folded = phrase.casefold()
                if _IDEOGRAPH.search(folded):
                    self._joined.setdefault(folded, set()).add(label)
                else:
                    labels.setdefault(self._without_fillers(_WORD.findall(folded)), set()).add(label)
        self._labels: dict[str, frozenset[str]] = {phrase: frozenset(some) for phrase, some in labels.items()}
        self._lasts = {phrase.rsplit(" ", 1)[-1] for phrase in self._labels}

    def _without_fillers(self, words: list[str]) -> str:
        """The phrase without fillers at its end, which are passed over before a cue is looked for."""
        while len(words) > 1 and words[-1] in self._fillers:
            words.pop()
        return " ".join(words)

    def before(self, text: str, place: int) -> tuple[frozenset[str], int]:
        """The labels of the nearest cue before a place, and how many characters lie between; none out of reach."""
        first = max(0, place - REACH)
        window = text[first:place]
        if not window.isascii() and _IDEOGRAPH.search(window):
            return self._in_script_without_spaces(window)
        folded = window.casefold()
        words = _WORD.findall(folded)
        # The window may begin within a word.
        skipped = 1 if first and text[first - 1].isalpha() and window[:1].isalpha() else 0
        last = len(words)
        while last > skipped and words[last - 1] in self._fillers:
            last -= 1
        for end in range(last, skipped, -1):
            if words[end - 1] not in self._lasts:
                continue
            for start in range(max(skipped, end - _MOST_WORDS), end):
                labels = self._labels.get(" ".join(words[start:end]))
                if labels:
                    return labels, _apart(folded, end, last)
        return _NOTHING, REACH

    def _in_script_without_spaces(self, window: str) -> tuple[frozenset[str], int]:
        folded = window.casefold()
        places = [
            (folded.rfind(phrase) + len(phrase), len(phrase), phrase) for phrase in self._joined if phrase in folded
        ]
        if places:
            end, _, phrase = max(places)
            return frozenset(self._joined[phrase]), len(folded) - end
        word = (_WORD.findall(folded) or [""])[-1]
        return self._labels.get(word, _NOTHING), len(folded) - folded.rfind(word) - len(word)


def _apart(folded: str, end: int, last: int) -> int:
    """The characters between the end of a cue, the word number `end`, and the place, without fillers at its end."""
    spans = [match.span() for match in _WORD.finditer(folded)]
    idle = len(folded) - spans[last][0] if last < len(spans) else 0
    return len(folded) - idle - spans[end - 1][1]
