"""The taxonomy: what each data class means for sensitivity, law and standards."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cluster.errors import InvalidInput, NotFound
from cluster.packs import Pack, load_pack

Sensitivity = Literal["Public", "Internal", "Confidential", "Restricted"]
_OF_COUNTRIES: Final = re.compile(r"(?:government|financial)\.((?:[a-z]{2}_)+)")
_ISO: Final = {"uk": "GB"}
SENSITIVITIES: tuple[Sensitivity, ...] = ("Public", "Internal", "Confidential", "Restricted")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataClass(_Value):
    """A class of data. `reported` is false for technical forms that only serve to rule other classes out."""

    title: str
    sensitivity: Sensitivity
    tags: tuple[str, ...] = ()
    reported: bool = True


class OwnClass(DataClass):
    """A class that a rule set adds to the taxonomy; one of a known id says anew what that means here."""

    id: str = Field(pattern=r"^[a-z_]+(\.[a-z0-9_]+)+$", max_length=80)
    title: str = Field(min_length=3, max_length=120)
    tags: tuple[str, ...] = Field((), max_length=50)


class Taxonomy(_Value):
    """All data classes by id, and what every tag means. A class may only use tags that are explained."""

    version: str
    tags: dict[str, str]
    classes: dict[str, DataClass] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_tags(self) -> Self:
        for name, data_class in self.classes.items():
            unknown = sorted(set(data_class.tags) - set(self.tags))
            if unknown:
                raise ValueError(f"{name}: unknown tags {unknown}")
        return self

    def extended(self, classes: Iterable[OwnClass]) -> "Taxonomy":
        """The taxonomy with the classes of a rule set. Raises InvalidInput for a tag that nothing explains."""
        own = {each.id: DataClass(**each.model_dump(exclude={"id"})) for each in classes}
        for name, data_class in own.items():
            if unknown := sorted(set(data_class.tags) - set(self.tags)):
                words = ", ".join(unknown)
                raise InvalidInput(f"The class {name!r} has unknown tags: {words}.", "List the tags to see the known.")
        return self.model_copy(update={"classes": self.classes | own}) if own else self

    def of(self, data_class: str) -> DataClass:
        """The class of that id. Raises NotFound."""
        found = self.classes.get(data_class)
        if found is None:
            raise NotFound(f"There is no data class {data_class!r}.", "See configs/taxonomy.yaml.")
        return found


def countries_of(data_class: str) -> frozenset[str]:
    """The countries (ISO 3166 alpha-2) whose numbers a class is of; none for a class that knows no borders."""
    found = _OF_COUNTRIES.match(data_class)
    return frozenset(_ISO.get(code, code.upper()) for code in found[1].split("_") if code) if found else frozenset()


@cache
def load_taxonomy() -> Pack[Taxonomy]:
    """The taxonomy of this installation with its digest. Raises PackInvalid."""
    return load_pack("taxonomy.yaml", Taxonomy)


def most_sensitive(labels: tuple[Sensitivity, ...]) -> Sensitivity | None:
    """The highest of some sensitivities: what a table is, given its columns."""
    return max(labels, key=SENSITIVITIES.index, default=None)
