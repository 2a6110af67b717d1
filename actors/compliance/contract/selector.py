"""Which data something is about: named by where it lies and what it is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=200)]


class Selector(BaseModel):
    """Data that fits every field that is given; a field that is left out asks for nothing, and one has to be given.

    `sources` are ids or names; `paths` are patterns with * over the paths of assets; `domains` are the assets tagged
    "domain:<name>"; `tags` and `classes` are of labels that were not rejected ("a" covers "a.b" and "a:b");
    `everything` is for what is about all data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: Words = ()
    assets: Words = ()
    paths: Words = ()
    domains: Words = ()
    tags: Words = ()
    classes: Words = ()
    everything: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> "Selector":
        named = any((self.sources, self.assets, self.paths, self.domains, self.tags, self.classes))
        if named is self.everything:
            raise ValueError("name some data by at least one field, or all of it by `everything`, and not both")
        return self
