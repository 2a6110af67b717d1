"""What a check is, what it says, and the register of all checks by their ids."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from actors.compliance.contract import FactKind, Verdict
from actors.compliance.facts import AssetFacts, Fact, FactSet, Label
from cluster.errors import Internal

NAMED = 10
# What the owner of a source may declare by its options, as no connection can find it out.
DECLARABLE = frozenset({"encrypted_at_rest", "public_access", "audit_logging", "environment", "region"})


class Parameters(BaseModel):
    """What a control sets for a check: the tags that make data its concern, and what to call that data in words.

    Data with a tag in `unless` is none of its concern. A label also has the tag "class:<data class>", for exceptions
    that the taxonomy has no tag for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    data: str = Field(min_length=3, max_length=80)


class Judgement(NamedTuple):
    """A verdict on one subject, in words with counts and column names, and the facts it stands on.

    `action` is what would settle it ("" where nothing is to be done): see `advice.py`.
    """

    subject: str
    name: str
    verdict: Verdict
    reason: str
    columns: tuple[str, ...]
    facts: tuple[Fact, ...]
    action: str = ""


P = TypeVar("P", bound=BaseModel)
# asset: what it says of an asset depends on this one and the source. neighbours: also on assets that it names or that
# are tagged alike. source: one judgement for the source, which depends on what its assets hold.
Scope = Literal["asset", "neighbours", "source"]
Function = Callable[[FactSet, Any], Iterable[Judgement]]


@dataclass(frozen=True)
class Check:
    """A pure function over facts. `version` rises when it would judge the same facts differently."""

    id: str
    version: int
    needs: frozenset[FactKind]
    parameters: type[BaseModel]
    function: Function
    scope: Scope


CHECKS: dict[str, Check] = {}


def check(
    identifier: str, parameters: type[P], needs: Sequence[FactKind], version: int = 1, scope: Scope = "asset"
) -> Callable[[Callable[[FactSet, P], Iterable[Judgement]]], Callable[[FactSet, P], Iterable[Judgement]]]:
    """Registers the decorated function. Raises Internal if the id is taken."""

    def register(
        function: Callable[[FactSet, P], Iterable[Judgement]],
    ) -> Callable[[FactSet, P], Iterable[Judgement]]:
        if identifier in CHECKS:
            raise Internal(f"The check '{identifier}' is registered twice.")
        CHECKS[identifier] = Check(identifier, version, frozenset(needs), parameters, function, scope)
        return function

    return register


def how_to_tell(fact: str) -> tuple[str, str]:
    """How a fact that the source does not tell can become known: in words, and as an action."""
    if fact in DECLARABLE:
        return f" Declare it by the option '{fact}' of the source.", f"declare:{fact}"
    return "", f"establish:{fact}"


def undecided(asset: AssetFacts, data: str, facts: tuple[Fact, ...] | None = None) -> Judgement:
    """INSUFFICIENT_EVIDENCE: whether the asset holds the data is not known."""
    reason = f"Whether it holds {data} is not known: {asset.unread}."
    return Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), facts or asset.facts, "scan")


def awaiting(asset: AssetFacts, data: str, labels: Sequence[Label], facts: tuple[Fact, ...] | None = None) -> Judgement:
    """INSUFFICIENT_EVIDENCE: labels that say so await a person's decision."""
    columns = columns_of(labels)
    reason = f"{count(len(columns), 'column')} may hold {data}, and nobody has decided yet: {listed(columns)}."
    return Judgement(
        asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, columns, facts or asset.facts, "decide"
    )


def without(asset: AssetFacts, data: str, facts: tuple[Fact, ...] | None = None) -> Judgement:
    """NOT_APPLICABLE: a census found none of the data."""
    reason = f"A census found no {data} in it."
    return Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), facts or asset.facts)


def only_a_view(asset: AssetFacts) -> Judgement:
    """NOT_APPLICABLE: data is judged where it is stored."""
    reason = "A view holds no data of its own; what it shows is judged where it is stored."
    return Judgement(asset.subject, asset.name, "NOT_APPLICABLE", reason, (), asset.facts)


def columns_of(labels: Iterable[Label]) -> tuple[str, ...]:
    """The names of the columns, sorted, once each."""
    return tuple(sorted({label.column for label in labels}))


def described(labels: Iterable[Label]) -> str:
    """Columns with the counts of the label that matched most, such as "cvv (998 of 1,000 values)"."""
    best: dict[str, Label] = {}
    for label in labels:
        known = best.get(label.column)
        if known is None or (label.matched or 0) > (known.matched or 0):
            best[label.column] = label
    return listed([_with_counts(best[column]) for column in sorted(best)])


def listed(names: Sequence[str], limit: int = NAMED) -> str:
    """Names joined by commas, at most `limit` of them with the number of the others."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


def count(number: int, noun: str) -> str:
    """ "1 column", "1,200 columns"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _with_counts(label: Label) -> str:
    if label.matched is None or label.scanned is None:
        return f"{label.column} (declared by a person)"
    inside = "" if label.whole_column else ", inside longer text"
    return f"{label.column} ({label.matched:,} of {label.scanned:,} values{inside})"
