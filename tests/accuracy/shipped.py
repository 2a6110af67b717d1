"""The models that an installation without any registered version answers with, loaded by the API's own loader."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, cast

from actors.classification.model_choice import Versions
from actors.classification.tiers import Models, wanted
from cluster.ml.gate import ModelKind
from serve.http.loaded_models import ModelsAtHand

TIERS: Final[dict[str, tuple[object, ...]]] = {"1": (1,), "1+2": (1, 2), "1+3": (1, 3), "all": (1, 2, 3)}


class _Shipped(ModelsAtHand):
    """No database: the registry is empty, so the setting's or the shipped models answer."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None))

    def versions(self, kind: ModelKind) -> Versions:
        return Versions()


@cache
def _hand() -> _Shipped:
    return _Shipped()


def for_columns(tiers: Sequence[object], table: str) -> Models:
    return _hand().for_columns(wanted(tiers), table)


def for_texts(tiers: Sequence[object]) -> Models:
    return _hand().for_texts(wanted(tiers), "accuracy")
