"""Cutting a table by an integer key: each key in one range, whatever comes and goes."""

from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.connectors.key_range import KeyRange, ranges

KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(-50, 300)


def _cut(keys: list[int], most: int) -> list[KeyRange]:
    def count(low: int, high: int, width: int) -> Mapping[int, int]:
        assert -(2**63) <= low <= high < 2**63
        return Counter((key - low) // width for key in keys if low <= key <= high)

    return ranges(min(keys, default=None), max(keys, default=None), most, count)


def _within(key: int, span: KeyRange) -> bool:
    return (span.first is None or key >= span.first) and (span.end is None or key < span.end)


@settings(deadline=None, max_examples=150)
@given(keys=st.sets(KEYS, max_size=200), most=st.integers(1, 40), later=KEYS)
def test_ranges_hold_each_key_once_now_and_later(keys: set[int], most: int, later: int) -> None:
    spans = _cut(sorted(keys), most)
    for key in {*keys, later}:
        assert sum(_within(key, span) for span in spans) == 1
    for span in spans:
        inside = sum(_within(key, span) for key in keys)
        assert inside == (span.rows or 0) <= most
    assert (spans[0].first, spans[-1].end) == (None, None)


@settings(deadline=None, max_examples=100)
@given(keys=st.sets(KEYS, min_size=2, max_size=200), most=st.integers(2, 40))
def test_a_key_that_goes_changes_the_ranges_around_it_only(keys: set[int], most: int) -> None:
    ordered = sorted(keys)
    gone = ordered.pop(len(ordered) // 2)
    before, after = _cut(sorted(keys), most), _cut(ordered, most)
    kept = {(span.first, span.node) for span in before} & {(span.first, span.node) for span in after}
    near = {(span.first, span.node) for span in before if _within(gone, span)}
    # The range of the key may join its neighbours, and the first and last ones may become others.
    joined = [s for s in before if (s.first, s.node) not in kept | near and (s.first or 0) // most != gone // most]
    assert sum(span.rows or 0 for span in joined) <= 2 * most


def test_the_conditions_of_ranges_take_null_and_other_values_too() -> None:
    engine = sa.create_engine("sqlite://")
    key: sa.ColumnElement[int] = sa.column("k", sa.BigInteger)
    values = [None, -5, 0, 3, 4, 9, "text", b"blob", 2.5]
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (k)")
        connection.exec_driver_sql("INSERT INTO t VALUES (?)", [(value,) for value in values])
        for spans in ([KeyRange()], _cut([-5, 0, 3, 4, 9], 2)):
            found = [
                row[0] for span in spans for row in connection.execute(
                    sa.select(sa.column("k")).select_from(sa.table("t")).where(*span.where(key))
                )
            ]  # fmt: skip
            assert Counter(map(repr, found)) == Counter(map(repr, values))
