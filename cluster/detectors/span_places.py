"""Places in a text where something could begin: at digits, at codes, and near the words that a form needs."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_DIGITS: Final = re.compile(r"[0-9]+")
_RUN: Final = re.compile(r"[+(]{0,2}[0-9](?:[0-9]|[ \u00a0.\-/()]{1,2}(?=[0-9(]))*+")
_LETTERS_BEFORE: Final = re.compile(r"(?:[A-ZÄÖÜ]{1,3}-)?[A-Za-z]{1,6}[ \-]?\Z")
_BLANK: Final = re.compile(r"\s")
_NO_START: Final = frozenset(".,-/+$&%€£")
_LONGEST_CODE: Final = 64
LONG: Final = 4_000  # characters from which on a text is searched only near what a form needs
_NEAR: Final = 200


def runs_of_digits(text: str) -> Iterator[tuple[int, int, int]]:
    """For each group of digits that begins a run or stands behind a mark in one: where it begins, where the run of
    groups ends, and how many digits the run has; 0 digits where no number may begin."""
    run_end = width = -1
    for group in _DIGITS.finditer(text):
        start = group.start()
        if start >= run_end:
            run = _RUN.match(text, start)
            run_end, width = (run.end(), _count(run[0])) if run else (group.end(), 0)
            yield start, -1, width
        elif not text[start - 1].isalnum():
            yield start, run_end, run_end - start
        else:
            yield start, run_end, 0


def digits_in(text: str, start: int, run: int, width: int) -> int:
    """The digits from here to the end of the run, where they are not known yet, up to more than any number has."""
    return width if run < 0 else _count(text[start : min(run, start + _LONGEST_CODE)])


def number_start(text: str, start: int) -> int | None:
    """Where the number of these digits may begin, with a plus or brackets; None within a word or another number."""
    begin = start
    while begin and start - begin < 2 and text[begin - 1] in "+(":
        begin -= 1
    if begin and (_wordy(text[begin - 1]) or text[begin - 1] in _NO_START):
        return None
    return begin


def code_starts(text: str, start: int) -> Iterator[int]:
    """Where a run of letters and digits begins that holds these digits, or that stands right before them."""
    begin = start
    while begin and start - begin < _LONGEST_CODE and (text[begin - 1].isascii() and text[begin - 1].isalnum()):
        begin -= 1
    before = _LETTERS_BEFORE.search(text, max(0, begin - 12), begin)
    if before and (before.start() == 0 or not _wordy(text[before.start() - 1])):
        yield before.start()
    if (begin == 0 or not _wordy(text[begin - 1])) and start - begin < _LONGEST_CODE:
        yield begin


def stretches(low: str, words: Sequence[str], text: str, *, whole: bool) -> list[tuple[int, int]]:
    """The parts of a text to search: all of a short one, of a long one what is near one of the words.

    `low` is the text in small letters; where those are more letters than the text has, all of it is searched.
    """
    if len(text) <= LONG or whole or len(low) != len(text):
        return [(0, len(text))]
    found: list[tuple[int, int]] = []
    end = 0
    for place in sorted(place for word in words for place in _places(low, word)):
        if found and place - _NEAR <= end:
            end = max(end, place + _NEAR)
            found[-1] = (found[-1][0], end)
        else:
            end = place + _NEAR
            found.append((max(0, place - _NEAR), end))
    return [(_to_blank(text, start, -1), _to_blank(text, end, 1)) for start, end in found]


def _places(low: str, word: str) -> Iterator[int]:
    place = low.find(word)
    while place >= 0:
        yield place
        place = low.find(word, place + _NEAR // 2)


def _to_blank(text: str, place: int, step: int) -> int:
    """A place that cuts no word, unless it is a very long one: on from here to the next blank, or back to the last."""
    if step > 0:
        limit = min(place + LONG, len(text))
        blank = _BLANK.search(text, min(place, limit), limit)
        return blank.start() if blank else limit
    limit = max(0, place - LONG)
    while place > limit and not text[place - 1].isspace():
        place -= 1
    return place


def _count(text: str) -> int:
    return sum(map(str.isdigit, text))


def _wordy(char: str) -> bool:
    """Whether a word goes on; scripts without spaces between words join on to anything."""
    return char == "_" or (char.isalnum() and char < "\u2e80")
