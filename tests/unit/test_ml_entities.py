"""Persons and places in free text: exact spans, offsets in code points, long texts, hard negatives."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.detectors.taxonomy import load_taxonomy
from cluster.errors import ModelUnusable
from cluster.ml.embedding import Embedder
from cluster.ml.entities import TextEntities, _allowed, _best, _parts
from cluster.ml.entity_check import checked_texts, marked
from cluster.ml.entity_examples import all_templates, is_held_out, joined, same_length
from cluster.ml.entity_export import GRID, _f1_from
from cluster.ml.entity_tokens import KINDS, LABELS, SHAPES, labelled, sentence_begins, shape_of, tokens_of, windows
from cluster.ml.packaged import shipped


@pytest.fixture(scope="module")
def model() -> TextEntities:
    return TextEntities.load()


def told(model: TextEntities, text: str) -> set[tuple[str, str]]:
    (spans,) = model.find([text])
    return {(text[span.start : span.end], span.data_class) for span in spans if span.data_class != "organisation.name"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Please ship the blender to 1420 Ocean View Drive, Monterey. My name is Lucia Fernandez.",
            {
                ("1420 Ocean View Drive", "location.street_address"),
                ("Monterey", "location.city"),
                ("Lucia Fernandez", "person.full_name"),
            },
        ),
        (
            "Mrs Okafor was brought in by her neighbour, Dieter Haas, after she slipped outside 27 Bramley Close.",
            {
                ("Okafor", "person.family_name"),
                ("Dieter Haas", "person.full_name"),
                ("27 Bramley Close", "location.street_address"),
            },
        ),
        (
            "lol danny is so dumb sometimes, he drove all the way to manchester without a ticket",
            {("danny", "person.given_name"), ("manchester", "location.city")},
        ),
        (
            "Bonjour, je suis Amélie Durand, j'ai déménagé au 14 rue des Acacias à Toulouse.",
            {
                ("Amélie Durand", "person.full_name"),
                ("14 rue des Acacias", "location.street_address"),
                ("Toulouse", "location.city"),
            },
        ),
        (
            "Employee Samuel Adeyemi requested parental leave; his manager, Ingrid Solberg, approved on 3 June.",
            {("Samuel Adeyemi", "person.full_name"), ("Ingrid Solberg", "person.full_name")},
        ),
        ("order #A-99812 shipped via UPS Ground, tracking 1Z999AA10123456784, ETA Friday", set()),
        ("Great product, five stars. Works with Alexa and Google Home. Delivered in two days.", set()),
        ("User reports: Chrome crashes when opening Salesforce on Windows 11, error 0x80070057.", set()),
    ],
)
def test_spans_are_exact(model: TextEntities, text: str, expected: set[tuple[str, str]]) -> None:
    assert told(model, text) == expected


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_offsets_are_code_points_of_any_text(model: TextEntities, before: str, after: str) -> None:
    text = f"{before}\nMy name is Lucia Fernandez.\n{after}"
    (spans,) = model.find([text])
    end = 0
    for span in spans:
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end] != ""
        end = span.end


@pytest.mark.parametrize("before", ["🎉🎉 ", "ﬁﬂ ﷺ ", "é́́ ", "日本語。", "\u202e\u200b ", "a\x00b "])
def test_letters_of_other_lengths_do_not_move_a_span(model: TextEntities, before: str) -> None:
    assert ("Lucia Fernandez", "person.full_name") in told(model, f"{before}my name is Lucia Fernandez, thanks")


def test_a_long_text_is_read_to_its_end(model: TextEntities) -> None:
    filler = "The invoice was paid on time and nothing else happened that day. " * 420
    text = f"{filler}My name is Lucia Fernandez. {filler}Her name is Ingrid Solberg."
    assert len(text) > 2 * 20_000
    assert {("Lucia Fernandez", "person.full_name"), ("Ingrid Solberg", "person.full_name")} <= told(model, text)


@given(st.integers(1, 2000), st.sets(st.integers(0, 2000)))
def test_each_piece_is_kept_by_exactly_one_window(length: int, begins: set[int]) -> None:
    made = windows(length, 128, 40, sorted(begins))
    assert [place for _, _, low, high in made for place in range(low, high)] == list(range(length))
    assert all(start <= low < high <= end <= start + 128 for start, end, low, high in made)


def test_a_window_ends_where_a_sentence_begins(model: TextEntities) -> None:
    assert windows(200, 128, 40, [10, 100, 190]) == [(0, 100, 0, 100), (100, 200, 100, 200)]
    assert windows(150, 128, 40, [10]) == [(0, 128, 0, 108), (88, 150, 108, 150)]
    tokenizer = model._encoder.tokenizer
    stops = frozenset(tokenizer.token_to_id(mark) for mark in ".!?")
    text = "Ask Dr. Lee. She knows!\nOr e.g. me"
    tokens = tokens_of(text, tokenizer.encode(text, add_special_tokens=False))
    words = [text[slice(*tokens.words[list(tokens.first).index(piece)])] for piece in sentence_begins(tokens, stops)]
    assert [word for word in words if word != "Lee"] == ["She", "Or", "me"]


@given(st.text(alphabet="ab \n", max_size=50_000))
@settings(max_examples=20, deadline=None)
def test_parts_are_the_whole_text(text: str) -> None:
    assert "".join(text[start:end] for start, end in _parts(text)) == text


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_the_best_sequence_breaks_no_rule(seed: int, words: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(words, len(LABELS))) * 3
    path = [LABELS[label] for label in _best(scores, _allowed(LABELS))]
    for previous, label in zip(["O", *path], path, strict=False):
        assert not label.startswith("I-") or previous[2:] == label[2:] != ""


def test_labels_and_spans_are_one_another(model: TextEntities) -> None:
    text, spans = joined([("Hi ", None), ("Jean-Luc O'Neill", "full"), (" of ", None), ("Köln", "city"), (".", None)])
    encoding = model._encoder.tokenizer.encode(text, add_special_tokens=False)
    tokens = tokens_of(text, encoding)
    labels = [LABELS[label] for label in labelled(tokens.words, spans)]
    assert labels == ["O", "B-full", *["I-full"] * 5, "O", "B-city", "O"]
    assert [text[start:end] for start, end in tokens.words][1:7] == ["Jean", "-", "Luc", "O", "'", "Neill"]


def test_shapes_tell_capitals_digits_and_line_breaks() -> None:
    words = ["ann", "Ann", "ANN", "A", "McLee", "12", "4b", "-", "日本"]
    alone = [shape_of(word, "") for word in words]
    assert alone == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [shape_of(word, " ") for word in words] == [shape + 10 for shape in alone]
    assert [shape_of(word, " \n") for word in words] == [shape + 20 for shape in alone]
    assert max(alone) + 20 < SHAPES


@given(st.text(max_size=80), st.booleans())
def test_another_case_keeps_the_offsets(text: str, upper: bool) -> None:
    assert len(same_length(text, upper)) == len(text)


def test_some_templates_are_kept_from_training() -> None:
    texts = [text for file in all_templates() for text in file.texts]
    assert 0.05 < sum(map(is_held_out, texts)) / len(texts) < 0.25


def test_the_answer_does_not_depend_on_the_company(model: TextEntities) -> None:
    texts = ["Thanks Siobhan!", "nothing here", "I met Giovanni in Bologna. " * 30]
    fresh = TextEntities.load()
    together = [{(span.start, span.end, span.data_class) for span in spans} for spans in model.find(texts)]
    alone = [{(span.start, span.end, span.data_class) for span in fresh.find([text])[0]} for text in texts]
    assert together == alone
    assert model.find([]) == []
    assert model.find(["", " \n"]) == [[], []]


def test_marks_of_texts_written_by_hand_are_spans() -> None:
    example = marked("hey {given:Mia}, {full:Jo Li} moved to {city:Ulm}.", "en")
    assert example.text == "hey Mia, Jo Li moved to Ulm."
    assert [(example.text[a:b], kind) for a, b, kind in example.spans] == [
        ("Mia", "given"), ("Jo Li", "full"), ("Ulm", "city"),
    ]  # fmt: skip
    assert len({each.text for each in checked_texts()}) == len(checked_texts()) > 150
    known = {*KINDS, *load_taxonomy().value.classes}
    assert {kind for each in checked_texts() for _, _, kind in each.spans} <= known


def test_a_threshold_is_the_least_score_of_the_best_f1() -> None:
    scored = [(0.9, True), (0.62, True), (0.52, False), (0.41, False)]
    assert max(GRID, key=lambda least: _f1_from(scored, least, 2)) == 0.55
    assert _f1_from(scored, 0.5, 2) == 4 / 5


def test_a_torn_model_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "entities"
    shutil.copytree(shipped("entities"), folder)
    (folder / "labels.json").write_text("{}")
    with pytest.raises(ModelUnusable):
        TextEntities.load(folder)
    with pytest.raises(ModelUnusable):
        Embedder.load(tmp_path / "none")
