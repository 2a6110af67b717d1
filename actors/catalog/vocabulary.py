"""The words that documents hold, so that what a person mistyped is found, and the phrases that names mean.

A word is kept with its variants: itself, and itself with one letter left out (W. Garbe's symmetric delete spelling).
Two words of which a variant is the same differ by at most two edits, so that one look into an index finds the
candidates, whichever of the two has the error. Words are never taken out: one that occurs no more leads to nothing.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from actors.catalog.search_tables import Phrase, Word

LONGEST: Final = 40
SHORTEST: Final = 4  # a shorter word is one error away from too many others
COMPLETIONS: Final = 64
CORRECTIONS: Final = 8
CHUNK: Final = 5_000
LONGEST_PHRASE: Final = 200


def variants(word: str) -> list[str]:
    """The word, and the word without each of its letters."""
    return sorted({word, *(word[:i] + word[i + 1 :] for i in range(len(word)))})


def learn(session: Session, words: Iterable[str]) -> None:
    """Adds words that are not known yet."""
    fresh = sorted({word for word in words if SHORTEST <= len(word) <= LONGEST and not word.isdigit()})
    for start in range(0, len(fresh), CHUNK):
        some = fresh[start : start + CHUNK]
        known = set(session.scalars(select(Word.word).where(Word.word.in_(some))))
        rows = [{"word": word, "variants": variants(word)} for word in some if word not in known]
        if rows:
            session.execute(insert(Word).on_conflict_do_nothing(), rows)


def learn_phrases(session: Session, phrases: Iterable[str]) -> dict[str, int]:
    """The numbers of phrases, those that are new included."""
    wanted = sorted(set(phrases))
    numbers: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        known = select(Phrase.text, Phrase.id).where(Phrase.text.in_(some))
        numbers |= dict(session.execute(known).all())
        rows = [{"text": text, "model": None, "vector": None} for text in some if text not in numbers]
        if rows:
            session.execute(insert(Phrase).on_conflict_do_nothing(), rows)
            numbers |= dict(session.execute(known).all())
    return numbers


def completions(session: Session, prefix: str) -> list[str]:
    """Known words that begin so, the shortest first; 64 at most."""
    statement = select(Word.word).where(Word.word.startswith(prefix, autoescape=True))
    return list(session.scalars(statement.order_by(func.length(Word.word), Word.word).limit(COMPLETIONS)))


def begins_any(session: Session, prefix: str) -> bool:
    """Whether a known word begins so."""
    statement = select(Word.word).where(Word.word >= prefix).order_by(Word.word).limit(1)
    found = session.scalars(statement).first()
    return found is not None and found.startswith(prefix)


def corrections(session: Session, word: str) -> list[str]:
    """Known words that a person may have meant: one edit away, or two where the word has seven letters or more.

    An edit is a letter added, left out, replaced, or swapped with its neighbour. The nearest alone are given.
    """
    if not SHORTEST <= len(word) <= LONGEST:
        return []
    asked = bindparam("asked", variants(word), ARRAY(String))
    near = session.scalars(select(Word.word).where(Word.variants.bool_op("&&")(asked)).limit(2_000))
    most = 2 if len(word) >= 7 else 1
    apart = [(distance, other) for other in near if (distance := edits(word, other, most)) <= most]
    if not apart:
        return []
    nearest = min(apart)[0]
    return sorted(other for distance, other in apart if distance == nearest)[:CORRECTIONS]


def edits(one: str, other: str, most: int) -> int:
    """The optimal string alignment distance of two words; `most + 1` where it is more than `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = above, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
