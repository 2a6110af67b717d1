"""What an asset is about, in phrases: its name, its columns, what people and the source say, and its labels in words.

Many assets share a phrase, so that few texts need a vector however many assets there are. A document names its phrases
by lexemes ("~17") that no text a person types can hold.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from actors.catalog.vocabulary import LONGEST_PHRASE
from cluster.ml.wordings import load_meanings, phrase_of, singular
from cluster.naming import table_of

MOST: Final = 60  # phrases of one asset
DOCUMENT: Final = "~v3"  # what every document says of how it was made; raise it, and all are made anew


def lexeme(number: int) -> str:
    """How a document names a phrase."""
    return f"~{number}"


def named(name: str) -> str:
    """How a document says what its asset is called; the name is one of `search.same_name`."""
    return f"={name}"


def phrases(
    name: str, columns: Iterable[str], texts: Iterable[str | None], classes: Iterable[tuple[str, str]]
) -> list[str]:
    """The phrases of an asset, at most 60 of them.

    `classes` are pairs of a column and its class. "customers" with a column "phone_no" is about "customers", "phone
    number" and "customer phone number".
    """
    return list(dict.fromkeys(_phrases(name, columns, texts, classes)))[:MOST]


def _phrases(
    name: str, columns: Iterable[str], texts: Iterable[str | None], classes: Iterable[tuple[str, str]]
) -> Iterator[str]:
    told = load_meanings().value
    table = phrase_of(table_of(name) or name, told)
    owner = singular(table)
    yield table[:LONGEST_PHRASE]
    for text in texts:
        if text and text.strip():
            yield " ".join(text.split())[:LONGEST_PHRASE]
    for data_class in dict.fromkeys(data_class for _, data_class in classes):
        wordings = told.classes.get(data_class)
        if wordings:
            yield f"{owner} {wordings[0].lower()}"[:LONGEST_PHRASE]
    for column in columns:
        phrase = phrase_of(column, told)
        yield f"{owner} {phrase}"[:LONGEST_PHRASE]
