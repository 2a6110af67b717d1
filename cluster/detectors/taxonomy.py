"""The taxonomy: what each data class means for sensitivity, law and standards."""

from functools import cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cluster.errors import NotFound
from cluster.packs import Pack, load_pack

Sensitivity = Literal["Public", "Internal", "Confidential", "Restricted"]
SENSITIVITIES: tuple[Sensitivity, ...] = ("Public", "Internal", "Confidential", "Restricted")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataClass(_Value):
    """A class of data. `reported` is false for technical forms that only serve to rule other classes out."""

    title: str
    sensitivity: Sensitivity
    tags: tuple[str, ...] = ()
    reported: bool = True


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

    def of(self, data_class: str) -> DataClass:
        """The class of that id. Raises NotFound."""
        found = self.classes.get(data_class)
        if found is None:
            raise NotFound(f"There is no data class {data_class!r}.", "See configs/taxonomy.yaml.")
        return found


@cache
def load_taxonomy() -> Pack[Taxonomy]:
    """The taxonomy of this installation with its digest. Raises PackInvalid."""
    return load_pack("taxonomy.yaml", Taxonomy)


def most_sensitive(labels: tuple[Sensitivity, ...]) -> Sensitivity | None:
    """The highest of some sensitivities: what a table is, given its columns."""
    return max(labels, key=SENSITIVITIES.index, default=None)
