"""Training texts for the entities of free text: templates of several genres and languages, filled, joined and worn.

The same seed gives the same texts. One template in twelve is held out by the digest of its text: no text of training
has it, and the figures of the model card are those of texts made of held-out templates only.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.errors import PackInvalid
from cluster.ml.entity_codes import Piece
from cluster.ml.entity_pools import NATIVE, Lists, Pools
from cluster.ml.entity_values import Values, known_slots
from cluster.packs import load_pack, pack_names

Part = Literal["train", "held_out"]
HELD_OUT = 12
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z_]+)\}")
_TEMPLATES = "training/entities"
_LAX = frozenset({"clauses", "notes", "requests", "forum", "mixed"})  # often written without capitals
_POINTS = str.maketrans("", "", ",.!?;")
_STRAY = (" 😂", " 🙏", "❤️", "!!", "...", " ", "  ", " :)", " xD", "*", '"', " (?)", "\n", " <br>", "\u200b", "\u00a0")
_ALMOST = {"a": "s", "e": "r", "i": "o", "t": "y", "n": "m", "o": "p", "s": "d"}


@dataclass(frozen=True)
class Example:
    """A text and its labelled spans: start, end in code points, label. Spans do not overlap and are in order."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    language: str
    genre: str


class Templates(BaseModel):
    """A file of templates: `[a|b]` is a choice, `{slot}` a value, `{{` and `}}` are braces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    genre: str
    texts: list[str] = Field(min_length=1)


@cache
def all_templates() -> tuple[Templates, ...]:
    """Every file of templates. Raises PackInvalid for a slot or language that is not known."""
    found = [load_pack(name, Templates).value for name in pack_names(_TEMPLATES) if not name.endswith("values.yaml")]
    lists = known_slots()
    for file in found:
        slots = {slot for text in file.texts for slot in _SLOT.findall(text)}
        unknown = slots - lists - _listed()
        if unknown or file.language not in NATIVE:
            raise PackInvalid(
                f"Templates of {file.genre} ({file.language}) use {sorted(unknown)}.", "Correct the slots."
            )
    return tuple(found)


@cache
def _listed() -> frozenset[str]:
    return frozenset(load_pack(f"{_TEMPLATES}/values.yaml", Lists).value.root)


def is_held_out(template: str) -> bool:
    """Whether the template is kept from training."""
    return hashlib.sha256(template.encode()).digest()[0] % HELD_OUT == 0


@cache
def prose() -> tuple[str, ...]:
    """Sentences of English technical prose without a person or a place in them: Python's own help topics."""
    from pydoc_data.topics import topics

    sentences = re.split(r"(?<=[.!?])\s+", " ".join(" ".join(topics.values()).split()))
    return tuple(sentence for sentence in sentences if 20 < len(sentence) < 240 and "*" not in sentence)


class Maker:
    """Makes examples of one part. Weights: English seven times in ten, the other languages share the rest."""

    def __init__(self, pools: Pools, seed: int, part: Part) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - training data, not a secret
        self.values = Values(pools, self.rng)
        self.files = [
            (file, [text for text in file.texts if is_held_out(text) == (part == "held_out")])
            for file in all_templates()
        ]
        self.files = [(file, texts) for file, texts in self.files if texts]
        self.weights = [len(texts) ** 0.5 * (2.5 if file.language == "en" else 1.0) for file, texts in self.files]

    def __iter__(self) -> Iterator[Example]:
        while True:
            yield self.make()

    def make(self) -> Example:
        """One text of one to five templates of one file, sometimes worn."""
        file, texts = self.rng.choices(self.files, self.weights)[0]
        pieces: list[Piece] = []
        for number in range(self.rng.choice([1, 1, 1, 2, 2, 3, 4, 5])):
            if number:
                pieces.append((self.rng.choice([" ", " ", "\n", "\n\n", " - "]), None))
            if self.rng.random() < 0.05 and file.language == "en":
                pieces.append((self.rng.choice(prose()), None))
            else:
                pieces += self._filled(self.rng.choice(texts), file.language)
        text, spans = joined(self._worn(pieces))
        return Example(self._cased(text, file.genre), spans, file.language, file.genre)

    def _filled(self, template: str, language: str) -> list[Piece]:
        while found := _CHOICE.search(template):
            chosen = self.rng.choice(found[1].split("|"))
            template = template[: found.start()] + chosen + template[found.end() :]
        pieces: list[Piece] = []
        position = 0
        for slot in _SLOT.finditer(template):
            pieces.append((_plain(template[position : slot.start()]), None))
            pieces += self.values.of(slot[1], language)
            position = slot.end()
        return [*pieces, (_plain(template[position:]), None)]

    def _worn(self, pieces: list[Piece]) -> list[Piece]:
        """Typing errors in what is not an entity, lost punctuation, single entities in capitals or small letters."""
        if self.rng.random() < 0.7:
            return pieces
        kind = self.rng.random()
        if kind < 0.12:
            return [part for piece in pieces for part in (piece, *self._between(piece))]
        worn: list[Piece] = []
        for text, label in pieces:
            if label is None and kind < 0.35:
                worn.append(("".join(self._mistyped(letter) for letter in text), None))
            elif label is None and kind < 0.55:
                worn.append((text.translate(_POINTS) if text.strip(" .,") else text, None))
            elif label is not None and kind >= 0.55:
                worn.append((same_length(text, upper=kind > 0.8), label))
            else:
                worn.append((text, label))
        return worn

    def _between(self, piece: Piece) -> list[Piece]:
        """What a writer or a program puts behind an entity or a bit of text: a face, a blank more, a mark."""
        rate = 0.3 if piece[1] else 0.1
        return [(self.rng.choice(_STRAY), None)] if self.rng.random() < rate else []

    def _mistyped(self, letter: str) -> str:
        return _ALMOST.get(letter, letter) if self.rng.random() < 0.03 else letter

    def _cased(self, text: str, genre: str) -> str:
        chance = self.rng.random()
        if chance < (0.45 if genre == "chat" else 0.2 if genre in _LAX else 0.08):
            return same_length(text, upper=False)
        return same_length(text, upper=True) if chance > 0.97 else text


def same_length(text: str, upper: bool) -> str:
    """The text in capitals or small letters; a letter whose other case is longer stays."""
    changed = (letter.upper() if upper else letter.lower() for letter in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, changed, strict=True))


def joined(pieces: list[Piece]) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    """The text of the pieces and the spans of those with a label."""
    text, spans = "", []
    for part, label in pieces:
        if label is not None and part:
            spans.append((len(text), len(text) + len(part), label))
        text += part
    return text, tuple(spans)


def _plain(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")
