"""Shapes of a whole column at once, and what they rule out: never a text in which a pattern matches."""

import re

import numpy as np
import polars as pl
import pytest
from detection_columns import report_of, rules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.detectors.detector import Detector
from cluster.detectors.joined import joined_bytes, kept_bytes, texts_of
from cluster.kernels import scan
from cluster.kernels import shape_book as module
from cluster.kernels.candidates import ShapeScreen
from cluster.kernels.shape_book import NO_SHAPE, ShapeBook, shape_of
from cluster.kernels.shape_regex import shape_regex
from cluster.kernels.shapes import KEPT, LONGEST, TABLE, keep_shapes
from cluster.kernels.sketch import Hashing
from cluster.kernels.union import Group

OPEN = tuple(d for d in rules().detectors if d.pattern and not d.needs_name)
AROUND = st.text(st.sampled_from("aZ0 -.:é\n"), max_size=7)


def _shape(text: str) -> str:
    return re.sub(r"([Aa])\1{4,}", r"\1\1\1\1", text.encode().translate(TABLE).decode("ascii"))


def _numbers(book: ShapeBook, texts: list[str]) -> list[int]:
    joined = joined_bytes(pl.Series(texts, dtype=pl.String))
    return book.add(*joined, np.ones(len(texts), dtype=np.int64)).tolist()


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(OPEN), st.booleans(), AROUND, AROUND)
def test_a_text_that_matches_has_a_shape_that_matches(
    data: st.DataObject, detector: Detector, gate: bool, before: str, after: str
) -> None:
    regex = (detector.gate if gate else None) or detector.pattern or ""
    text = before + data.draw(st.from_regex(re.compile(regex), fullmatch=True)) + after
    found = shape_regex(regex)
    assert found is not None
    if pl.Series([text]).str.contains(regex)[0]:  # what stands before may not let it begin there
        assert pl.Series([_shape(text)]).str.contains(found)[0]


REGEXES = st.from_regex(
    r"\A(?:\[[a-cA-C0-2]{1,3}\]|[ab1]|\([ab]{1,3}[|][A2]{0,2}\))(?:\{[0-6],7\}|[+?*])?"
    r"(?:[abA1]|\[aA1\]\{5,6\}|\(a1?\)\{3\}){0,3}\Z"
)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data(), REGEXES, AROUND)
def test_any_regex_holds_of_the_shapes_of_what_it_matches(data: st.DataObject, regex: str, before: str) -> None:
    text = before + data.draw(st.from_regex(re.compile(regex, re.ASCII), fullmatch=True))
    found = shape_regex(regex)
    assert found is not None
    assert re.search(found, _shape(text))


@pytest.mark.parametrize("regex", ["a(?=b)", r"\p{L}a", "[[:alpha:]]", r"(?P<n>a)", "a{5000}", r"[\d-x]", "(?x: a)"])
def test_what_is_not_understood_rules_nothing_out(regex: str) -> None:
    assert shape_regex(regex) is None
    assert Group((regex, "x")).passing(pl.Series(["", "aaaa", "d"])).all()
    assert ShapeScreen([((regex,), False)]).bits_of(["", "d"]).tolist() == [[1], [1]]


@pytest.mark.parametrize(
    ("pattern", "shape", "passes"),
    [
        ("[0-9]{3}-[0-9]{2}", "ddd-dd", True),
        ("[0-9]{3}-[0-9]{2}", "dd-ddd", False),
        ("AKIA[A-Z2-7]{16}", "AAAA", True),
        ("AKIA[A-Z2-7]{16}", "AAA", False),
        ("[A-Z0-9]{17}", "Ad" * 8, False),
        ("[A-Z0-9]{17}", "dAAAAd", True),
        ("^[0-9]{3}$", "ddd", True),
        ("^[0-9]{3}$", "dddd", False),
        ("a|^[0-9]", " d", False),
        ("(?m:^[0-9])", "?d", True),
    ],
)
def test_a_shape_is_ruled_out_by_its_form(pattern: str, shape: str, passes: bool) -> None:
    screen = ShapeScreen([((pattern,), False), (("x",), True)])
    assert (screen.bits_of([shape])[0, 0] & np.uint64(1) != 0) == passes


def test_more_probes_than_bits_of_a_word() -> None:
    screen = ShapeScreen([((f"[0-9]{{{n}}}",), True) for n in range(1, 100)])
    bits = screen.bits_of(["d" * 70, "a", "d"])
    assert [int(word) for word in bits[0]] == [0, 1 << 5]
    assert bits[1].tolist() == [0, 0]
    assert bits[2].tolist() == [1, 0]


@settings(deadline=None, max_examples=80)
@given(st.lists(st.text(st.sampled_from("aA1é -"), max_size=60), max_size=60), st.integers(1, 30))
def test_a_book_counts_each_shape_in_any_division(texts: list[str], step: int) -> None:
    book = ShapeBook(Hashing(b"s"))
    numbers = [n for start in range(0, len(texts), step) for n in _numbers(book, texts[start : start + step])]
    short = [len(text.encode()) <= LONGEST for text in texts]
    assert [NO_SHAPE if n == NO_SHAPE else book.texts()[n] for n in numbers] == [
        _shape(text) if fits else NO_SHAPE for text, fits in zip(texts, short, strict=True)
    ]
    counted: dict[str, int] = {}
    for text, fits in zip(texts, short, strict=True):
        if fits:
            counted[_shape(text)] = counted.get(_shape(text), 0) + 1
    assert book.kept() == keep_shapes(counted)


def test_a_full_book_still_counts_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{'1' * (i % 30)} {'a ' * (i // 30)}" for i in range(600) if i // 30 < 9]
    counts = np.array([i % 5 + 1 for i in range(len(texts))])
    data, offsets = joined_bytes(pl.Series(texts))
    monkeypatch.setattr(module, "_OTHERS", 100)
    books = [ShapeBook(Hashing(b"s"), room) for room in (20, 60, 1_000)]
    for book in books:
        for part in range(0, len(texts), 50):
            some = offsets[part : part + 51]
            book.add(data[some[0] : some[-1]], some - some[0], counts[part : part + 50])
    assert len(books[2].kept()) == KEPT
    assert books[0].kept() == books[1].kept() == books[2].kept()


@given(st.text(st.sampled_from("aAb1é -\x00"), max_size=40))
def test_the_shape_of_one_text_is_that_of_the_definition(text: str) -> None:
    assert shape_of(text.encode()) == _shape(text)


def test_a_column_with_more_shapes_than_are_remembered_is_counted_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{'x1' * (i % 19)} 536-22-{1000 + i}" for i in range(900)]
    batch = pl.DataFrame({"c": texts}).to_arrow().combine_chunks().to_batches()[0]
    whole = report_of(batch)
    monkeypatch.setattr(scan, "_LEAST_SHAPES", 7)
    monkeypatch.setattr(scan, "_SHAPES", 7)
    assert report_of(batch).columns == whole.columns
    assert whole.columns[0].detectors["government.us_ssn"].matched == 900


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.sampled_from("ab1é"), max_size=40), max_size=30))
def test_bytes_that_are_not_kept_are_left_out(texts: list[str]) -> None:
    data, offsets = joined_bytes(pl.Series(texts, dtype=pl.String))
    kept = texts_of(*kept_bytes(data, offsets, data != ord("a")))
    assert kept.to_list() == [text.replace("a", "") for text in texts]
