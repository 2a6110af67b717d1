"""What tiers 2 and 3 have to offer to be asked: models are handed in, and a tier without its model is skipped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from cluster.detectors.spans import Span
from cluster.errors import InvalidInput
from cluster.kernels.report import ColumnEvidence
from cluster.ml.guess import Guess

Tier = Literal["rules", "model", "language"]
TIERS: Final[tuple[Tier, ...]] = ("rules", "model", "language")


class GuessesColumns(Protocol):
    """Tier 2: classes of the columns of one table, from their evidence and names."""

    def guess_all(self, columns: Sequence[ColumnEvidence], table: str = "") -> list[tuple[Guess, ...]]: ...


@runtime_checkable
class ExplainsColumns(Protocol):
    """A tier 2 that says what its features add."""

    def explain(self, columns: Sequence[ColumnEvidence], table: str, column: str, data_class: str) -> dict[str, float]:
        """Log-odds by group of features. Raises KeyError for a class that the model does not know."""
        ...


class MatchesMeaning(Protocol):
    """Tier 3 for columns: classes whose descriptions are near to what the name means."""

    def match(
        self, name: str, table: str = "", neighbours: Sequence[str] = (), description: str = ""
    ) -> tuple[Guess, ...]: ...


class FindsEntities(Protocol):
    """Tier 3 for texts: the spans of each text. `digest` says which model it is."""

    @property
    def digest(self) -> str: ...

    def find(self, texts: Sequence[str]) -> list[list[Span]]: ...


class Ranked(BaseModel):
    """A class that a column may be. `prevalence` is the share of the given values that hold it, and `interval` its
    95 % bounds (Clopper and Pearson) for the values that these were drawn from; a guess of a model has no prevalence
    and says nothing of shares."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    data_class: str = Field(alias="class", examples=["contact.email"])
    confidence: float
    interval: tuple[float, float]
    prevalence: float | None
    tier: Tier
    reasons: tuple[str, ...]
    whole_column: bool
    state: Literal["automatic", "review"]


class Skipped(BaseModel):
    """A tier that was asked for and did not take part, and why."""

    model_config = ConfigDict(frozen=True)

    tier: Tier
    reason: str


@dataclass(frozen=True)
class Models:
    """The models at hand. `missing` says of a tier why it has none, or why not all that it needs."""

    columns: GuessesColumns | None = None
    meaning: MatchesMeaning | None = None
    entities: FindsEntities | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    def skipped(self, tiers: Sequence[Tier], *, texts: bool) -> tuple[Skipped, ...]:
        """The wanted tiers that cannot take part in the classification of columns, or of texts."""
        have = {"rules": True, "model": self.columns is not None, "language": self.meaning is not None}
        if texts:
            have |= {"model": False, "language": self.entities is not None}
        reasons = {"model": "it is a model of columns and reads no text"} if texts else {}
        reasons = {"model": "no model is loaded", "language": "no model is loaded", **self.missing, **reasons}
        without = [tier for tier in tiers if not have[tier] or tier in self.missing]
        return tuple(Skipped(tier=tier, reason=reasons[tier]) for tier in without)


NONE: Final = Models()


def wanted(tiers: Sequence[object] | None) -> tuple[Tier, ...]:
    """Tiers by name or number, in order and each once; all if none is named. Raises InvalidInput."""
    if tiers is None:
        return TIERS
    names: dict[object, Tier] = {}
    for number, name in enumerate(TIERS, 1):
        names |= {name: name, number: name, str(number): name}
    try:
        chosen = {names[tier] for tier in tiers}
    except (KeyError, TypeError):
        raise InvalidInput("There is no such tier.", "Name 1 (rules), 2 (model) or 3 (language).") from None
    if not chosen:
        raise InvalidInput("No tier is named.", "Name at least one, or leave `tiers` out for all.")
    return tuple(tier for tier in TIERS if tier in chosen)
