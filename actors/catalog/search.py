"""Full-text search of the catalog: which words a name is made of, and a query built from what a person typed.

Names are split at every change of case and at everything that is no letter or digit, because that is how people
remember them: `customerEmail_2` is found by "email". The undivided name is a word too.
"""

import re
from collections.abc import Iterable

MOST_WORDS = 20
LONGEST_WORD = 100
LONGEST_PART = 100_000  # bytes of one weight; a tsvector must stay below 1 MiB

_RUN = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])")
_TERM = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


def words(text: str) -> list[str]:
    """The words of a name or a text in lower case, in order, each name also as a whole."""
    found: list[str] = []
    for chunk in text.split():
        runs = _RUN.findall(chunk)
        parts = [part.lower() for run in runs for part in _HUMP.split(run)]
        found.extend(parts)
        wholes = [run.lower() for run in runs] + ["".join(runs).lower()]
        found.extend(whole for whole in dict.fromkeys(wholes) if whole not in parts)
    return [word[:LONGEST_WORD] for word in found if word]


def part(texts: Iterable[str | None]) -> str:
    """One weight of a document: the words of the texts, joined by blanks and bounded in length."""
    joined = " ".join(word for text in texts if text for word in words(text))
    return joined.encode()[:LONGEST_PART].decode(errors="ignore")


def query(text: str) -> str:
    """A tsquery for what a person typed, "" if it holds no word.

    All words must occur, each as the beginning of a word; "quoted words" follow each other; a leading minus excludes;
    "or" between two terms asks for one of them. Words are letters and digits only, so nothing in them is an operator.
    """
    alternatives: list[list[str]] = [[]]
    for minus, quoted, plain in _TERM.findall(text)[:MOST_WORDS]:
        if plain.lower() == "or" and alternatives[-1] and not minus:
            alternatives.append([])
            continue
        term = _term(quoted or plain, phrase=bool(quoted))
        if term:
            alternatives[-1].append(f"!{term}" if minus else term)
    return " | ".join(" & ".join(terms) for terms in alternatives if terms)


def _term(text: str, *, phrase: bool) -> str:
    parts = [part.lower()[:LONGEST_WORD] for run in _RUN.findall(text) for part in _HUMP.split(run) if part]
    if not parts:
        return ""
    if phrase:
        return f"({' <-> '.join(parts)})"
    return f"({' & '.join(f'{word}:*' for word in parts[:MOST_WORDS])})"
