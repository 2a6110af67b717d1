"""Models of others in place of the shipped ones: any Hugging Face folder or id, by torch and transformers.

They need the extra `ml-train` (or `gpu`) in the process that uses them, and whatever the Hugging Face library needs to
find an id: a copy in its cache, or a network.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.detectors.spans import Span
from cluster.errors import ModelUnusable

BATCH = 32
LONGEST = 256
# Names of labels in use for persons, places and organisations (CoNLL, OntoNotes, WikiNER).
PERSON, PLACE, ORGANISATION = {"PER", "PERSON"}, {"LOC", "GPE", "LOCATION", "CITY"}, {"ORG", "ORGANIZATION"}


def foreign_embedding(name: str) -> tuple[Callable[[list[str]], NDArray[np.float32]], int]:
    """Texts to vectors of length one by mean pooling over an encoder, and their dimensions. Raises ModelUnusable."""
    torch, transformers = _libraries()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
        encoder = transformers.AutoModel.from_pretrained(name).to(_device(torch)).eval()
    except (OSError, ValueError) as error:
        raise _not_loaded(name, error) from None

    def encode(texts: list[str]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(texts), BATCH):
            given = tokenizer(
                texts[start : start + BATCH], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
            ).to(encoder.device)
            with torch.inference_mode():
                states = encoder(**given).last_hidden_state.float()
            mask = given["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1)
            parts.append(torch.nn.functional.normalize(mean, dim=1).cpu().numpy())
        return np.concatenate(parts).astype(np.float32)

    return encode, int(encoder.config.hidden_size)


class ForeignEntities:
    """A token classifier of others, in classes of the taxonomy: persons, towns, `organisation`; the rest is dropped."""

    def __init__(self, name: str) -> None:
        torch, transformers = _libraries()
        try:
            self._pipeline = transformers.pipeline(
                "token-classification", model=name, aggregation_strategy="first", device=_device(torch)
            )
        except (OSError, ValueError) as error:
            raise _not_loaded(name, error) from None
        self.digest = name

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order."""
        found = self._pipeline(list(texts), batch_size=BATCH) if texts else []
        return [[span for each in told if (span := _span(each, text))] for text, told in zip(texts, found, strict=True)]


def _span(told: dict[str, Any], text: str) -> Span | None:
    label = str(told["entity_group"]).upper()
    start, end = int(told["start"]), int(told["end"])
    if label in PERSON:
        named = "person.full_name" if len(text[start:end].split()) > 1 else "person.given_name"
    elif label in PLACE:
        named = "location.city"
    elif label in ORGANISATION:
        named = "organisation"
    else:
        return None
    return Span(start=start, end=end, data_class=named, score=float(told["score"]), tier="language")


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError:
        raise ModelUnusable("A model of others needs torch and transformers.", "pip install 'sextant[gpu]'.") from None
    return torch, transformers


def _device(torch: Any) -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _not_loaded(name: str, error: Exception) -> ModelUnusable:
    return ModelUnusable(
        f"The model {name} cannot be loaded: {type(error).__name__}.", "Give a folder, or an id that can be found."
    )
