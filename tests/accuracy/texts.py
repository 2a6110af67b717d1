"""Running texts with what stands in them: templates of these sets filled with values of mimesis and `data/`."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from tests.accuracy import numbers_made, people, secrets_made
from tests.accuracy.data_files import data, of_language
from tests.accuracy.makers import DATE_FORMS, values_of
from tests.accuracy.masks import fill

_SLOT: Final = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")
_FORMS: Final = ("as it is", "as it is", "as it is", "lower case", "no punctuation", "slips")
Piece = tuple[str, str | None]


@dataclass(frozen=True)
class Gold:
    """What stands from `start` to before `end`, in code points."""

    start: int
    end: int
    data_class: str


@dataclass(frozen=True)
class Text:
    content: str
    gold: tuple[Gold, ...]
    language: str
    genre: str
    form: str


def texts(fills: int, seed: int = 4) -> list[Text]:
    """Each template filled so many times, each time with other values and often in another form."""
    made = []
    for language, genre, template in _templates():
        for turn in range(fills):
            rng = random.Random(f"{seed} {template} {turn}")
            form = rng.choice(_FORMS)
            made.append(_joined(_formed(rng, _filled(rng, template, language), form), language, genre, form))
    return made


def _templates() -> Iterator[tuple[str, str, str]]:
    english = dict(data("texts/english"))
    language = english.pop("language")
    yield from ((language, genre, template) for genre, some in english.items() for template in some)
    yield from ((name, "mixed", template) for name, some in data("texts/others").items() for template in some)


def _filled(rng: random.Random, template: str, language: str) -> list[Piece]:
    labels, pieces, done = data("text_slots")["labelled"], [], 0
    for slot in _SLOT.finditer(template):
        pieces.append((template[done : slot.start()], None))
        name = slot[1]
        pieces.append((_value(rng, name, language), labels.get(name)) if name else (slot[0][0], None))
        done = slot.end()
    return [*pieces, (template[done:], None)]


def _value(rng: random.Random, name: str, language: str) -> str:
    slots = data("text_slots")
    if name in slots["masks"]:
        return fill(rng, rng.choice(slots["masks"][name]))
    if name in slots["lists"]:
        return str(rng.choice(of_language(slots["lists"][name], language)))
    if name in {"full", "given", "family"}:
        who = people.someone(rng, language)
        return {"full": f"{who.given} {who.family}", "given": who.given, "family": who.family}[name]
    return _of_class(rng, name, language)


def _of_class(rng: random.Random, name: str, language: str) -> str:
    if name == "city":
        return people.town(rng, language)
    if name == "street":
        return people.street(rng, language)
    if name == "dob":
        born = date(1940, 1, 1) + timedelta(days=rng.randrange(25_000))
        return born.strftime(rng.choice(of_language(DATE_FORMS, language)[:3]))
    if name == "cf":
        return numbers_made.fiscal_codes(rng, language, 1)[0]
    if name == "dsn":
        return secrets_made.connection_string(rng)
    return str(values_of(rng, data("text_slots")["labelled"][name], language, 1)[0])


def _formed(rng: random.Random, pieces: list[Piece], form: str) -> list[Piece]:
    """The text as somebody in a hurry types it. Labelled values keep their letters; names lose their capitals."""
    if form == "lower case":
        return [(text.lower() if _may_be_lower(text, label) else text, label) for text, label in pieces]
    if form == "no punctuation":
        return [(text if label else re.sub(r"[.,;:!?—]+(?=\s|$)", "", text), label) for text, label in pieces]
    if form == "slips":
        return [(text if label else _slipped(rng, text), label) for text, label in pieces]
    return pieces


def _may_be_lower(text: str, label: str | None) -> bool:
    words = label is None or label.startswith(("person.", "location.", "organisation.")) or label == "contact.email"
    return words and len(text.lower()) == len(text)


def _slipped(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    for place, word in enumerate(words):
        if word.isalpha() and len(word) > 4 and rng.random() < 0.15:
            cut = rng.randrange(1, len(word) - 1)
            words[place] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    return " ".join(words)


def _joined(pieces: list[Piece], language: str, genre: str, form: str) -> Text:
    content, gold = "", []
    for text, label in pieces:
        if label:
            gold.append(Gold(len(content), len(content) + len(text), label))
        content += text
    return Text(content, tuple(gold), language, genre, form)
