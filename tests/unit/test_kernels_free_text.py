"""Samples of free text: random, the same however rows are cut, merging to one, read by tier 3 in few cells."""

import random
from collections.abc import Sequence
from functools import cache, reduce
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cluster.connectors.interface import Partition
from cluster.detectors.spans import Span
from cluster.errors import ModelUnusable
from cluster.kernels import scan_batches
from cluster.kernels.free_text import KEPT, findings, merge_texts
from cluster.kernels.merge import fold
from cluster.kernels.report import FreeText, PartitionReport, TextSample
from cluster.kernels.scan import ColumnScan
from cluster.kernels.sketch import Hashing
from cluster.kernels.text_reader import FEWEST, MOST, TextReader, allowance, prose
from cluster.ml.entities import TextEntities
from tests.unit.detection_columns import SALT, rules

KEYS = st.integers(0, 60).map(lambda n: f"{n:024x}")
MAIL = "please write to ada{}@example.org about the late delivery of it"
PLAIN = "the parcel number {} came too late and was sent back again"


def sample(keys: Sequence[str], size: int) -> TextSample:
    """What a partition of these texts reports whose sample has this size."""
    drawn = sorted(set(keys))[:size]
    bound = drawn[-1] if len(drawn) == size else None
    return TextSample(found=tuple((key, "contact.email" if int(key, 16) % 3 else "") for key in drawn),
                      bound=bound, read=len(drawn))  # fmt: skip


TEXTS = st.builds(
    lambda keys, size, few: FreeText(
        reader="1", rules=sample(keys, size), language=sample(keys, min(size, few)) if few else None,
        model="m" if few else None,
    ),
    st.lists(KEYS, min_size=1, max_size=30), st.integers(1, 40), st.integers(0, 8),
)  # fmt: skip


@given(TEXTS, TEXTS, TEXTS)
@limits(deadline=None, max_examples=150)
def test_merging_is_associative_and_commutative(a: FreeText, b: FreeText, c: FreeText) -> None:
    assert merge_texts(a, b) == merge_texts(b, a)
    assert merge_texts(merge_texts(a, b), c) == merge_texts(a, merge_texts(b, c))
    assert merge_texts(a, None) == a


@given(st.lists(st.lists(KEYS, min_size=1, max_size=40), min_size=1, max_size=6), st.integers(4, 12))
@limits(deadline=None, max_examples=150)
def test_what_partitions_say_together_are_the_smallest_hashes_of_all(parts: list[list[str]], size: int) -> None:
    said = [FreeText(reader="1", rules=sample(keys, size)) for keys in parts]
    whole = reduce(lambda a, b: merge_texts(a, b) or a, said).rules
    every = sorted({key for keys in parts for key in keys})
    assert [key for key, _ in whole.found] == [key for key in every if whole.bound is None or key <= whole.bound]
    assert len(whole.found) >= min(size, len(every))


def test_more_than_is_kept_is_cut_at_a_bound() -> None:
    many = [FreeText(reader="1", rules=sample([f"{n:024x}" for n in range(p, 3000, 9)], 256)) for p in range(9)]
    whole = reduce(lambda a, b: merge_texts(a, b) or a, many).rules
    assert [int(key, 16) for key, _ in whole.found] == list(range(KEPT))
    assert (whole.bound, whole.read) == (f"{KEPT - 1:024x}", 9 * 256)


@cache
def model() -> TextEntities:
    return TextEntities.load()


def report(texts: Sequence[str | None], reader: TextReader, cut: int = 10**9, number: int = 0) -> PartitionReport:
    columns: dict[str, Any] = {"note": pa.array(texts, pa.string()), "n": pa.array(range(len(texts)))}
    table = pa.Table.from_pydict(columns)
    partition = Partition(asset="t", number=number, kind="test", spec={}, columns=(), fingerprint=str(number))
    return scan_batches(iter(table.to_batches(cut)), partition, rules(), SALT, reader=reader)


def texts_of(made: PartitionReport) -> FreeText:
    (note,) = (column for column in made.columns if column.name == "note")
    assert note.texts is not None
    return note.texts


def test_the_sample_is_the_same_for_any_batches_and_order() -> None:
    texts = [PLAIN.format(n) for n in range(700)] + [MAIL.format(n) for n in range(100)]
    reader = TextReader(rules())
    whole = texts_of(report(texts, reader))
    assert texts_of(report(texts[::-1] + texts[:50], reader, cut=97)) == whole
    assert (len(whole.rules.found), whole.language) == (256, None)
    cut = [texts_of(report(part, reader, number=n)) for n, part in enumerate((texts[:300], texts[200:]))]
    merged = merge_texts(*cut)
    assert merged is not None
    assert merged.rules.found == whole.rules.found


@pytest.mark.parametrize("rows", [20, 5_000])
def test_tier_3_sees_few_cells_and_says_how_many(rows: int) -> None:
    texts = [f"{PLAIN.format(n)}, says Mr Harold Whitcombe from Leeds" for n in range(rows)]
    made = report(texts, TextReader(rules(), model))
    language = texts_of(made).language
    assert language is not None
    allowed = max(FEWEST, 2 * rows // 200)
    assert 0 < language.read <= allowed <= max(FEWEST, 0.01 * 2 * rows)
    (note,) = (column for column in fold([made], 1, 0).columns if column.column == "note")
    assert note.texts is not None
    assert note.texts.language == language.read
    found = {one.data_class: one for one in note.texts.classes}
    assert found["person.full_name"].tier == "language"
    assert found["person.full_name"].matched >= 0.8 * language.read


def test_what_tier_3_may_read_grows_with_the_table_and_is_shared_by_its_columns() -> None:
    assert allowance(10, 1) == FEWEST
    assert allowance(10**9, 1) == MOST
    assert allowance(8_000, 2) == 20
    assert allowance(100, 0) == FEWEST


def test_a_long_text_is_read_at_its_begin_and_its_end() -> None:
    filler = " ".join(["and nothing else was said about it"] * 60)
    texts = [f"{filler} {n} {filler}\nKind regards,\nMargaret Osgood" for n in range(10)]
    language = texts_of(report(texts, TextReader(rules(), model))).language
    assert language is not None
    assert sum("person.full_name" in found for _, found in language.found) >= 6


def test_a_model_that_cannot_be_loaded_is_said_and_tier_1_still_reads() -> None:
    def broken() -> TextEntities:
        raise ModelUnusable("The model entities cannot be used: a file is missing.", "Install it again.")

    found = texts_of(report([MAIL.format(n) for n in range(10)], TextReader(rules(), broken)))
    assert found.skipped == "The model entities cannot be used: a file is missing."
    assert found.language is None
    assert {name for _, name in found.rules.found} == {"contact.email"}


def test_a_model_is_not_loaded_for_columns_without_prose() -> None:
    def never() -> TextEntities:
        raise AssertionError("no text is to be read")

    made = report(["ada@example.org", "PX-100", "Ada Lovelace", "open", None] * 5, TextReader(rules(), never))
    assert [column.texts for column in made.columns] == [None, None]


@pytest.mark.parametrize(
    ("value", "is_prose"),
    [
        ("called the customer and left a message", True), ("Kunde hat sich am Telefon beschwert", True),
        ("顧客から電話があり、明日また連絡すると伝えました", True), ("الزبون اتصل بنا هذا الصباح مرتين", True),
        ("12 Mill Lane, Leeds", False), ("Ada Lovelace", False), ('{"a": "several words stand in here too"}', False),
        ("<p>several words stand in here too</p>", False), ("1 2 3 4 5 6 7 8", False), ("", False),
        ("postgresql://app:secret@db8.corp.lan:5432/crm", False),
    ],
)  # fmt: skip
def test_prose_is_told_from_other_values(value: str, is_prose: bool) -> None:
    assert prose([value]) is is_prose
    assert not prose([value, *["ok"] * 9])


class Noticing:
    """Finds nothing, and remembers what it was given."""

    digest = "d"

    def __init__(self) -> None:
        self.given: list[str] = []

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        self.given += texts
        return [[] for _ in texts]


def test_no_text_leaves_the_reader() -> None:
    noticing = Noticing()
    made = report([MAIL.format(n) for n in range(300)], TextReader(rules(), lambda: noticing))
    written = made.model_dump_json()
    assert noticing.given
    assert "delivery" not in written


def test_the_interval_covers_the_share_of_all_texts() -> None:
    rng, covered, runs = random.Random(7), 0, 400
    for _ in range(runs):
        share = rng.choice([0.02, 0.1, 0.5])
        hashes = [f"{rng.getrandbits(96):024x}" for _ in range(3000)]
        have = {key for key in hashes if rng.random() < share}
        parts = []
        for part in (hashes[:1000], hashes[1000:1400], hashes[1400:]):
            drawn = sorted(part)[:64]
            told = TextSample(found=tuple((k, "x" if k in have else "") for k in drawn), bound=drawn[-1], read=64)
            parts.append(FreeText(reader="1", rules=told))
        whole = findings(reduce(lambda a, b: merge_texts(a, b) or a, parts), "c", (), 3)
        assert whole is not None
        low, high = (whole.classes[0].low, whole.classes[0].high) if whole.classes else (0.0, 0.06)
        covered += low <= len(have) / len(hashes) <= high
    assert covered >= 0.94 * runs


def test_partitions_that_differ_widen_the_interval_of_a_sample() -> None:
    every = FreeText(reader="1", rules=TextSample(found=(("0", "x"), ("1", "x")), read=2))
    none = FreeText(reader="1", rules=TextSample(found=(("2", ""), ("3", "")), read=2))
    whole = merge_texts(every, none)
    census, some = findings(whole, "c", (), 2), findings(whole, "c", ({"c": every}, {"c": none}), 50)
    assert census is not None
    assert some is not None
    assert (census.classes[0].low, census.classes[0].high) == (0.5, 0.5), "all there are were read"
    assert some.classes[0].low < 0.05
    assert some.classes[0].high > 0.95


@pytest.mark.parametrize(
    ("stock", "low", "high"), [(1, 0.99, 1.0), (1_000, 0.8, 0.92), (4_000, 0.33, 0.46), (0, 0.0, 0.02)]
)
def test_how_likely_values_come_again_is_told_from_those_that_were_seen(stock: int, low: float, high: float) -> None:
    chance = random.Random(5)
    places = [chance.randrange(stock) if stock else n for n in range(2_000)]
    column = ColumnScan("note", rules(), Hashing(SALT))
    column.add(pa.array([PLAIN.format(place) for place in places]))
    assert low <= column.recurrence <= high
