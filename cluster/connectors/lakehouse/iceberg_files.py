"""Files as pyiceberg asks for them, out of the source's own tree: with its credential, and within its root."""

from typing import TYPE_CHECKING, NoReturn

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile

from cluster.connectors.lakehouse.places import Places
from cluster.errors import SourceObjectGone
from cluster.formats.streams import SeekableContent

if TYPE_CHECKING:
    from cluster.connectors.files.tree import Tree


class TreeIO(FileIO):
    """Reads what lies below the root of a source. Raises SourceDenied for anything else, and never writes."""

    def __init__(self, tree: "Tree", places: Places) -> None:
        super().__init__()
        self._tree, self._places = tree, places

    def new_input(self, location: str) -> InputFile:
        return _Input(location, self._tree, self._places.of(location))

    def new_output(self, location: str) -> OutputFile:
        _refuse()

    def delete(self, location: str | InputFile | OutputFile) -> None:
        _refuse()


class _Input(InputFile):
    def __init__(self, location: str, tree: "Tree", path: str) -> None:
        super().__init__(location)
        self._tree, self._path = tree, path

    def __len__(self) -> int:
        return self._tree.open(self._path, None).size

    def exists(self) -> bool:
        try:
            self._tree.open(self._path, None)
        except SourceObjectGone:
            return False
        return True

    def open(self, seekable: bool = True) -> InputStream:
        return SeekableContent(self._tree.open(self._path, None))


def _refuse() -> NoReturn:
    raise NotImplementedError("Sources are only read.")
