"""How large the pages of a Parquet column chunk are, from their headers alone.

The header of a page is a Thrift struct in the compact protocol (parquet.thrift, PageHeader: 1 type, 2 size
uncompressed, 3 size compressed). A page is decoded as a whole, so that its size is what a reader must hold.
"""

from typing import TYPE_CHECKING, NamedTuple

from cluster.formats.layout import Content

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_HEADER = 1 << 9
_LONGEST_HEADER = 1 << 20  # statistics of long texts may be in it
_DICTIONARY = 2
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_NUMBERS = (4, 5, 6)


class Pages(NamedTuple):
    """Bytes of the largest page, packed and unpacked, and of the unpacked dictionary; and how many data pages."""

    packed: int = 0
    unpacked: int = 0
    dictionary: int = 0
    data_pages: int = 0

    @property
    def held(self) -> int:
        """Bytes that decoding holds: an unpacked page, and the dictionary with what is made of it."""
        return self.unpacked + 2 * self.dictionary

    @property
    def passing(self) -> int:
        """Bytes that are held besides while a page is unpacked, where there are several beside the one before it."""
        return self.packed + (self.packed + self.unpacked if self.data_pages > 1 else 0)


def extent(chunk: "pq.ColumnChunkMetaData") -> tuple[int, int]:
    """Where the bytes of a column chunk begin and end in its file."""
    first = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        first = min(first, chunk.dictionary_page_offset)
    return first, first + chunk.total_compressed_size


def pages_of(content: Content, chunk: "pq.ColumnChunkMetaData") -> Pages:
    """The pages of a chunk. Raises ValueError if the headers are damaged."""
    place, end = extent(chunk)
    packed = unpacked = dictionary = count = 0
    while place < end:
        kind, size, stored, header = _header(content, place, end)
        if kind == _DICTIONARY:
            dictionary = max(dictionary, size)
        count += kind != _DICTIONARY
        packed, unpacked = max(packed, stored), max(unpacked, size)
        place += header + stored
    return Pages(packed, unpacked, dictionary, count)


def _header(content: Content, place: int, end: int) -> tuple[int, int, int, int]:
    """Type, size, stored size and the length of the header of the page at a place."""
    length = _HEADER
    while True:
        data = content.read_at(place, min(length, end - place))
        try:
            return _parsed(data)
        except RecursionError:
            raise ValueError from None
        except IndexError:
            if length >= min(_LONGEST_HEADER, end - place):
                raise ValueError from None
            length *= 16


def _parsed(data: bytes) -> tuple[int, int, int, int]:
    cursor, found = _Cursor(data), [0, -1, -1, -1]
    number = 0
    while (kind := data[cursor.place]) & 0x0F:
        cursor.place += 1
        number = number + (kind >> 4) if kind >> 4 else cursor.number()
        if number <= 3 and kind & 0x0F in _NUMBERS:
            found[number] = cursor.number()
        else:
            cursor.skip(kind & 0x0F)
    if min(found) < 0:
        raise ValueError
    return found[1], found[2], found[3], cursor.place + 1


class _Cursor:
    """Steps over values of Thrift's compact protocol. Raises IndexError at the end of the data."""

    def __init__(self, data: bytes) -> None:
        self._data, self.place = data, 0

    def number(self) -> int:
        raw = self._varint()
        return (raw >> 1) ^ -(raw & 1)

    def skip(self, kind: int, *, element: bool = False) -> None:
        if kind in (_TRUE, _FALSE):
            self._step(1 if element else 0)
        elif kind == _BYTE:
            self._step(1)
        elif kind in _NUMBERS:
            self._varint()
        elif kind == _DOUBLE:
            self._step(8)
        elif kind == _BINARY:
            self._step(self._varint())
        elif kind in (_LIST, _SET):
            self._skip_list()
        elif kind == _STRUCT:
            self._skip_struct()
        else:
            raise ValueError

    def _skip_list(self) -> None:
        header = self._data[self.place]
        self.place += 1
        count = header >> 4 if header >> 4 < 15 else self._varint()
        for _ in range(count):
            self.skip(header & 0x0F, element=True)

    def _skip_struct(self) -> None:
        while (kind := self._data[self.place]) & 0x0F:
            self.place += 1
            if not kind >> 4:
                self._varint()
            self.skip(kind & 0x0F)
        self.place += 1

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.place]
            self.place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError

    def _step(self, count: int) -> None:
        self.place += count
        if self.place > len(self._data):
            raise IndexError
