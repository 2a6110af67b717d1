"""The model deployments: requests share a batch, each gets its own, and nothing is loaded before it is asked for."""

import asyncio

import pytest

from cluster.errors import ModelUnusable
from serve.models.deployments import Embeddings, Entities, Lazily, together
from serve.models.handles import Models


def test_requests_are_joined_and_parted() -> None:
    texts, places = together([["a", "b"], [], ["c"]])
    assert texts == ["a", "b", "c"]
    assert [texts[place] for place in places] == [["a", "b"], [], ["c"]]


def test_a_model_is_made_at_the_first_use_and_once() -> None:
    made: list[int] = []
    lazily = Lazily(lambda: made.append(1) or len(made))
    assert made == []
    assert (lazily(), lazily()) == (1, 1)
    assert made == [1]


def test_a_model_that_cannot_be_used_is_tried_again() -> None:
    answers: list[Exception | str] = [ModelUnusable("torn"), "whole"]

    def make() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lazily = Lazily(make)
    with pytest.raises(ModelUnusable):
        lazily()
    assert lazily() == "whole"


def test_each_request_gets_its_own() -> None:
    vectors = Embeddings().embed_all([[f"text {i}"] * i for i in range(1, 4)])
    assert [each.shape for each in vectors] == [(1, 384), (2, 384), (3, 384)]
    spans = Entities().find_all([["My name is Lucia Fernandez."], ["nothing", "here"]])
    assert [len(each) for each in spans] == [1, 2]
    assert spans[0][0][0].data_class == "person.full_name"


def test_without_deployments_the_process_loads_its_own() -> None:
    async def ask() -> None:
        models = Models()
        assert (await models.embed(["a", "b"])).shape == (2, 384)
        assert len(await models.find(["My name is Lucia Fernandez."])) == 1

    asyncio.run(ask())
