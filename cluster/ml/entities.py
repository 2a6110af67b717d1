"""Persons, places and organisations in free text, by the shipped token classifier (tier 3).

Texts of any length are read in windows that part at sentences; each word takes the label that the best sequence of B/I
labels gives it (Viterbi over the allowed transitions). Offsets are code points of the text as it was given.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from cluster.detectors.spans import Span
from cluster.errors import ModelUnusable
from cluster.ml.encoder import BATCH_TOKENS, Encoder, by_length
from cluster.ml.entity_tokens import Tokens, sentence_begins, special_ids, tokens_of, windows
from cluster.ml.packaged import MANIFEST, shipped
from cluster.settings import settings

LABEL_FILE = "labels.json"
CLASSES = {
    "full": "person.full_name",
    "given": "person.given_name",
    "family": "person.family_name",
    "street": "location.street_address",
    "city": "location.city",
    "postal": "location.postal_code",
    "county": "location.county",
    "org": "organisation.name",
    "country": "location.country",
    "state": "location.state",
}
WIDTH, OVERLAP = 128, 40  # pieces of a window, and how many two neighbours share that no sentence end parts
PIECE_OF_TEXT = 20_000  # characters given to the tokenizer at once
CACHED = 4096

Found = tuple[int, int, str, float]


class Labelling(BaseModel):
    """`labels.json`: the label of each output, and the least score at which a span of a kind is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...]
    thresholds: dict[str, float]


class FindsEntities(Protocol):
    """What finds spans in texts; `digest` says which model it is."""

    @property
    def digest(self) -> str:
        """Of the model."""
        ...

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order."""
        ...


def load_entities(folder: Path | None = None) -> FindsEntities:
    """The model of the folder, or of `SEXTANT_ENTITIES_MODEL`, or the shipped one. Raises ModelUnusable.

    The setting is a folder like the shipped one, or a Hugging Face folder or id, for which torch is needed.
    """
    if folder is not None:
        return TextEntities.load(folder)
    chosen = settings().entities_model
    if chosen and not (Path(chosen) / MANIFEST).exists():
        from cluster.ml.foreign import ForeignEntities

        return ForeignEntities(chosen)
    return TextEntities.load(Path(chosen) if chosen else None)


class TextEntities:
    """The classifier. Threads may share it. The spans of the last texts are kept by digest, never the texts."""

    def __init__(self, encoder: Encoder, labelling: Labelling) -> None:
        self._encoder, self._labelling = encoder, labelling
        self._special = special_ids(encoder.tokenizer)
        self._stops = frozenset(encoder.tokenizer.token_to_id(mark) or 0 for mark in ".!?")
        self._moves = _allowed(labelling.labels)
        self._kept: OrderedDict[bytes, list[Found]] = OrderedDict()
        self._lock = threading.Lock()
        self.digest = encoder.manifest.digest

    @classmethod
    def load(cls, folder: Path | None = None) -> "TextEntities":
        """The shipped model, or that of a folder. Raises ModelUnusable if a file is missing or corrupt."""
        place = folder or shipped("entities")
        encoder = Encoder(place, (LABEL_FILE,))
        try:
            labelling = Labelling.model_validate(json.loads((place / LABEL_FILE).read_text("utf-8")))
        except (ValueError, ValidationError):
            raise ModelUnusable("The labels of the token classifier are not readable.", "Train it anew.") from None
        if not {label[2:] for label in labelling.labels if label != "O"} <= CLASSES.keys():
            raise ModelUnusable("The token classifier knows labels that this version does not.", "Train it anew.")
        return cls(encoder, labelling)

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order, without overlap; their class is one of the taxonomy."""
        return [
            [
                Span(start=start, end=end, data_class=CLASSES[kind], score=round(score, 4), tier="language")
                for start, end, kind, score in found
            ]
            for found in self.find_labels(texts)
        ]

    def find_labels(self, texts: Sequence[str]) -> list[list[Found]]:
        """The same as (start, end, kind, score)."""
        digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        with self._lock:
            known = {digest: self._kept[digest] for digest in digests if digest in self._kept}
        fresh = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
        known |= dict(zip(fresh, self._read(list(fresh.values())), strict=True))
        with self._lock:
            for digest in fresh:
                self._kept[digest] = known[digest]
            while len(self._kept) > CACHED:
                self._kept.popitem(last=False)
        return [known[digest] for digest in digests]

    def _read(self, texts: list[str]) -> list[list[Found]]:
        found: list[list[Found]] = [[] for _ in texts]
        parts = [(row, start, text[start:end]) for row, text in enumerate(texts) for start, end in _parts(text)]
        for begin in range(0, len(parts), 256):
            group = parts[begin : begin + 256]
            encodings = self._encoder.tokenizer.encode_batch([part for _, _, part in group], add_special_tokens=False)
            tokens = [tokens_of(part, encoding) for (_, _, part), encoding in zip(group, encodings, strict=True)]
            for (row, start, part), read, logits in zip(group, tokens, self._logits(tokens), strict=True):
                found[row] += [
                    (a + start, b + start, kind, score) for a, b, kind, score in self._spans(part, read, logits)
                ]
        return found

    def _logits(self, texts: list[Tokens]) -> list[NDArray[np.float32]]:
        """[words, labels] for each text: the output at the first piece of each word."""
        outputs = [np.zeros((len(tokens.ids), len(self._labelling.labels)), np.float32) for tokens in texts]
        wanted = [
            (row, *window)
            for row, tokens in enumerate(texts)
            if len(tokens.ids)
            for window in windows(len(tokens.ids), WIDTH, OVERLAP, sentence_begins(tokens, self._stops))
        ]
        for batch in by_length([end - start + 2 for _, start, end, _, _ in wanted], BATCH_TOKENS):
            chosen = [wanted[position] for position in batch]
            logits = self._encoder.run(self._feeds([(texts[row], start, end) for row, start, end, _, _ in chosen]))
            for place, (row, start, _, kept, until) in enumerate(chosen):
                outputs[row][kept:until] = logits[place, kept - start + 1 : until - start + 1]
        return [output[tokens.first] for output, tokens in zip(outputs, texts, strict=True)]

    def _feeds(self, chosen: list[tuple[Tokens, int, int]]) -> dict[str, NDArray[np.int64]]:
        width = max(end - start for _, start, end in chosen) + 2
        ids, mask, shapes = (np.zeros((len(chosen), width), np.int64) for _ in range(3))
        for row, (tokens, start, end) in enumerate(chosen):
            count = end - start
            ids[row, : count + 2] = [self._special[0], *tokens.ids[start:end], self._special[1]]
            mask[row, : count + 2] = 1
            shapes[row, 1 : count + 1] = tokens.shapes[start:end]
        return {"input_ids": ids, "attention_mask": mask, "shapes": shapes}

    def _spans(self, text: str, tokens: Tokens, logits: NDArray[np.float32]) -> list[Found]:
        if not len(logits) or not logits.argmax(1).any():
            return []
        chances = np.exp(logits - logits.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        path = _best(np.log(chances + 1e-9), self._moves)
        found: list[Found] = []
        for first, last, kind in _runs([self._labelling.labels[label] for label in path]):
            places = [i for i, label in enumerate(self._labelling.labels) if label.endswith(f"-{kind}")]
            score = float(chances[first : last + 1, places].sum(1).mean())
            if score >= self._labelling.thresholds.get(kind, 0.5):
                found.append((tokens.words[first][0], tokens.words[last][1], kind, min(score, 1.0)))
        return found


def _parts(text: str) -> list[tuple[int, int]]:
    """The text in parts of bounded length, cut behind a blank where there is one in the last tenth."""
    parts, start = [], 0
    while start < len(text):
        end = min(start + PIECE_OF_TEXT, len(text))
        if end < len(text):
            blank = max(
                text.rfind(" ", end - PIECE_OF_TEXT // 10, end), text.rfind("\n", end - PIECE_OF_TEXT // 10, end)
            )
            end = blank + 1 if blank > 0 else end
        parts.append((start, end))
        start = end
    return parts


def _allowed(labels: Sequence[str]) -> NDArray[np.float64]:
    """[from, to]: 0 where a label may follow, a large penalty where I would follow what is not of its kind."""
    moves = np.zeros((len(labels), len(labels)))
    for to, label in enumerate(labels):
        if label.startswith("I-"):
            for before, previous in enumerate(labels):
                moves[before, to] = 0.0 if previous[2:] == label[2:] and previous != "O" else -1e6
    return moves


def _best(scores: NDArray[np.float64], moves: NDArray[np.float64]) -> list[int]:
    """The sequence of labels with the highest sum of scores among those allowed (Viterbi); outside is label 0."""
    total = scores[0] + moves[0]
    back = np.zeros(scores.shape, np.int64)
    for word in range(1, len(scores)):
        reached = total[:, None] + moves
        back[word] = reached.argmax(0)
        total = reached.max(0) + scores[word]
    path = [int(total.argmax())]
    for word in range(len(scores) - 1, 0, -1):
        path.append(int(back[word][path[-1]]))
    return path[::-1]


def _runs(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """The spans of a sequence of labels as (first word, last word, kind)."""
    runs: list[tuple[int, int, str]] = []
    for position, label in enumerate(labels):
        if label.startswith("B-"):
            runs.append((position, position, label[2:]))
        elif label.startswith("I-"):
            first, _, kind = runs.pop()
            runs.append((first, position, kind))
    return runs
