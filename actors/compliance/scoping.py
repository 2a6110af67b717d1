"""Whom a check concerns: assets that hold the data, and sources that hold it in any asset.

Data is judged where it is stored, so a view is concerned only where somebody labelled its columns. A source is cited
with the first three assets that hold the data, or, where none is known, with the first three of which nothing is known.
"""

from collections.abc import Iterable

from actors.compliance.contract import Verdict
from actors.compliance.facts import AssetFacts, Fact, FactSet
from actors.compliance.judgement import Judgement, Parameters, awaiting, listed, only_a_view, undecided, without

WITNESSES = 3


def scoped(asset: AssetFacts, parameters: Parameters, stand: tuple[Fact, ...]) -> Judgement | None:
    """The judgement where the asset is not known to hold the data; None where it does."""
    holding = asset.holds(parameters.tags, parameters.unless)
    if holding.state == "held":
        return None
    if asset.is_view:
        return only_a_view(asset)
    if holding.state == "review":
        return awaiting(asset, parameters.data, holding.labels, stand)
    if holding.state == "unknown":
        return undecided(asset, parameters.data, stand)
    return without(asset, parameters.data, stand)


def outside_source(facts: FactSet, parameters: Parameters) -> Judgement | None:
    """The judgement where no asset of the source is known to hold the data; None where one does."""
    if in_state(facts, parameters, "held"):
        return None
    source = (facts.source,) if facts.source else ()
    if not facts.assets:
        reason = "No asset of the source is known yet."
        return on_source(facts, "INSUFFICIENT_EVIDENCE", reason, source, "discover")
    review = in_state(facts, parameters, "review")
    if review:
        reason = f"Labels that await a decision say that it holds {parameters.data}, in {names(review)}."
        return on_source(facts, "INSUFFICIENT_EVIDENCE", reason, (*source, *facts_of(review)), "decide")
    unknown = in_state(facts, parameters, "unknown")
    if unknown:
        reason = f"Whether it holds {parameters.data} is not known: {names(unknown)} was not fully read."
        return on_source(facts, "INSUFFICIENT_EVIDENCE", reason, (*source, *facts_of(unknown)), "scan")
    reason = f"A census found no {parameters.data} in any asset of the source."
    return on_source(facts, "NOT_APPLICABLE", reason, facts.everything)


def in_state(facts: FactSet, parameters: Parameters, state: str) -> tuple[AssetFacts, ...]:
    """The first assets in this state; views count only where somebody labelled their columns."""
    found: list[AssetFacts] = []
    for asset in facts.assets:
        if not asset.is_view and asset.holds(parameters.tags, parameters.unless).state == state:
            found.append(asset)
            if len(found) == WITNESSES:
                break
    return tuple(found)


def names(assets: Iterable[AssetFacts]) -> str:
    """Their names, as they stand in a reason."""
    return listed([asset.name for asset in assets])


def facts_of(assets: Iterable[AssetFacts]) -> tuple[Fact, ...]:
    """The facts that say what they hold."""
    return tuple(fact for asset in assets for fact in asset.facts)


def on_source(facts: FactSet, verdict: Verdict, reason: str, stand: tuple[Fact, ...], action: str = "") -> Judgement:
    """A judgement on the source as a whole."""
    return Judgement(facts.source_id, facts.source_name, verdict, reason, (), stand, action)
