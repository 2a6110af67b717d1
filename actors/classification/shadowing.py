"""Asking shadows: versions that are asked about the same columns as those that answer, and answer nothing."""

from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from actors.classification.contract import ColumnGuesses, GuessTier, ShadowSeen
from actors.classification.model_shadows import compared
from actors.classification.oracles import oracles
from cluster.errors import ConfigurationError
from cluster.kernels.report import AssetEvidence
from cluster.ml.gate import ModelKind
from cluster.ml.guess import Guess

KINDS: Final[Mapping[GuessTier, ModelKind]] = {"model": "columns", "language": "embedding"}
Key = tuple[str, str]
"""Asset and column."""


def beside(
    shadows: Mapping[GuessTier, Path],
    evidence: Iterable[AssetEvidence],
    descriptions: Mapping[Key, str],
    answers: Iterable[ColumnGuesses],
) -> Iterator[ShadowSeen]:
    """How the shadow of each tier would have answered where its tier did. One that cannot be loaded is left out."""
    known, assets = list(answers), list(evidence)
    for tier, folder in sorted(shadows.items()):
        told = {(answer.asset, answer.column): answer.guesses for answer in known if answer.tier == tier}
        try:
            theirs = _asked(tier, folder, assets, descriptions, told.keys())
        except ConfigurationError:
            continue
        both = [key for key in told if key in theirs]
        yield compared(KINDS[tier], str(folder), [told[key] for key in both], [theirs[key] for key in both])


def _asked(
    tier: GuessTier,
    folder: Path,
    evidence: Iterable[AssetEvidence],
    descriptions: Mapping[Key, str],
    wanted: Container[Key],
) -> dict[Key, tuple[Guess, ...]]:
    oracle = oracles({tier: folder})[0].get(tier)
    found: dict[Key, tuple[Guess, ...]] = {}
    if oracle is None:
        return found
    for asset in evidence:
        mine = [column for column in asset.columns if (asset.asset, column.column) in wanted]
        asked = [(column, descriptions.get((asset.asset, column.column), "")) for column in mine]
        for column, guesses in zip(mine, oracle.guess(asset, asked), strict=True):
            found[asset.asset, column.column] = guesses
    return found
