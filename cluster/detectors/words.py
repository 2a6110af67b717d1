"""Column and table names as words: the only way in which a name may count as evidence is by whole words."""

import re
from functools import lru_cache

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|[0-9]+")
_LONGEST_PHRASE = 5


@lru_cache(maxsize=8192)
def split_name(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `homePhone_No2` gives home, phone, no, 2. Non-ASCII letters separate."""
    return tuple(part.lower() for part in _PARTS.findall(name))


@lru_cache(maxsize=8192)
def phrases_of(name: str) -> frozenset[str]:
    """Every run of up to five neighbouring words, joined: `date_of_birth` holds date, of, dateof ... dateofbirth."""
    words = split_name(name)
    return frozenset(
        "".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + _LONGEST_PHRASE) + 1)
    )


def joined(phrase: str) -> str:
    """The form in which a phrase of a pack is looked up among `phrases_of`: `date of birth` is dateofbirth."""
    return "".join(split_name(phrase))
