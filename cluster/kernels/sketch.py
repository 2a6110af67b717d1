"""How many different values: exact while there are few, HyperLogLog after that.

The state is a function of the SET of values alone, whatever the order, the batches and the partitions, so that merging
is exact. Up to 256 values each is kept as 8 bytes of BLAKE2b keyed with the instance's salt, beside the register and
rank that the HyperLogLog (Flajolet et al. 2007, p = 12, standard error 1.6 %) would give it. Registers come from a
seeded 64-bit hash, of which only the register's number and the length of a run of zeros survive.
"""

import base64
import hashlib
import math
import zlib
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

EXACT_LIMIT: Final = 256
_P: Final = 12
_REGISTERS: Final = 1 << _P
_ENTRY: Final = 11  # 8 bytes of keyed hash, 2 of register, 1 of rank
_EXACT, _DENSE = b"E", b"H"

Hashes = npt.NDArray[np.uint64]


class Hashing:
    """The two keyed hashes of one instance: fast for registers, cryptographic for what is kept of single values."""

    def __init__(self, salt: bytes) -> None:
        self._key = hashlib.blake2b(salt, digest_size=32, person=b"sextant-distinct").digest()
        self.seed = int.from_bytes(hashlib.blake2b(salt, digest_size=8, person=b"sextant-register").digest(), "big")

    def registers_of(self, values: pl.Series) -> Hashes:
        """64-bit seeded hashes of the values, for `DistinctSketch.add`."""
        return values.hash(self.seed).to_numpy()

    def keyed(self, text: str) -> bytes:
        """8 bytes from which the text cannot be guessed without the salt."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest()


class Gathered(Protocol):
    """Values of which a few may be asked for: a series, or what makes one on demand."""

    def __len__(self) -> int: ...

    def gather(self, rows: list[int], /) -> "Gathered":
        """The values at these places."""

    def to_list(self) -> list[Any]:
        """All values."""


class DistinctSketch:
    """A growing set of which only the size can be told; at most `EXACT_LIMIT` * 11 or 4,096 bytes."""

    __slots__ = ("_exact", "_registers")

    def __init__(self) -> None:
        self._exact: dict[bytes, bytes] = {}
        self._registers: npt.NDArray[np.uint8] | None = None

    def add(self, values: "Gathered", hashes: Hashes, hashing: Hashing) -> None:
        """Adds values, with the hashes of exactly these values in the same order."""
        if len(values) == 0:
            return
        if self._registers is None and len(values) > EXACT_LIMIT:
            # Values of several batches may repeat: only different ones count towards the limit.
            many = len(np.unique(hashes[: 2 * EXACT_LIMIT])) > EXACT_LIMIT
            first = hashes if many else np.unique(hashes, return_index=True)[1]
            if len(first) <= EXACT_LIMIT:
                values, hashes = values.gather(first.tolist()), hashes[first]
        register, rank = _split(hashes)
        if self._registers is None and len(values) <= EXACT_LIMIT:
            for text, r, k in zip(values.to_list(), register.tolist(), rank.tolist(), strict=True):
                self._exact[hashing.keyed(str(text))] = r.to_bytes(2, "big") + bytes([k])
            self._settle()
            return
        np.maximum.at(self._dense(), register, rank)

    def merge(self, other: "DistinctSketch") -> None:
        """Becomes the sketch of the union."""
        if self._registers is None and other._registers is None:
            self._exact.update(other._exact)
            self._settle()
            return
        dense = self._dense()
        np.maximum(dense, other._copy()._dense(), out=dense)

    def estimate(self) -> tuple[int, bool]:
        """The number of different values, and whether it is exact."""
        if self._registers is None:
            return len(self._exact), True
        zeros = int(np.count_nonzero(self._registers == 0))
        raw = 0.7213 / (1 + 1.079 / _REGISTERS) * _REGISTERS**2 / float(np.sum(np.exp2(-self._registers.astype(float))))
        if raw <= 2.5 * _REGISTERS and zeros:
            raw = _REGISTERS * math.log(_REGISTERS / zeros)
        return max(EXACT_LIMIT + 1, round(raw)), False

    def encode(self) -> str:
        """Base64 text; equal sets give equal text."""
        if self._registers is None:
            content = _EXACT + b"".join(key + self._exact[key] for key in sorted(self._exact))
        else:
            content = _DENSE + _packed(self._registers.tobytes())
        return base64.b64encode(content).decode("ascii")

    @classmethod
    def decode(cls, text: str) -> "DistinctSketch":
        """The sketch of an `encode`d text. Raises ValueError if it is none."""
        content, sketch = base64.b64decode(text, validate=True), cls()
        if content[:1] == _EXACT and (len(content) - 1) % _ENTRY == 0:
            for start in range(1, len(content), _ENTRY):
                sketch._exact[content[start : start + 8]] = content[start + 8 : start + _ENTRY]
            return sketch
        if content[:1] == _DENSE:
            sketch._registers = np.frombuffer(zlib.decompress(content[1:]), dtype=np.uint8).copy()
            if len(sketch._registers) == _REGISTERS:
                return sketch
        raise ValueError("not a distinct sketch")

    def _settle(self) -> None:
        if len(self._exact) > EXACT_LIMIT:
            self._dense()

    def _dense(self) -> npt.NDArray[np.uint8]:
        if self._registers is None:
            self._registers = np.zeros(_REGISTERS, dtype=np.uint8)
            for place in self._exact.values():
                register = int.from_bytes(place[:2], "big")
                self._registers[register] = max(int(self._registers[register]), place[2])
            self._exact = {}
        return self._registers

    def _copy(self) -> "DistinctSketch":
        copy = DistinctSketch()
        copy._exact = dict(self._exact)
        copy._registers = None if self._registers is None else self._registers.copy()
        return copy


@lru_cache(maxsize=16)
def _packed(registers: bytes) -> bytes:
    # Where all values match, a column and the evidence of its detectors hold the same registers.
    return zlib.compress(registers, 6)


def _split(hashes: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    register = (hashes >> np.uint64(64 - _P)).astype(np.int64)
    rest = (hashes << np.uint64(_P)) | np.uint64(1 << (_P - 1))
    # frexp of the float gives the bit length; rounding up at 53 bits is the same everywhere, hence harmless.
    rank = (65 - np.frexp(rest.astype(np.float64))[1]).astype(np.uint8)
    return register, rank
