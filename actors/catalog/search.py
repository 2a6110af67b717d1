"""Full-text search of the catalog: which words a name is made of, and what is asked by what a person typed.

Names are split at every change of case and at everything that is no letter or digit, because that is how people
remember them: `customerEmail_2` is found by "email". The undivided name is a word too.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from actors.catalog import languages

MOST_WORDS = 20
LONGEST_WORD = 100
LONGEST_PART = 100_000  # bytes of one weight; a tsvector must stay below 1 MiB

_RUN = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])")
_POSSESSIVE = re.compile(r"['\u2019]s?(?=\s|$)")
_MAIL = re.compile(r"\be-mail", re.IGNORECASE)
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


class Term(NamedTuple):
    """One thing that is asked for: words that must all occur (`phrase`: that follow each other), or must not."""

    words: tuple[str, ...]
    phrase: bool = False
    excluded: bool = False


class Question(NamedTuple):
    """What a person typed: alternatives ("or"), each of terms that must all hold. `explicit` if operators were used."""

    alternatives: tuple[tuple[Term, ...], ...]
    explicit: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The words that may be completed or corrected."""
        return tuple(
            word for terms in self.alternatives for term in terms if not (term.phrase or term.excluded)
            for word in term.words
        )  # fmt: skip


def understood(text: str) -> Question:
    """The question in what a person typed; without alternatives if it holds no word.

    "quoted words" follow each other; a leading minus excludes; "or" between two terms asks for one of them. Words of
    asking ("where are the ...") are left out unless there are no others.
    """
    alternatives: list[list[Term]] = [[]]
    explicit = False
    for minus, quoted, plain in _TERM.findall(_MAIL.sub("email", text))[:MOST_WORDS]:
        if plain.lower() == "or" and alternatives[-1] and not minus:
            alternatives.append([])
            continue
        words = _parts(quoted or plain)
        explicit = explicit or bool(minus or quoted)
        if words:
            alternatives[-1].append(Term(words, bool(quoted), bool(minus)))
    explicit = explicit or len(alternatives) > 1
    kept = [terms if explicit else _essential(terms) for terms in alternatives if terms]
    return Question(tuple(map(tuple, kept)), explicit)


def _essential(terms: list[Term]) -> list[Term]:
    told = [term for term in terms if not all(map(languages.asks, term.words))]
    return told or terms


def _parts(text: str) -> tuple[str, ...]:
    text = _POSSESSIVE.sub("", text)
    parts = [part.lower()[:LONGEST_WORD] for run in _RUN.findall(text) for part in _HUMP.split(run) if part]
    return tuple(parts[:MOST_WORDS])


def strict(question: Question, forms: Mapping[str, Sequence[str]]) -> str:
    """A tsquery for which every term of an alternative must hold, "" where there is none.

    `forms` are what a word may stand as, each a word or the beginning of one with ":*"; without an entry a word is the
    beginning of words. Words are letters and digits only, so nothing in them is an operator.
    """
    joined = (" & ".join(_term(term, forms) for term in terms) for terms in question.alternatives)
    return " | ".join(f"({each})" for each in joined if each)


def relaxed(question: Question, forms: Mapping[str, Sequence[str]]) -> str:
    """A tsquery for which one word is enough."""
    return " | ".join(dict.fromkeys(_word(word, forms) for word in question.words))


def _term(term: Term, forms: Mapping[str, Sequence[str]]) -> str:
    if term.phrase:
        made = f"({' <-> '.join(term.words)})"
    elif term.excluded:
        made = f"({' & '.join(f'{word}:*' for word in term.words)})"
    else:
        made = f"({' & '.join(_word(word, forms) for word in term.words)})"
    return f"!{made}" if term.excluded else made


def _word(word: str, forms: Mapping[str, Sequence[str]]) -> str:
    return f"({' | '.join(forms.get(word) or (f'{word}:*',))})"


def stem(word: str) -> str:
    """The word without an English plural ending; the beginning of both forms."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3]
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def english(text: str) -> str:
    """The question as a model of English understands it: words of other languages as the words that they stand for."""
    words = [word for terms in understood(text).alternatives for term in terms for word in term.words]
    if not any(map(languages.foreign, words)):
        return text
    return " ".join(other for word in words for other in (languages.meant(word) or (word,)))


def same_name(name: str) -> str:
    """A form in which ways of writing a name are one: "Customer_Emails" and "customer email" are "customeremail"."""
    joined = "".join(_RUN.findall(name)).lower()[:LONGEST_WORD]
    return f"{joined[:-3]}y" if len(joined) > 4 and joined.endswith("ies") else stem(joined)
