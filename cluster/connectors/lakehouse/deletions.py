"""Deletion vectors: which rows of a data file are deleted, as a set of row numbers.

Delta Lake ("Deletion Vector Format" in its protocol) and Iceberg ("deletion-vector-v1" in its Puffin specification)
write the same bytes: a magic number, then a 64-bit Roaring bitmap in the portable format
(https://github.com/RoaringBitmap/RoaringFormatSpec). They differ in what stands around them.
"""

import base64
import struct
import uuid
import zlib

import numpy as np
from numpy.typing import NDArray

MAGIC = 1_681_511_377
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_NO_RUNS, _RUNS = 12346, 12347
_FEW_CONTAINERS, _DENSE, _BITSET = 4, 4096, 8192
Rows = NDArray[np.int64]


def rows_of(data: bytes) -> Rows:
    """The row numbers of a vector, ascending. Raises ValueError if the bytes are none."""
    try:
        return _rows_of(data)
    except (struct.error, IndexError) as error:
        raise ValueError("The deletion vector is cut off.") from error


def framed(data: bytes) -> bytes:
    """A vector out of its frame in a file: size and CRC-32 big-endian around it. Raises ValueError."""
    if len(data) < 8:
        raise ValueError("The deletion vector is cut off.")
    size = int.from_bytes(data[:4], "big")
    body, check = data[4 : 4 + size], data[4 + size : 8 + size]
    if len(check) != 4 or zlib.crc32(body) != int.from_bytes(check, "big"):
        raise ValueError("The deletion vector has another checksum than it should.")
    return body


def z85(text: str) -> bytes:
    """Bytes of ZeroMQ's base 85 (https://rfc.zeromq.org/spec/32), in which Delta writes vectors and names of files."""
    return base64.b85decode(text.encode("ascii").translate(bytes.maketrans(_Z85, _B85)))


def file_of(text: str) -> str:
    """The file of a vector, relative to the table, from the prefix and the identifier that stand in the log."""
    prefix, identifier = text[:-20], text[-20:]
    name = f"deletion_vector_{uuid.UUID(bytes=z85(identifier))}.bin"
    return f"{prefix}/{name}" if prefix else name


def _rows_of(data: bytes) -> Rows:
    magic, count = struct.unpack_from("<iQ", data)
    if magic != MAGIC:
        raise ValueError("The deletion vector is of a form that is not known.")
    place, parts = 12, []
    for _ in range(count):
        (high,) = struct.unpack_from("<I", data, place)
        rows, place = _bitmap(data, place + 4)
        parts.append(rows + (np.int64(high) << np.int64(32)))
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _bitmap(data: bytes, place: int) -> tuple[Rows, int]:
    """The members of a 32-bit bitmap, and where it ends."""
    (cookie,) = struct.unpack_from("<I", data, place)
    runs = b""
    if cookie == _NO_RUNS:
        (count,) = struct.unpack_from("<I", data, place + 4)
        place += 8
    elif cookie & 0xFFFF == _RUNS:
        count = (cookie >> 16) + 1
        runs = data[place + 4 : place + 4 + (count + 7) // 8]
        place += 4 + len(runs)
    else:
        raise ValueError("The deletion vector is of a form that is not known.")
    headers = [struct.unpack_from("<HH", data, place + 4 * number) for number in range(count)]
    place += 4 * count
    if not runs or count >= _FEW_CONTAINERS:
        place += 4 * count  # where each container begins, which reading in order does not need
    parts = []
    for number, (key, less) in enumerate(headers):
        run = bool(runs) and bool(runs[number // 8] >> number % 8 & 1)
        low, place = _container(data, place, less + 1, run)
        parts.append(low.astype(np.int64) + (key << 16))
    return (np.concatenate(parts) if parts else np.empty(0, np.int64)), place


def _container(data: bytes, place: int, members: int, run: bool) -> tuple[NDArray[np.int64], int]:
    if run:
        (count,) = struct.unpack_from("<H", data, place)
        pairs = np.frombuffer(data, "<u2", 2 * count, place + 2).astype(np.int64).reshape(-1, 2)
        spans = [np.arange(start, start + more + 1) for start, more in pairs]
        return np.concatenate(spans) if spans else np.empty(0, np.int64), place + 2 + 4 * count
    if members <= _DENSE:
        return np.frombuffer(data, "<u2", members, place).astype(np.int64), place + 2 * members
    bits = np.unpackbits(np.frombuffer(data, np.uint8, _BITSET, place), bitorder="little")
    return np.flatnonzero(bits).astype(np.int64), place + _BITSET
