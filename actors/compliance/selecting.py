"""Which assets and columns a selector names: pure over facts."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from actors.compliance.contract import Selector
from actors.compliance.facts import AssetFacts, FactSet, covers


def selects(selector: Selector, facts: FactSet, asset: AssetFacts) -> bool:
    """Whether the asset fits every field of the selector that is given."""
    if selector.sources and not {facts.source_id, facts.source_name} & set(selector.sources):
        return False
    if selector.assets and asset.subject not in selector.assets:
        return False
    if selector.paths and not any(fnmatchcase(asset.name, path) for path in selector.paths):
        return False
    if selector.domains and not {f"domain:{name.lower()}" for name in selector.domains} & _tags(asset):
        return False
    return not (selector.tags or selector.classes) or bool(columns_of(selector, asset))


def columns_of(selector: Selector, asset: AssetFacts) -> tuple[str, ...]:
    """The columns that the selector's tags and classes name, sorted; all labelled ones where it names none."""
    wanted = (*selector.tags, *(f"class:{name}" for name in selector.classes))
    return labelled(asset, wanted)


def labelled(asset: AssetFacts, wanted: Iterable[str]) -> tuple[str, ...]:
    """The columns with a label of one of these tags or classes, sorted; all labelled ones where none is named."""
    tags = tuple(wanted)
    names = {label.column for label in asset.label_list if not tags or covers(tags, label.tags)}
    return tuple(sorted(names))


def _tags(asset: AssetFacts) -> set[str]:
    return {str(tag).lower() for tag in asset.asset.value.get("tags") or ()}
