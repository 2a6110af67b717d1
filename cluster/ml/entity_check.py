"""Texts written by hand, in another manner than the templates of training, with what stands in them.

They choose the thresholds and show what a version of the model is worth beside generated texts; nothing is trained on
them. In `configs/training/check`, `{kind:text}` marks a span: a kind of the classifier, or a class of tier 1.
"""

import re
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from cluster.ml.entity_examples import Example
from cluster.packs import load_pack, pack_names

_MARK = re.compile(r"\{([a-z_.]+):([^{}]*)\}")


class Marked(BaseModel):
    """A file of such texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    texts: list[str] = Field(min_length=1)


@cache
def checked_texts() -> tuple[Example, ...]:
    """Every text with its spans, in the order of the files. Raises PackInvalid naming the file and the field."""
    found = []
    for name in pack_names("training/check"):
        file = load_pack(name, Marked).value
        found += [marked(text, file.language) for text in file.texts]
    return tuple(found)


def marked(text: str, language: str) -> Example:
    """The text without its marks, and the spans that they mark."""
    plain, spans, position = "", [], 0
    for mark in _MARK.finditer(text):
        plain += text[position : mark.start()]
        spans.append((len(plain), len(plain) + len(mark[2]), mark[1]))
        plain += mark[2]
        position = mark.end()
    return Example(plain + text[position:], tuple(spans), language, "check")
