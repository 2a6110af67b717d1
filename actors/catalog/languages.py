"""Words of questions in six languages (`configs/search.yaml`): those that only ask, and those that say the same as a
word of which names are made.

Words are compared without accents and in small letters; endings of plurals and cases are left out; a word that is put
together of known ones, as German and Dutch do, stands for all of them.
"""

import unicodedata
from functools import cache, lru_cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from cluster.packs import Pack, load_pack

Language = Literal["en", "de", "fr", "es", "it", "nl"]
ENDINGS: Final = ("", "s", "n", "e", "en", "es", "er", "ern", "ne", "nen")
SHORTEST: Final = 3  # letters that are left of a word without its ending, and of a part of a longer word


class Questions(BaseModel):
    """`configs/search.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    asking: dict[Language, frozenset[str]]
    same: dict[str, dict[Language, list[str]]]


@cache
def load_questions() -> Pack[Questions]:
    """The shipped words. Raises PackInvalid."""
    return load_pack("search.yaml", Questions)


@cache
def asking() -> frozenset[str]:
    """The words by which people ask, without accents."""
    return frozenset().union(*load_questions().value.asking.values())


@cache
def _table() -> dict[str, str]:
    same = load_questions().value.same
    told = {plain(word): stands for stands, words in same.items() for each in words.values() for word in each}
    return told | {stands: stands for stands in same}


@cache
def _english() -> frozenset[str]:
    same = load_questions().value.same
    return frozenset(same) | {word for words in same.values() for word in words.get("en", ())}


def plain(word: str) -> str:
    """The word in small letters without accents."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def asks(word: str) -> bool:
    """Whether the word only asks."""
    return plain(word) in asking()


@lru_cache(maxsize=8192)
def meant(word: str) -> tuple[str, ...]:
    """The words of names that a word stands for: "Kundenadressen" is customer and address. None for an unknown one."""
    told = plain(word)
    whole = _without_ending(told)
    if whole is not None:
        return (whole,)
    for cut in range(len(told) - SHORTEST, SHORTEST - 1, -1):
        head, tail = _without_ending(told[:cut]), told[cut:]
        if head is not None and tail in asking():
            return (head,)
        if head is not None and (other := _without_ending(tail)) is not None:
            return (head, other)
    return ()


def _without_ending(word: str) -> str | None:
    for ending in ENDINGS:
        bare = word.removesuffix(ending) if ending else word
        if len(bare) >= SHORTEST and word.endswith(ending) and bare in _table():
            return _table()[bare]
    return None


@lru_cache(maxsize=8192)
def foreign(word: str) -> bool:
    """Whether a known word is none of English, so that a model of English would not know it."""
    told = plain(word)
    return bool(meant(word)) and not any(
        told.endswith(ending) and told.removesuffix(ending) in _english() for ending in ("", "s", "es")
    )
