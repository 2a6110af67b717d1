"""Files in a store that are read a stretch after the other (row groups, stripes), with few large requests.

A reader of such a file asks for the parts of each column in turn, which of a store is mostly waiting. Here a stretch is
asked for in parts of up to `PART` bytes, small ones together in one, and kept until the reader goes on to the next.
Where the store may be asked several things at once, the following parts are on their way meanwhile.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from cluster.formats.layout import Concurrent, Content
from cluster.formats.streams import SeekableContent

GATHERED, AHEAD = 80 << 20, 64 << 20
"""Bytes of a stretch up to which it is held as a whole; and of all that is held while following ones are asked for."""
PART, HOLE = 16 << 20, 64 << 10
TAIL = 64 << 10
"""Bytes of the end of a file that are asked for first: where the footers of most files are as a whole."""
Extents = Sequence[tuple[int, int]]


class Gathered:
    """The content of a file that is read in stretches. What is near is read as it is asked. Close it after use."""

    def __init__(self, content: Content) -> None:
        self.name, self.size, self.near = content.name, content.size, content.near
        self._content, self._concurrent = content, isinstance(content, Concurrent)
        self._tail = _Part(max(0, content.size - TAIL), content.size)
        self._parts: list[_Part] = []
        self._end = content.size  # behind it, bytes of stretches are there already: only if they came just now
        if not self.near:
            self._begin_tail(getattr(content, "shelf", {}))

    def _begin_tail(self, shelf: dict[int, bytes]) -> None:
        """The end of the file, which is asked for once however many partitions are read of it."""
        if self._tail.start not in shelf:
            shelf[self._tail.start] = self._content.read_at(self._tail.start, TAIL)
            self._end = self._tail.start
        self._tail.fill(shelf[self._tail.start])

    def expect(self, stretches: Sequence[Extents]) -> None:
        """Says where the bytes of each stretch are. Those above `GATHERED` are not held, but read as they are asked."""
        self._parts = []
        for number, extents in enumerate(() if self.near else stretches):
            if sum(end - start for start, end in extents) > GATHERED:
                continue
            for start, told in extents:
                end = min(told, self._end)
                last = self._parts[-1] if self._parts else None
                if last is not None and 0 <= start - last.end <= HOLE and end - last.start <= PART:
                    last.end, last.until = end, number
                    continue
                cuts = range(start, end, PART)
                self._parts += [_Part(cut, min(end, cut + PART), number, number) for cut in cuts]

    def turn(self, number: int) -> None:
        """The reader comes to a stretch: it is asked for, and what is before it is no longer held."""
        self._parts = [part for part in self._parts if part.until >= number or part.drop()]
        for part in self._parts:
            if part.since <= number:
                part.begin(self._content)

    def ahead(self) -> None:
        """The reader wants more than a first batch: what follows is asked for, where it may be."""
        held = 0
        for part in self._parts if self._concurrent else ():
            held += part.end - part.start
            if held <= AHEAD:
                part.begin(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self.view_at(offset, length))

    def view_at(self, offset: int, length: int) -> "memoryview | bytes":
        """As `read_at`, without a copy where the bytes are held in one part."""
        place, end = offset, min(self.size, offset + length)
        found: list[memoryview] = []
        while place < end:
            part = next((part for part in (*self._parts, self._tail) if part.holds(place)), None)
            if part is None or not (view := part.view(place, min(end, part.end))):
                return self._content.read_at(offset, length)
            found.append(view)
            place += len(view)
        return found[0] if len(found) == 1 else b"".join(found)

    def stream(self) -> SeekableContent:
        """The content as Arrow reads it."""
        return _Views(self)

    def close(self) -> None:
        """Asks for nothing more."""
        for part in self._parts:
            part.drop()
        self._parts = []


class _Part:
    """Bytes from `start` to `end`, which the stretches `since` to `until` need."""

    def __init__(self, start: int, end: int, since: int = 0, until: int = 0) -> None:
        self.start, self.end, self.since, self.until = start, end, since, until
        self._coming: Future[memoryview] | None = None

    def holds(self, place: int) -> bool:
        return self._coming is not None and self.start <= place < self.end

    def begin(self, content: Content) -> None:
        if self._coming is not None:
            return
        if isinstance(content, Concurrent):
            self._coming = content.begin(self.start, self.end - self.start)
        else:
            self.fill(content.read_at(self.start, self.end - self.start))

    def fill(self, data: bytes) -> None:
        self._coming = Future()
        self._coming.set_result(memoryview(data))

    def view(self, start: int, end: int) -> memoryview:
        assert self._coming is not None
        return self._coming.result()[start - self.start : end - self.start]

    def drop(self) -> bool:
        if self._coming is not None:
            self._coming.cancel()
        return False


class _Views(SeekableContent):
    def __init__(self, content: Gathered) -> None:
        super().__init__(content)
        self._gathered = content

    def read(self, size: int = -1) -> Any:
        data = self._gathered.view_at(self.tell(), self._left(size))
        self.seek(len(data), 1)
        return data
