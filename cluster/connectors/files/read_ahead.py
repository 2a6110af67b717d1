"""Reading an object of a store in blocks, the next ones while this one is looked at.

For formats that are read from front to back: a request for each of their small parts would be mostly waiting. Used
where no budget is to be kept: under one, what is asked for is what may come.
"""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

from cluster.connectors.files.tree import Opened

BLOCK, AHEAD = 4 << 20, 2
HELD = 4
"""Blocks that are kept."""


class ReadAhead:
    """A file of a store. Holds `HELD` blocks at most, those among them that are on their way."""

    def __init__(self, file: Opened) -> None:
        self.name, self.size, self.version, self.near = file.name, file.size, file.version, file.near
        self.shelf = file.shelf
        self._file = file
        self._held: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._threads = ThreadPoolExecutor(1 + AHEAD, "read-ahead")

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(self.size, offset + length)
        if end <= offset:
            return b""
        first, last = offset // BLOCK, (end - 1) // BLOCK
        parts = [self._block(number, ahead=number == last) for number in range(first, last + 1)]
        if len(parts) == 1:
            return parts[0][offset - first * BLOCK : end - first * BLOCK]
        parts[0], parts[-1] = parts[0][offset - first * BLOCK :], parts[-1][: end - last * BLOCK]
        return b"".join(parts)

    def __del__(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _block(self, number: int, *, ahead: bool) -> bytes:
        begun = self._begun(number)
        following = range(number + 1, min(number + 1 + AHEAD, -(-self.size // BLOCK))) if ahead else ()
        for later in following:
            self._begun(later)
        try:
            return begun.result()
        except BaseException:
            self._held.pop(number, None)  # the next one who asks is to try again
            raise

    def _begun(self, number: int) -> "Future[bytes]":
        found = self._held.get(number)
        if found is None:
            found = self._threads.submit(self._file.read_at, number * BLOCK, BLOCK)
            self._held[number] = found
            if len(self._held) > max(HELD, 1 + AHEAD):
                self._held.popitem(last=False)
        self._held.move_to_end(number)
        return found
