"""What a detector is, as its data pack states it."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cluster.connectors.interface import LogicalType


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Examples(_Value):
    """Values that the detector must, and must not, validate: they are its tests and are run when it is loaded."""

    match: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    found_in: tuple[str, ...] = ()
    not_found_in: tuple[str, ...] = ()


class Detector(_Value):
    """One way of recognising one data class.

    Exactly one of these finds candidates: `pattern` (Rust regex syntax, no look-around, so matching is linear),
    `range` (numbers within bounds), `years` (dates within years).
    `embedded` looks for the pattern inside longer text too, delimited by `boundary`. `gate` is a cheap regex that
    every value holding the pattern also matches. `validator` names a checksum or library check of the matched text;
    `chance` is the probability that a random text of the form passes it. `names` are phrases of column names,
    `avoid` phrases that speak against it, `context` phrases of the table and its other columns: where a detector
    lists some and none of them is there, its label waits for review, or with `needs_context` is none.
    `form` says how telling a single match is: `distinctive` (hardly anything else looks so) or `common`.
    `claims` marks a form that leaves a value no other meaning: such whole values are no evidence for the detectors
    that run on every column. No value may be claimed by two detectors, so that their order cannot matter.
    `column_only` marks a form that much else has: it makes the column if most values pass its check, and no occurrence.
    `zero_pad` restores leading zeros that an integer column has lost.
    """

    id: str = Field(pattern=r"^[a-z0-9]+([._][a-z0-9]+)*$", max_length=80)
    data_class: str = Field(pattern=r"^[a-z_]+(\.[a-z0-9_]+)+$", max_length=80)
    title: str = Field(min_length=3, max_length=120)
    types: tuple[LogicalType, ...] = ("string",)
    pattern: str | None = Field(None, max_length=4000)
    range: tuple[float, float] | None = None
    years: tuple[int, int] | None = None
    embedded: bool = False
    boundary: Literal["word", "number", "token", "hex"] = "word"
    gate: str | None = Field(None, max_length=1000)
    validator: str | None = None
    chance: float = Field(1.0, gt=0, le=1)
    names: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    needs_name: bool = False
    needs_context: bool = False
    column_only: bool = False
    form: Literal["distinctive", "common"] = "common"
    claims: bool = False
    review: bool = False
    zero_pad: int = Field(0, ge=0, le=20)
    min_share: float | None = Field(None, gt=0, le=1)
    examples: Examples = Examples()
    source: str = ""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        finders = [self.pattern is not None, self.range is not None, self.years is not None]
        if sum(finders) != 1:
            raise ValueError(f"{self.id}: exactly one of pattern, range and years has to be given")
        if self.needs_name and not self.names:
            raise ValueError(f"{self.id}: needs_name without names never matches")
        if self.needs_context and not self.context:
            raise ValueError(f"{self.id}: needs_context without context never holds")
        if self.validator is None and self.chance != 1.0:
            raise ValueError(f"{self.id}: chance belongs to a validator")
        if self.pattern is not None and not self.needs_name and not self.gate:
            raise ValueError(f"{self.id}: a pattern that runs on every column needs a gate")
        return self


class DetectorPack(_Value):
    """A file of detectors. `attribute_words` are words in a column name that say it holds a fact about the thing
    (a flag, a count, a date of verification) and not the thing itself; they hold for all detectors. `names` adds
    phrases of column names, by the id of a detector or of a class: there to all its detectors that list names."""

    title: str
    attribute_words: tuple[str, ...] = ()
    names: dict[str, tuple[str, ...]] = {}
    detectors: tuple[Detector, ...] = ()
