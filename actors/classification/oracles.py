"""The tiers that a worker can ask: each loads its model at the first question, and keeps it for this process."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.classification.asking import Oracle, digest_of
from actors.classification.contract import GuessTier
from cluster.errors import ModelUnusable
from cluster.kernels.report import AssetEvidence, ColumnEvidence
from cluster.ml.guess import Guess
from cluster.naming import table_of

if TYPE_CHECKING:
    from cluster.ml.column_model import ColumnModel
    from cluster.ml.meaning import Meaning

_NEEDS: Final[Mapping[GuessTier, str]] = {"model": "xgboost", "language": "onnxruntime"}
NEIGHBOURS: Final = 8


class ColumnOracle:
    """Tier 2: the column model, over the evidence and the names of a whole table. It sees no value."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._digested: tuple[AssetEvidence, str] | None = None

    @cached_property
    def digest(self) -> str:
        """Of the model and of the encoder by which it knows what names mean, where there is one."""
        from cluster.ml.embedding import Embedder
        from cluster.ml.packaged import manifest_of, shipped

        try:
            encoder = Embedder.identity()
        except ModelUnusable:
            encoder = ""
        return digest_of([manifest_of(self._folder or shipped("columns")).digest, encoder])

    def told(self, asset: AssetEvidence, column: ColumnEvidence, description: str) -> dict[str, Any]:
        """The evidence of all columns of the asset, since a column is judged among its neighbours."""
        if self._digested is None or self._digested[0] is not asset:
            told = [
                each.model_dump(mode="json", exclude={"classes": {"__all__": {"examples"}}, "texts": True})
                for each in asset.columns
            ]
            self._digested = asset, digest_of(told)
        return {"name": column.column, "table": table_of(asset.asset), "evidence": self._digested[1]}

    def guess(self, asset: AssetEvidence, columns: Sequence[tuple[ColumnEvidence, str]]) -> list[tuple[Guess, ...]]:
        """Of the whole table at once, in the order of its evidence. Raises ModelUnusable."""
        model = _column_model(self._folder, self.digest)
        said = model.guess_all(asset.columns, table_of(asset.asset))
        found = {each.column: guesses for each, guesses in zip(asset.columns, said, strict=True)}
        return [found[column.column] for column, _ in columns]


class NameOracle:
    """Tier 3: what the names mean. It is told names and descriptions, never a value."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @cached_property
    def digest(self) -> str:
        """Of the encoder and of the wordings that names are held against."""
        from cluster.ml.embedding import Embedder
        from cluster.ml.wordings import load_meanings

        return digest_of([Embedder.identity(self._folder), load_meanings().digest])

    def told(self, asset: AssetEvidence, column: ColumnEvidence, description: str) -> dict[str, Any]:
        """Name, table, the first neighbours, and the description."""
        beside = [other.column for other in asset.columns if other.column != column.column][:NEIGHBOURS]
        told = {"name": column.column, "table": table_of(asset.asset), "neighbours": beside}
        return told | {"description": description}

    def guess(self, asset: AssetEvidence, columns: Sequence[tuple[ColumnEvidence, str]]) -> list[tuple[Guess, ...]]:
        """One by one, so that no answer depends on what else was asked. Raises ModelUnusable."""
        meaning = _meaning(self._folder, self.digest)
        return [meaning.match(**self.told(asset, column, description)) for column, description in columns]


def oracles(folders: Mapping[GuessTier, Path]) -> tuple[dict[GuessTier, Oracle], tuple[GuessTier, ...]]:
    """The tiers that can be asked on this node, by the folders of their models (without one: the setting's, or the
    shipped one), and those whose packages are not installed."""
    made: dict[GuessTier, Oracle] = {
        "model": ColumnOracle(folders.get("model")),
        "language": NameOracle(folders.get("language")),
    }
    absent = tuple(tier for tier, package in _NEEDS.items() if find_spec(package) is None)
    return {tier: oracle for tier, oracle in made.items() if tier not in absent}, absent


@lru_cache(maxsize=3)
def _column_model(folder: Path | None, digest: str) -> "ColumnModel":
    from cluster.ml.column_model import ColumnModel

    return ColumnModel.load(folder)


@lru_cache(maxsize=3)  # the version that answers, a canary and a shadow
def _meaning(folder: Path | None, digest: str) -> "Meaning":
    from cluster.ml.embedding import Embedder
    from cluster.ml.meaning import Meaning

    return Meaning(Embedder.load(folder))
