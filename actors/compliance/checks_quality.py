"""Checks on whether data is right, and whether a person can be found in it and taken out of it."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from actors.compliance.contract import FactKind
from actors.compliance.facts import FactSet, Label, covers
from actors.compliance.judgement import Judgement, Parameters, check, columns_of, count, listed
from actors.compliance.scoping import scoped

NEEDS: tuple[FactKind, ...] = ("asset", "labels", "coverage")
WRITABLE = frozenset({"postgresql"})


class Share(Parameters):
    """At least this share of the values of a column has to be what the column is for."""

    share: float = Field(0.9, gt=0, le=1)


class Route(Parameters):
    """`keys` are the tags of what singles out a person; a tag "<declaration>:..." of the asset answers as well."""

    keys: tuple[str, ...] = ("direct_identifier",)
    declaration: str = Field(pattern=r"^[a-z][a-z0-9-]*$")


@check("quality.valid", Share, NEEDS)
def valid(facts: FactSet, parameters: Share) -> Iterable[Judgement]:
    """The values of columns made for the data are well formed, as the detector of their class measured it."""
    for asset in facts.assets:
        settled = scoped(asset, parameters, asset.facts)
        labels = asset.holds(parameters.tags, parameters.unless).labels
        best = {label.column: label for label in sorted(labels, key=_quality) if _measured(label)}
        bad = sorted(column for column, label in best.items() if _quality(label) < parameters.share)
        if settled is not None:
            yield settled
        elif not best:
            reason = f"No detector measured the values of its {parameters.data}."
            yield Judgement(asset.subject, asset.name, "INSUFFICIENT_EVIDENCE", reason, (), asset.facts, "scan")
        elif bad:
            worst = best[bad[0]]
            reason = (
                f"{count(len(bad), 'column')} with {parameters.data} in which too many values are not well formed: "
            )
            reason += f"{bad[0]} ({worst.matched:,} of {worst.scanned:,} are)."
            yield Judgement(asset.subject, asset.name, "FAIL", reason, tuple(bad), asset.facts, "clean_values")
        else:
            reason = f"At least {parameters.share:.0%} of the values of {count(len(best), 'column')} are well formed."
            yield Judgement(asset.subject, asset.name, "PASS", reason, (), asset.facts)


def _measured(label: Label) -> bool:
    return label.whole_column and label.matched is not None and bool(label.scanned)


def _quality(label: Label) -> float:
    return (label.matched or 0) / label.scanned if label.scanned else 0.0


@check("subject.findable", Route, NEEDS)
def findable(facts: FactSet, parameters: Route) -> Iterable[Judgement]:
    """A person can be found in every asset that holds data about people: by a key column, or a declared way."""
    for asset in facts.assets:
        settled = scoped(asset, parameters, asset.facts)
        keys = columns_of(
            one for one in asset.label_list if one.settled and one.whole_column and covers(parameters.keys, one.tags)
        )
        yield settled if settled is not None else _way(asset.facts, asset, parameters, keys, "find a person in it")


@check("subject.erasable", Route, ("source", *NEEDS))
def erasable(facts: FactSet, parameters: Route) -> Iterable[Judgement]:
    """Data about a person can be taken out: Sextant can delete it there by a key, or a way is declared."""
    source = (facts.source,) if facts.source else ()
    for asset in facts.assets:
        stand = (*source, *asset.facts)
        settled = scoped(asset, parameters, stand)
        keys = columns_of(
            one for one in asset.label_list if one.settled and one.whole_column and covers(parameters.keys, one.tags)
        )
        reach = keys if facts.told("kind") in WRITABLE and asset.asset.value.get("kind") == "table" else ()
        yield settled if settled is not None else _way(stand, asset, parameters, reach, "delete a person's data in it")


def _way(stand, asset, parameters: Route, keys: tuple[str, ...], what: str) -> Judgement:  # type: ignore[no-untyped-def]
    prefix = f"{parameters.declaration}:"
    tags = [str(tag).lower() for tag in asset.asset.value.get("tags") or ()]
    declared = sorted(tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix))
    verdict: Literal["PASS", "FAIL", "INSUFFICIENT_EVIDENCE"]
    if declared and declared[0] in {"", "none"}:
        verdict, reason = "FAIL", f"Its tag says that there is no way to {what}."
    elif declared:
        verdict, reason = "PASS", f"'{prefix}{declared[0]}' is on record as the way to {what}."
    elif keys:
        verdict, reason = "PASS", f"{listed(keys, 3)} is a key by which to {what}."
    else:
        verdict, reason = "INSUFFICIENT_EVIDENCE", f"It holds {parameters.data}, and how to {what} is not known."
    action = "" if verdict == "PASS" else f"declare_asset:{parameters.declaration}"
    return Judgement(asset.subject, asset.name, verdict, reason, (), stand, action)
