"""Words that announce what follows them: `my IBAN is`, `geboren am`, `order no`."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

REACH: Final = 48
_WORD: Final = re.compile(r"[^\W\d_]+")
_IDEOGRAPH: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MOST_WORDS: Final = 4


class Cues:
    """Labels by their words. Of several words before a place the nearest one counts, and the longest at that.

    `fillers` may stand between a cue and what it announces: `is`, `number`.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], fillers: Iterable[str] = ()) -> None:
        self._fillers = frozenset(word.casefold() for word in fillers)
        self._labels: dict[str, set[str]] = {}
        self._joined: dict[str, set[str]] = {}
        for label, phrases in words.items():
            for phrase in phrases:
                folded = phrase.casefold()
                if _IDEOGRAPH.search(folded):
                    self._joined.setdefault(folded, set()).add(label)
                else:
                    self._labels.setdefault(" ".join(_WORD.findall(folded)), set()).add(label)
        self._lasts = {phrase.rsplit(" ", 1)[-1] for phrase in self._labels}

    def before(self, text: str, place: int) -> tuple[frozenset[str], int]:
        """The labels of the nearest cue before a place, and how many characters lie between; none out of reach."""
        first = max(0, place - REACH)
        window = text[first:place]
        if not window.isascii() and _IDEOGRAPH.search(window):
            return self._in_script_without_spaces(window)
        # The window may begin within a word.
        begin = 1 if first and text[first - 1].isalpha() else 0
        matches = list(_WORD.finditer(window))[1 if begin and window[:1].isalpha() else 0 :]
        words = [match[0].casefold() for match in matches]
        last, idle = len(words), 0
        while last and words[last - 1] in self._fillers:
            last -= 1
            idle = len(window) - matches[last].start()
        for end in range(last, 0, -1):
            if words[end - 1] not in self._lasts:
                continue
            for start in range(max(0, end - _MOST_WORDS), end):
                labels = self._labels.get(" ".join(words[start:end]))
                if labels:
                    return frozenset(labels), len(window) - idle - matches[end - 1].end()
        return frozenset(), REACH

    def _in_script_without_spaces(self, window: str) -> tuple[frozenset[str], int]:
        folded = window.casefold()
        places = [
            (folded.rfind(phrase) + len(phrase), len(phrase), phrase) for phrase in self._joined if phrase in folded
        ]
        if places:
            end, _, phrase = max(places)
            return frozenset(self._joined[phrase]), len(folded) - end
        word = (_WORD.findall(folded) or [""])[-1]
        return frozenset(self._labels.get(word, ())), len(folded) - folded.rfind(word) - len(word)
