"""A Parquet file that cannot be read is said to be so, in words that hold nothing of what was read or refused."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_csv import Bytes

from cluster.errors import SourceUnreadable
from cluster.formats import parquet
from cluster.formats.layout import Way

VALUE = "536-48-2917"


def written() -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table({"a": [VALUE] * 1000}), data)
    return data.getvalue()


class Refusing(Bytes):
    """A file whose storage fails with a message that quotes what it stumbled over, from the given read on."""

    reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        if self.reads == 0:
            raise OSError(5, f"cannot deliver {VALUE}")
        self.reads -= 1
        return super().read_at(offset, length)


@pytest.mark.parametrize("left", [12, 200, -1])
def test_a_file_that_was_cut_off_is_named_as_that(left: int) -> None:
    with pytest.raises(SourceUnreadable, match=r"orders\.parquet has no Parquet footer: it is cut off"):
        parquet.inspect(Bytes(written()[:left], "orders.parquet"), Way())


@pytest.mark.parametrize("reads", [0, 1])
def test_what_the_storage_says_is_not_repeated(reads: int) -> None:
    content = Refusing(written(), "orders.parquet")
    content.reads = reads
    with pytest.raises(SourceUnreadable, match=r"orders\.parquet") as caught:
        parquet.plan(content, Way(), 1 << 16)
    assert VALUE not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
