"""The glossary: terms, how they relate, and which columns they are linked to."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from actors.catalog.contract.assets import GROUP, CatalogReceipt, View
from actors.catalog.contract.curation import AssetId, Name
from cluster.runtime.commands import Command, Done

TermStatus = Literal["draft", "in_review", "approved", "rejected", "deprecated", "obsolete"]
# The relations of Apache Atlas. Of each pair one is read from the other; the first three are their own inverse.
Relation = Literal[
    "seeAlso", "synonyms", "antonyms", "preferredTerms", "preferredToTerms", "replacementTerms", "replacedBy",
    "translationTerms", "translatedTerms", "isA", "classifies", "validValues", "validValuesFor",
]  # fmt: skip
LinkStatus = Literal["proposed", "imported", "validated", "rejected", "deprecated"]


class RelatedTerm(View):
    relation: Relation
    term_id: str
    name: str


class TermView(View):
    """A term with its place in the hierarchy and its relations in both directions."""

    id: str
    name: str
    definition: str | None
    status: TermStatus
    abbreviations: tuple[str, ...]
    parent_id: str | None
    related: tuple[RelatedTerm, ...]
    links: int
    version: int


class TermLinkView(View):
    """A term on a column (or an asset, column ""). `reasons` are figures from 0 to 1 that speak for it, by kind: name,
    label (what the column was found to hold is what the term names), description, meaning (of the embedding model),
    profile, and memory (what people decided on columns of this name)."""

    term_id: str
    term: str
    asset_id: str
    asset: str
    column: str
    status: LinkStatus
    confidence: float
    reasons: dict[str, float]
    steward: str | None
    changed_at: datetime


class DefineTerm(Command[TermView]):
    """Adds a term as a draft, or changes the one of this name; what is left out stays. An empty parent is none.

    A change of an approved term's definition makes it a draft again: what was approved were those words.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    name: Name
    definition: str | None = Field(None, max_length=10_000)
    abbreviations: tuple[Name, ...] | None = Field(None, max_length=100)
    parent_id: Annotated[str, Field(max_length=100)] | None = None


class MoveTerm(Command[TermView]):
    """Moves a term on: draft -> in_review -> approved or rejected; approved -> deprecated -> obsolete; back to draft.

    Who proposed a term cannot approve it, unless it is an administrator.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    term_id: AssetId
    to: TermStatus


class RelateTerms(Command[TermView]):
    """Makes a relation between two terms, or with `remove` takes it back. isA and preferredTerms have no cycle."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    term_id: AssetId
    relation: Relation
    to_term: AssetId
    remove: bool = False


class RemoveTerm(Command[Done]):
    """Removes a term that nothing is linked to and that has none below it."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    term_id: AssetId


class SuggestLinks(Command[CatalogReceipt]):
    """Proposes columns for a term, with reasons. What was decided stays as it is and teaches what is proposed."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    term_id: AssetId
    least: float = Field(0.5, ge=0, le=1)


class DecideLink(Command[TermLinkView]):
    """A person's word that a term fits a column ("validated"), does not ("rejected"), or no more ("deprecated")."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    term_id: AssetId
    asset_id: AssetId
    column: str = Field("", max_length=1_000)
    status: Literal["validated", "rejected", "deprecated"]


class ImportGlossary(Command[CatalogReceipt]):
    """Takes in a glossary as CSV or SKOS (Turtle, RDF/XML or JSON-LD): all of it or, where a line is wrong, nothing.

    Terms are matched by name; those that are not named stay. `entries` counts terms, `changed` what became different.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    format: Literal["csv", "turtle", "rdfxml", "jsonld"]
    text: str = Field(max_length=900_000)
