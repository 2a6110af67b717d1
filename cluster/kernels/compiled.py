"""Compiles the inner loops over bytes with numba, when the module of a loop is first imported.

Such modules are imported only by what scans. What was compiled is kept beside Python's own compiled files, and in the
home where those cannot be written, so that each machine compiles a loop once; where neither can be, each process does.
A loop takes arrays of fixed types: give one that differs and numba refuses it with TypeError.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.settings import settings

if not os.access(Path(__file__).parent, os.W_OK):
    os.environ.setdefault("NUMBA_CACHE_DIR", str(settings().home / "compiled"))

from numba import njit, types  # it reads that variable when it is imported

Loop = Callable[..., Any]

Byte, Flag, Nothing = types.uint8, types.boolean, types.void
Int, Long, Rank, Word = types.int32, types.int64, types.uint32, types.uint64


def read(of: Any) -> Any:
    """The type of an array that a loop only reads; it takes those that may be written too."""
    return types.Array(of, 1, "C", readonly=True)


def written(of: Any) -> Any:
    """The type of an array that a loop writes to."""
    return types.Array(of, 1, "C")


def compiled(*signatures: Any) -> Callable[[Loop], Loop]:
    """Compiles a function for these signatures: integers wrap around, indices are not checked, the lock is released."""

    def over(loop: Loop) -> Loop:
        try:
            return njit(list(signatures), cache=True, nogil=True, error_model="numpy")(loop)
        except RuntimeError:  # no folder to keep it in
            return njit(list(signatures), nogil=True, error_model="numpy")(loop)

    return over
