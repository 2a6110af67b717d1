"""Values of PostgreSQL's binary formats as Arrow arrays, of the types that ADBC gives them.

The formats are those of the send functions of PostgreSQL (src/backend/utils/adt): numbers in network order, days and
microseconds from 2000-01-01. Only types that `cluster.connectors.postgres.types.cast` leaves as they are come here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

Values = Sequence[bytes | None]
_EPOCH_DAYS = 10_957  # of 2000-01-01, from 1970-01-01
_EPOCH_MICROSECONDS = _EPOCH_DAYS * 86_400_000_000


def arrow_of(type_oid: int, values: Values) -> pa.Array:
    """The values of one column. A type that is not known here is taken for text."""
    return _READERS.get(type_oid, _text)(values)


def _number(form: str, type_: pa.DataType, offset: int = 0) -> Callable[[Values], pa.Array]:
    empty = bytes(np.dtype(form).itemsize)

    def read(values: Values) -> pa.Array:
        packed = np.frombuffer(b"".join(empty if value is None else value for value in values), form)
        native = packed.astype(packed.dtype.newbyteorder("="))
        if offset:
            native = native + native.dtype.type(offset)  # wraps where it is infinite, which no calendar has either
        missing = np.fromiter((value is None for value in values), bool, len(values))
        return pa.array(native, mask=missing).view(type_)

    return read


def _boolean(values: Values) -> pa.Array:
    return pa.array([None if value is None else value == b"\x01" for value in values], pa.bool_())


def _binary(values: Values) -> pa.Array:
    return pa.array(values, pa.binary())


def _text(values: Values) -> pa.Array:
    """Not validated: a server may hold bytes of any encoding, which is looked at later."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers(), raw.null_count)


def _json(values: Values) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.json_(), _text(values))


def _jsonb(values: Values) -> pa.Array:
    return _json([value and value[1:] for value in values])  # a byte for the version of the format


# By the oids of src/include/catalog/pg_type.dat, which never change.
_READERS: dict[int, Callable[[Values], Any]] = {
    16: _boolean,
    17: _binary,
    114: _json,
    20: _number(">i8", pa.int64()),
    21: _number(">i2", pa.int16()),
    23: _number(">i4", pa.int32()),
    700: _number(">f4", pa.float32()),
    701: _number(">f8", pa.float64()),
    1082: _number(">i4", pa.date32(), _EPOCH_DAYS),
    1083: _number(">i8", pa.time64("us")),
    1114: _number(">i8", pa.timestamp("us"), _EPOCH_MICROSECONDS),
    1184: _number(">i8", pa.timestamp("us", "UTC"), _EPOCH_MICROSECONDS),
    3802: _jsonb,
}
