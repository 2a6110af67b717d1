"""What the name of a column means, in any wording: nearness of its words to the wordings of classes (tier 3).

A name is split into words, abbreviations are spelled out, and the phrase is compared with every wording of every class
and of what is of no class (`configs/meanings.yaml`). The probability comes from a logistic model of three figures: the
nearness of the best class, its lead over what is of no class, and its lead over the next class. A name that lies
nearer to something of no class gets no guess: that is the honest none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cluster.ml.guess import Guess
from cluster.ml.wordings import LONGEST_DESCRIPTION, Meanings, load_meanings, phrase_of, singular, words_of

LEAST = 0.05  # a guess less probable than this is not told
MOST = 3  # guesses of one column
NEIGHBOURS = 8
WEIGHTS = (0.7, 0.2, 0.1)  # how much the name alone, the table and the neighbours count
VAGUE_WEIGHTS = (0.15, 0.6, 0.25)  # the same for a name that says nothing without its table, or that is described


class Embeds(Protocol):
    """What makes vectors of unit length of texts."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dimensions]."""
        ...


@dataclass(frozen=True)
class Column:
    """What is known of a column without its values."""

    name: str
    table: str = ""
    neighbours: tuple[str, ...] = ()
    description: str = ""


class Meaning:
    """The wordings as vectors. Made once for an embedder; threads may share it."""

    def __init__(self, embedder: Embeds, meanings: Meanings | None = None) -> None:
        self._embedder = embedder
        self._told = meanings or load_meanings().value
        wordings = [(name, text) for name, texts in self._told.classes.items() for text in texts]
        wordings += [("", text) for text in self._told.none]
        self.classes = ("", *self._told.classes)
        self.owners = np.array([self.classes.index(name) for name, _ in wordings])
        self.texts = [text for _, text in wordings]
        self.vectors = embedder.embed([text.lower() for text in self.texts])

    @property
    def embedder(self) -> Embeds:
        """What makes the vectors."""
        return self._embedder

    def match(
        self, name: str, table: str = "", neighbours: Sequence[str] = (), description: str = ""
    ) -> tuple[Guess, ...]:
        """Up to three classes, the most probable first; none if the name means something of no class, or nothing."""
        return self.match_all([Column(name, table, tuple(neighbours), description)])[0]

    def match_all(self, columns: Sequence[Column]) -> list[tuple[Guess, ...]]:
        """The same for many columns, embedded together."""
        about = self._about([phrase_of(column.name, self._told) for column in columns])
        silent = [not (words_of(column.name) or column.description) for column in columns]
        return [
            () if told or nothing else self._guesses(near)
            for told, nothing, near in zip(about, silent, self.nearness(columns), strict=True)
        ]

    def _about(self, phrases: Sequence[str]) -> list[bool]:
        """Whether a phrase says something about a thing: it has such a word, and is nearer to a class without it."""
        bare = [" ".join(word for word in phrase.split() if word not in self._told.about) for phrase in phrases]
        doubtful = [row for row, (whole, rest) in enumerate(zip(phrases, bare, strict=True)) if rest and whole != rest]
        told = [False] * len(phrases)
        if doubtful:
            classes = self.vectors[self.owners > 0]
            whole = self._embedder.embed([phrases[row] for row in doubtful]) @ classes.T
            rest = self._embedder.embed([bare[row] for row in doubtful]) @ classes.T
            for row, with_word, without in zip(doubtful, whole.max(1), rest.max(1), strict=True):
                told[row] = bool(without > with_word)
        return told

    def nearness(self, columns: Sequence[Column], without: Sequence[int] | None = None) -> NDArray[np.float64]:
        """[columns, classes]: cosine of the best wording of each class; class 0 is what is of no class.

        `without` names for each column a wording that does not count, for calibration.
        """
        phrases = [phrase_of(column.name, self._told) for column in columns]
        vague = [
            bool(each.description) or (phrase in self._told.vague and bool(each.table))
            for phrase, each in zip(phrases, columns, strict=True)
        ]
        weights = np.array([VAGUE_WEIGHTS if each else WEIGHTS for each in vague])
        views = (phrases, [self._in_table(each) for each in columns], [self._among(each) for each in columns])
        total = np.zeros((len(columns), len(self.texts)))
        for position, texts in enumerate(views):
            total += weights[:, position, None] * (self._embedder.embed(texts) @ self.vectors.T)
        for row, wording in enumerate(without or ()):
            total[row, wording] = -1.0
        best = np.full((len(columns), len(self.classes)), -1.0)
        for wording, owner in enumerate(self.owners):
            best[:, owner] = np.maximum(best[:, owner], total[:, wording])
        return best

    def _in_table(self, column: Column) -> str:
        phrase = phrase_of(column.name, self._told)
        if column.description:
            return f"{phrase}: {column.description[:LONGEST_DESCRIPTION]}"
        return f"{singular(phrase_of(column.table, self._told))} {phrase}" if column.table else phrase

    def _among(self, column: Column) -> str:
        phrase = phrase_of(column.name, self._told)
        beside = [phrase_of(each, self._told) for each in column.neighbours if each != column.name][:NEIGHBOURS]
        return f"{phrase} ({', '.join(beside)})" if beside else phrase

    def _guesses(self, nearness: NDArray[np.float64]) -> tuple[Guess, ...]:
        order = [int(each) for each in np.argsort(-nearness[1:])[:MOST] + 1]
        told: list[Guess] = []
        left = 1.0
        for candidate in order:
            if nearness[candidate] <= nearness[0]:
                break
            chance = min(self._told.calibration.probability(figures(nearness, candidate)), left)
            if chance < LEAST:
                break
            left -= chance
            named, cosine, rival = self.classes[candidate], nearness[candidate], nearness[0]
            reason = f"the name is near in meaning to {named} (cosine {cosine:.2f}; to what is of no class {rival:.2f})"
            told.append(Guess(data_class=named, probability=round(chance, 4), tier="language", reasons=(reason,)))
        return tuple(told)


def figures(nearness: NDArray[np.float64], candidate: int) -> NDArray[np.float64]:
    """(nearness of the candidate, its lead over what is of no class, its lead over the best other class)."""
    others = np.delete(nearness, [0, candidate])
    return np.array([nearness[candidate], nearness[candidate] - nearness[0], nearness[candidate] - others.max()])
