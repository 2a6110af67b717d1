"""Column and table names as words: the only way in which a name may count as evidence is by whole words."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from cluster.detectors.compounds import taken_apart, written_out

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_LONGEST_PHRASE = 5
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
     "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"}
)  # fmt: skip


@lru_cache(maxsize=8192)
def split_name(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `homePhone_No2` gives home, phone, no, 2, and so does `homephoneno2`.

    Letters lose their accents (`Prénom` gives prenom, `Straße` strasse); words of other scripts stay as they are. What
    is written together or without vowels is read as `compounds` says.
    """
    return tuple(written_out(word) for part in split_plain(name) for word in taken_apart(part))


def split_plain(name: str) -> tuple[str, ...]:
    """The words of a name as its writing alone parts them: at signs, digits and humps."""
    return tuple(part.casefold() for part in _PARTS.findall(folded(name)))


@lru_cache(maxsize=8192)
def phrases_of(name: str) -> frozenset[str]:
    """Every run of up to five neighbouring words, joined: `date_of_birth` holds date, of, dateof ... dateofbirth.

    The whole name is there once more behind an equals sign, for phrases that mean something only alone.
    """
    words = split_name(name)
    runs = {
        "".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + _LONGEST_PHRASE) + 1)
    }
    return frozenset(runs | {"=" + "".join(words)} if words else runs)


def folded(text: str) -> str:
    """The text with letters without their accents."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(char for char in plain if not unicodedata.combining(char))


def joined(phrase: str) -> str:
    """The form in which a phrase of a pack is looked up among `phrases_of`: `date of birth` is dateofbirth."""
    return ("=" if phrase.startswith("=") else "") + "".join(split_name(phrase))
