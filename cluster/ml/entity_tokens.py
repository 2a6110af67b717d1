"""What the token classifier sees of a text: word pieces, and the shape of the word that each is of.

The encoder knows no capitals and no line breaks, which matter most for names and addresses, so they are given beside
the pieces: the shape of the word (small, Capital, CAPITALS, digits, ...) and what stands before it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cluster.errors import ModelUnusable

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

KINDS = ("full", "given", "family", "street", "city", "postal", "county", "org", "country", "state")
LABELS = ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI"))
SHAPES = 30  # ten shapes of a word, three kinds of gap before it; 0 is no word
LAID = ("[CLS]", "[SEP]")


@dataclass(frozen=True)
class Tokens:
    """A text as pieces: arrays of ids and shapes [pieces], and of each word its first piece and its code points."""

    ids: NDArray[np.int64]
    shapes: NDArray[np.int64]
    first: NDArray[np.int64]
    words: tuple[tuple[int, int], ...]


def tokens_of(text: str, encoding: "Encoding") -> Tokens:
    """The pieces of an encoding that was made without special tokens."""
    first: list[int] = []
    words: list[tuple[int, int]] = []
    shapes = np.zeros(len(encoding.ids), np.int64)
    current, before = None, 0
    for piece, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word != current or not words:
            current = word
            first.append(piece)
            before = words[-1][1] if words else 0
            words.append((start, end))
        else:
            words[-1] = (words[-1][0], end)
    limits = [*first[1:], len(encoding.ids)]
    before = 0
    for position, (start, end) in enumerate(words):
        shapes[first[position] : limits[position]] = shape_of(text[start:end], text[before:start])
        before = end
    return Tokens(np.asarray(encoding.ids, np.int64), shapes, np.asarray(first, np.int64), tuple(words))


def shape_of(word: str, gap: str) -> int:
    """From 0 to 29: the shape of a word, and whether nothing, blanks or a line break stands before it."""
    return _shape(word) + 10 * (0 if not gap else 2 if "\n" in gap or "\t" in gap else 1)


def _shape(word: str) -> int:
    if word.isalpha():
        if word.islower():
            return 1
        if word.isupper():
            return 4 if len(word) == 1 else 3
        if word.istitle():
            return 2
        return 5 if word.lower() != word else 9
    if word.isdigit():
        return 6
    return 7 if word.isalnum() else 8


def windows(length: int, width: int, overlap: int, begins: Sequence[int] = ()) -> list[tuple[int, int, int, int]]:
    """Windows over a sequence as (start, end, kept from, kept to): each position is kept by exactly one of them.

    A window ends where a sentence begins, one of `begins` in order, if one does in its last two thirds; else the next
    one begins before its end, so that what stands at the cut is seen whole by one of the two.
    """
    found: list[tuple[int, int, int, int]] = []
    start = kept = 0
    while length - start > width:
        place = bisect_right(begins, start + width)
        cut = begins[place - 1] if place and begins[place - 1] > start + width // 3 else 0
        if cut:
            found.append((start, cut, kept, cut))
            start = kept = cut
        else:
            until = start + width - overlap // 2
            found.append((start, start + width, kept, until))
            start, kept = start + width - overlap, until
    return [*found, (start, length, kept, length)]


def sentence_begins(tokens: Tokens, stops: frozenset[int]) -> list[int]:
    """The pieces at which a line begins, or a sentence: behind a blank that follows one of the pieces `stops`."""
    gaps = tokens.shapes[tokens.first] // 10
    return [
        int(piece)
        for piece, gap in zip(tokens.first, gaps, strict=True)
        if gap == 2 or (gap == 1 and piece and int(tokens.ids[piece - 1]) in stops)
    ]


def special_ids(tokenizer: "Tokenizer") -> tuple[int, int]:
    """The ids that begin and end each window."""
    begin, end = (tokenizer.token_to_id(name) for name in LAID)
    if begin is None or end is None:
        raise ModelUnusable("The tokenizer knows no [CLS] or [SEP].", "Train the token classifier anew.")
    return begin, end


def labelled(words: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int, str]]) -> list[int]:
    """The label of each word: B for the first word of a span, I for its others; one half inside a span is outside."""
    labels = [0] * len(words)
    position = 0
    for start, end, kind in spans:
        while position < len(words) and words[position][0] < start:
            position += 1
        mark = "B"
        while position < len(words) and words[position][1] <= end:
            labels[position] = LABELS.index(f"{mark}-{kind}")
            mark, position = "I", position + 1
    return labels
