"""Forms of data in running text, as the packs under `configs/spans/` state them.

A column has a name and many values; a text has one match and the words before it. So detectors say what a column of
something looks like, and forms say what a single one looks like between other words.
"""

from functools import cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cluster.packs import Pack, load_pack, pack_names


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FormExamples(_Value):
    """Texts with what is to be found in them, and texts in which nothing is: the tests of the form."""

    found: tuple[tuple[str, str], ...] = Field(min_length=1)
    none: tuple[str, ...] = ()


class SpanForm(_Value):
    """One way in which a class is written in a text.

    `at` says where to try the pattern (syntax of Python's `re`): `number` where digits begin, `code` where a run of
    letters and digits begins or digits do, `text` anywhere in a text that holds one of `holds` (in lower case). A group
    named `it` is the span; without it the whole match is. `alone` is how sure a match is by itself, `cued` with one of
    the words of the label `label` at most `reach` characters before it; below one half it is none. `validator` has to
    hold, if there is one; with `shrink` a match that fails is tried again without its last group. `telling`: hardly
    anything else looks so. `open_end`: what follows is for the pattern to say. `digits`: the fewest digits of the run
    with which a match begins, where the pattern does not tell. `wide`: a match may be hundreds of characters long
    and have blanks in it.
    """

    id: str = Field(pattern=r"^[a-z0-9]+([._][a-z0-9]+)*$", max_length=80)
    data_class: str = Field(pattern=r"^[a-z_]+(\.[a-z0-9_]+)+$", max_length=80)
    at: Literal["number", "code", "text"]
    pattern: str = Field(min_length=1, max_length=4000)
    holds: tuple[str, ...] = ()
    validator: str | None = None
    alone: float = Field(0.0, ge=0, le=1)
    cued: float = Field(0.0, ge=0, le=1)
    label: str = ""
    shrink: bool = False
    telling: bool = False
    open_end: bool = False
    wide: bool = False
    reach: int = Field(48, ge=1, le=48)
    digits: int | None = Field(None, ge=1, le=40)
    examples: FormExamples

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.at == "text") != bool(self.holds):
            raise ValueError(f"{self.id}: `holds` goes with `at: text`, and with nothing else")
        if self.cued and not self.label:
            raise ValueError(f"{self.id}: `cued` needs a label whose words are cues")
        if max(self.alone, self.cued) < 0.5:
            raise ValueError(f"{self.id}: is never sure enough to be found")
        return self


class SpanPack(_Value):
    """Forms, and the words that announce what follows them, by label. Words of the label `other` announce numbers that
    are none of the classes: orders, versions, parts. `fillers` may stand between a cue and what it announces."""

    title: str
    cues: dict[str, tuple[str, ...]] = {}
    fillers: tuple[str, ...] = ()
    forms: tuple[SpanForm, ...] = ()


@cache
def load_span_packs() -> tuple[Pack[SpanPack], ...]:
    """Every pack of configs/spans, sorted by name. Raises PackInvalid naming the file and the field."""
    return tuple(load_pack(name, SpanPack) for name in pack_names("spans"))
