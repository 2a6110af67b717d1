"""Names of columns that were written together or without vowels: `dateofbirth`, `EMPLYNM`, `BRTH_DT`.

The words are those of the installed packs: a run of letters is taken apart only where all of it is such words, and a
word without vowels stands for the one word of them that it can be.
"""

import re
from functools import cache, lru_cache
from typing import Final

_LEAST: Final = 7  # shorter words are words
_SHORT: Final = frozenset({"no", "nr", "id", "cd", "dt", "nm", "of", "de", "du", "di", "da", "ip"})
_ENDS: Final = frozenset({"no", "nr", "id", "cd", "dt", "nm"})  # of short words too
_HEADS: Final = frozenset({"veh", "emp", "pat", "stud", "usr", "mbr", "cust", "acct", "addr"})
# Words of their own that can be read as two of those of the packs.
_WHOLE: Final = frozenset(
    {
        *(
            "percentage",
            "mileage",
            "postage",
            "dosage",
            "lineage",
            "passage",
            "package",
            "plantage",
            "voltage",
            "storage",
        ),
        *("middlesex", "surface", "planeta", "parque", "township", "greenland", "finland", "thailand", "concert"),
        *("kontext", "kandidat", "candida", "mexicano", "greenhouse", "carline", "alternativa"),
    }
)
_VOWELS: Final = re.compile("[aeiou]")
# One spelling for words that forms write in many ways.
_SAME: Final = {
    **dict.fromkeys(("no", "nr", "nbr", "num", "nro", "nummer", "numero", "numer"), "number"),
    **{"cd": "code", "dt": "date", "dte": "date", "nm": "name", "addr": "address", "adr": "address", "acct": "account"},
    **{"cust": "customer", "pat": "patient", "emp": "employee", "veh": "vehicle", "usr": "user", "stud": "student"},
}


@cache
def vocabulary() -> dict[str, None]:
    """The words of the names and of the words against them in all installed packs, in their order."""
    from cluster.detectors.compile import load_detector_packs
    from cluster.detectors.words import split_plain

    packs = load_detector_packs()
    texts = [word for pack in packs for word in pack.value.attribute_words]
    texts += [name for pack in packs for d in pack.value.detectors for name in (*d.names, *d.avoid)]
    return {word: None for text in texts for word in split_plain(text) if word.isalpha()}


@cache
def _pieces() -> frozenset[str]:
    return frozenset({word for word in vocabulary() if len(word) > 2} | _SHORT | _HEADS)


@lru_cache(maxsize=8192)
def taken_apart(word: str) -> tuple[str, ...]:
    """The words of which a run of letters is made, as few as there can be; the word itself where it is not."""
    if word in _WHOLE or word in vocabulary() or not word.isalpha():
        return (word,)
    if len(word) < _LEAST:
        head, tail = word[:-2], word[-2:]
        return (head, tail) if len(head) > 2 and head in _pieces() and tail in _ENDS else (word,)
    return _fewest(word) or (word,)


def _fewest(word: str) -> tuple[str, ...] | None:
    best: list[tuple[str, ...] | None] = [None] * (len(word) + 1)
    best[0] = ()
    known = _pieces()
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - 20), end - 1):
            head, piece = best[start], word[start:end]
            if head is None or piece not in known or (start == 0 and piece in _SHORT):
                continue
            made = (*head, piece)
            if best[end] is None or len(made) < len(best[end] or ()):
                best[end] = made
    return best[-1]


def without_vowels(word: str) -> str:
    """The word as mainframes wrote it: its first letter and the consonants of the rest."""
    return word[:1] + _VOWELS.sub("", word[1:])


@cache
def _full() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in vocabulary():
        short = without_vowels(word)
        if len(word) >= 5 and len(short) >= 4 and short != word and word.isascii():
            found.setdefault(short, word)
    return found


def written_out(word: str) -> str:
    """The word that an abbreviation or one without vowels stands for, the first of the packs; else the word itself."""
    if word in _SAME:
        return _SAME[word]
    return word if len(word) < 4 or _VOWELS.search(word[1:]) else _full().get(word, word)
