"""The model deployments: requests share a batch, each gets its own from its version, and nothing is loaded unasked."""

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest

from cluster.errors import ModelUnusable
from cluster.kernels.report import ColumnEvidence, ColumnProfile
from cluster.ml.column_model import ColumnModel
from cluster.ml.packaged import shipped
from serve.models.deployments import VERSIONS, Columns, Embeddings, Entities, Loaded, by_version, together


def test_requests_are_joined_and_parted() -> None:
    texts, places = together([["a", "b"], [], ["c"]])
    assert texts == ["a", "b", "c"]
    assert [texts[place] for place in places] == [["a", "b"], [], ["c"]]


def test_each_version_is_asked_once_for_all_of_its_requests() -> None:
    asked: list[tuple[Path | None, list[str]]] = []

    def answer(folder: Path | None, texts: list[str]) -> list[str]:
        asked.append((folder, texts))
        return [f"{folder}:{text}" for text in texts]

    one = Path("one")
    found = by_version([(["a"], None), (["b", "c"], one), ([], None), (["d"], None)], answer)
    assert found == [["None:a"], ["one:b", "one:c"], [], ["None:d"]]
    assert asked == [(None, ["a", "d"]), (one, ["b", "c"])]


def test_a_version_is_loaded_at_its_first_use_once_and_the_last_ones_are_kept() -> None:
    loaded: list[Path | None] = []
    models = Loaded(lambda folder: loaded.append(folder) or folder)
    assert loaded == []
    folders = [Path(str(number)) for number in range(VERSIONS)]
    for folder in [*folders, *folders]:
        assert models(folder) == folder
    assert loaded == folders
    models(None)
    models(folders[-1])
    models(folders[0])
    assert loaded == [*folders, None, folders[0]]


def test_a_model_that_cannot_be_used_is_tried_again() -> None:
    answers: list[Exception | str] = [ModelUnusable("torn"), "whole"]

    def load(folder: Path | None) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    models = Loaded(load)
    with pytest.raises(ModelUnusable):
        models()
    assert models() == "whole"


def test_each_request_gets_its_own(tmp_path: Path) -> None:
    other = shutil.copytree(shipped("embedding"), tmp_path / "other")
    requests = [([f"text {i}"] * i, other if i == 2 else None) for i in range(1, 4)]
    vectors = Embeddings().embed_all(requests)
    assert [each.shape for each in vectors] == [(1, 384), (2, 384), (3, 384)]
    assert not np.allclose(vectors[0][0], vectors[1][0])
    spans = Entities().find_all([(["My name is Lucia Fernandez."], None), (["nothing", "here"], None)])
    assert [len(each) for each in spans] == [1, 2]
    assert spans[0][0][0].data_class == "person.full_name"


def test_a_table_is_guessed_by_itself_whatever_else_is_asked() -> None:
    profile = ColumnProfile(rows=9, nulls=0, empties=0, unreadable=0, distinct=9, distinct_exact=True)
    column = ColumnEvidence(column="first_name", type="string", profile=profile)
    other = ColumnEvidence(column="quantity", type="integer", profile=profile)
    alone = ColumnModel.load().guess_all([column], "staff")
    served = Columns()
    assert served.guess_tables([([other], "orders", None), ([column], "staff", None), ([], "", None)])[1:] == [
        alone,
        [],
    ]
    told = asyncio.run(served.explain(([column], "staff", None), "first_name", "person.given_name"))
    assert told == ColumnModel.load().explain([column], "staff", "first_name", "person.given_name")
