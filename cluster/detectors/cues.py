"""Words that announce what follows them: `my IBAN is`, `geboren am`, `order no`."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final, NamedTuple

REACH: Final = 48
_WORD: Final = re.compile(r"[^\W\d_]+")
_WORDS: Final = re.compile(f"({_WORD.pattern})")
_IDEOGRAPH: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_BLOCK: Final = 4_000  # characters whose words are kept at once
_NOTHING: Final[frozenset[str]] = frozenset()

Labels = frozenset[str]


class Cues:
    """Labels by their words. Of several words before a place the nearest one counts, and the longest at that.

    `fillers` may stand between a cue and what it announces: `is`, `number`.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], fillers: Iterable[str] = ()) -> None:
        self.fillers = frozenset(word.casefold() for word in fillers)
        labels: dict[str, set[str]] = {}
        joined: dict[str, set[str]] = {}
        for label, phrases in words.items():
            for phrase in phrases:
                folded = phrase.casefold()
                if _IDEOGRAPH.search(folded):
                    joined.setdefault(folded, set()).add(label)
                else:
                    labels.setdefault(self._without_fillers(_WORD.findall(folded)), set()).add(label)
        self._labels: dict[str, Labels] = {phrase: frozenset(some) for phrase, some in labels.items()}
        self._joined: dict[str, Labels] = {phrase: frozenset(some) for phrase, some in joined.items()}
        # By the last word how many words the phrases have that end with it, the most first.
        counts: dict[str, set[int]] = {}
        for phrase in self._labels:
            words_of = phrase.split(" ")
            counts.setdefault(words_of[-1], set()).add(len(words_of))
        self.lasts = {word: sorted(some, reverse=True) for word, some in counts.items()}

    def _without_fillers(self, words: list[str]) -> str:
        """The phrase without fillers at its end, which are passed over before a cue is looked for."""
        while len(words) > 1 and words[-1] in self.fillers:
            words.pop()
        return " ".join(words)

    def ending_at(self, words: list[str], last: int) -> list[tuple[int, Labels]]:
        """The cues whose last word is this one: the number of their first word, and their labels; the longest first."""
        found = []
        for count in self.lasts[words[last]]:
            first = last + 1 - count
            if first >= 0:
                labels = self._labels.get(words[last] if count == 1 else " ".join(words[first : last + 1]))
                if labels:
                    found.append((first, labels))
        return found

    def in_script_without_spaces(self, window: str) -> tuple[Labels, int]:
        """The labels of the last cue of a window whose words are not apart, and how far from its end it ends."""
        folded = window.casefold()
        places = [
            (folded.rfind(phrase) + len(phrase), len(phrase), phrase) for phrase in self._joined if phrase in folded
        ]
        if places:
            end, _, phrase = max(places)
            return self._joined[phrase], len(folded) - end
        word = (_WORD.findall(folded) or [""])[-1]
        return self._labels.get(word, _NOTHING), len(folded) - folded.rfind(word) - len(word)


class _Block(NamedTuple):
    """The words of a part of the text, folded, and where they are."""

    begin: int
    end: int
    starts: list[int]
    ends: list[int]
    words: list[str]


_NONE: Final = _Block(0, -1, [], [], [])


class CuesOfText:
    """The cues of one text; its words are read once, block by block, as places are asked for in order."""

    def __init__(self, cues: Cues, text: str) -> None:
        self._cues, self._text, self._block = cues, text, _NONE

    def before(self, place: int) -> tuple[Labels, int]:
        """The labels of the nearest cue before a place, and how many characters lie between; none out of reach."""
        first = max(0, place - REACH)
        window = self._text[first:place]
        if not window.isascii() and _IDEOGRAPH.search(window):
            return self._cues.in_script_without_spaces(window)
        if not self._block.begin <= first or place > self._block.end:
            self._block = self._read(first)
        block = self._block
        starts, words, fillers, lasts = block.starts, block.words, self._cues.fillers, self._cues.lasts
        last = count = bisect_left(starts, place)
        while last and words[last - 1] in fillers and starts[last - 1] >= first:
            last -= 1
        until = starts[last] if last < count else place
        word = last - 1
        while word >= 0 and starts[word] >= first:
            if words[word] in lasts:
                for start, labels in self._cues.ending_at(words, word):
                    if starts[start] >= first:
                        return labels, until - block.ends[word]
            word -= 1
        return _NOTHING, REACH

    def _read(self, begin: int) -> _Block:
        text, end = self._text, begin + _BLOCK
        parts = _WORDS.split(text[begin : end + REACH])  # what is between words, and words, by turns
        places = list(accumulate(map(len, parts), initial=begin))
        first = 1
        if begin and not parts[0] and text[begin - 1].isalpha():
            first = 3  # the end of a word
        words = list(map(str.casefold, parts[first::2]))
        return _Block(begin, end, places[first:-1:2], places[first + 1 :: 2], words)
