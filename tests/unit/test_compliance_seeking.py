"""Looking for a person in batches: any type that has a text, without regard to case and space, none by chance."""

import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.compliance.seeking import Wanted, normal, seek

MAIL = "ada@example.org"
WANTED = Wanted(frozenset({MAIL}), {"owner": frozenset({"17"})})


def batch(**columns: object) -> pa.RecordBatch:
    return pl.DataFrame(columns).to_arrow().combine_chunks().to_batches()[0]


def test_whole_values_values_inside_and_ids_are_told_apart() -> None:
    rows = batch(
        id=[1, 2, 3, 4], mail=[" ADA@Example.org ", "x@example.org", None, ""],
        note=["none", f"write to {MAIL}!", "nothing", ""], owner=[18, 18, 17, 18],
    )  # fmt: skip
    found, ids = seek([rows, rows], WANTED, ["id"])
    assert (found.rows, found.whole, found.inside, found.linked) == (6, {"mail": 2}, {"note": 2}, {"owner": 2})
    assert ids == {"id": {"1", "3"}}
    assert found.unread == set()


def test_nested_values_and_bytes_are_looked_into_and_what_is_no_text_is_said() -> None:
    found, _ = seek([batch(doc=[{"to": [MAIL]}, {"to": []}], raw=[MAIL.encode(), b"x"])], WANTED, [])
    assert (found.inside, found.whole) == ({"doc": 1}, {"raw": 1})
    found, _ = seek([batch(raw=[b"\xff\xfe", b"x"])], WANTED, [])
    assert (found.rows, found.unread) == (0, {"raw"})


def test_a_short_value_is_not_looked_for_inside_others() -> None:
    found, _ = seek([batch(a=["17", "1 of 17 items"])], Wanted(frozenset({"17"})), [])
    assert (found.whole, found.inside) == ({"a": 1}, {})


def test_an_empty_batch_holds_nobody() -> None:
    assert seek([batch(a=["x"]).slice(0, 0)], WANTED, ["a"])[0].rows == 0


@settings(deadline=None)  # the first call imports
@given(
    st.lists(st.sampled_from([MAIL, " Ada@example.org", f"<{MAIL}>", "other", "", None]), min_size=1, max_size=30),
    st.integers(1, 7),
)
def test_it_does_not_matter_how_rows_are_batched(values: list[str | None], size: int) -> None:
    whole = pa.record_batch({"v": pa.array(values, pa.string())})
    parts = [whole.slice(at, size) for at in range(0, len(values), size)]
    assert seek([whole], WANTED, ["v"]) == seek(parts, WANTED, ["v"])
    told = [value for value in values if value is not None]
    assert seek([whole], WANTED, [])[0].whole.get("v", 0) == sum(normal(value) == MAIL for value in told)
