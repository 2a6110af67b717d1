"""Words of names, and the wordings of classes that they are compared with (`configs/meanings.yaml`): no vectors here.

So an actor that only names phrases loads none of the libraries that make vectors of them.
"""

import math
import re
from collections.abc import Iterable
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cluster.detectors.compounds import taken_apart, written_out
from cluster.detectors.taxonomy import load_taxonomy
from cluster.packs import Pack, load_pack

LONGEST_DESCRIPTION = 300
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_HUMPS = re.compile(r"(?<=[a-zß-öø-ÿ0-9])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")


class Calibration(BaseModel):
    """Weights of the logistic model, fitted by `python -m serve.jobs.calibrate_meanings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nearness: float
    lead_over_none: float
    lead_over_next: float
    constant: float

    def probability(self, figures: Iterable[float]) -> float:
        """Between 0 and 1, of (nearness, lead over none, lead over the next class)."""
        weights = (self.nearness, self.lead_over_none, self.lead_over_next)
        total = sum(weight * float(one) for weight, one in zip(weights, figures, strict=True)) + self.constant
        return 1 / (1 + math.exp(-max(min(total, 30.0), -30.0)))


class Meanings(BaseModel):
    """`configs/meanings.yaml`. Every class of the taxonomy that is reported has at least one wording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    calibration: Calibration
    abbreviations: dict[str, str]
    classes: dict[str, list[str]]
    none: list[str] = Field(min_length=10)
    about: frozenset[str] = Field(description="Words that make of a thing something said about it: phone type.")
    vague: frozenset[str] = Field(description="Phrases that mean something only together with their table.")

    @model_validator(mode="after")
    def _complete(self) -> "Meanings":
        known = load_taxonomy().value.classes
        unknown = sorted(self.classes.keys() - known.keys())
        missing = sorted(name for name, told in known.items() if told.reported and not self.classes.get(name))
        if unknown or missing:
            raise ValueError(f"classes without a wording: {missing}; not in the taxonomy: {unknown}")
        return self


@cache
def load_meanings() -> Pack[Meanings]:
    """The shipped wordings. Raises PackInvalid."""
    return load_pack("meanings.yaml", Meanings)


def words_of(name: str) -> list[str]:
    """The words of a name in small letters: at humps, digits and whatever is no letter; letters of any script. Words of
    the packs that were written together are taken apart."""
    parts = _PARTS.findall(_HUMPS.sub(" ", name)[:LONGEST_DESCRIPTION])
    return [word for part in parts for word in taken_apart(part.lower())]


def phrase_of(name: str, meanings: Meanings) -> str:
    """The name as a phrase: `custPhoneNo` is "customer phone number"."""
    return " ".join(meanings.abbreviations.get(word) or written_out(word) for word in words_of(name)) or "unnamed"


def singular(phrase: str) -> str:
    """The phrase without a plural s at its end."""
    return phrase[:-1] if phrase.endswith("s") and not phrase.endswith("ss") and len(phrase) > 3 else phrase
