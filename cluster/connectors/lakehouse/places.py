"""Where the files are that the log of a table names: below the source's root, or nowhere that Sextant goes."""

import re
from urllib.parse import unquote, urlsplit

from cluster.errors import SourceDenied

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|/")
_OTHER_NAMES = {"s3a": "s3", "s3n": "s3", "abfs": "abfss", "wasb": "abfss", "wasbs": "abfss"}


class Places:
    """Turns names in a log into paths below the root. `root` is the source's URL, `folder` the table's below it.

    `origin` is where the table was written (Iceberg says so): what lies below that is found below `folder`, so that
    a table that was copied as a whole, or is reached by another name, can be read where it is now.
    """

    def __init__(self, root: str, folder: str, what: str, origin: str | None = None) -> None:
        self._root, self._folder, self._what = _plain(root, quoted=True), folder, what
        self._origin = _plain(origin) if origin else None

    def of(self, name: str) -> str:
        """The path below the root. Raises SourceDenied for one that is not below it."""
        if not _ABSOLUTE.match(name):
            return self._checked(f"{self._folder}/{name}".lstrip("/"))
        place = _plain(name)
        if self._origin is not None and place.startswith(f"{self._origin}/"):
            return self._checked(f"{self._folder}/{place.removeprefix(self._origin).lstrip('/')}".lstrip("/"))
        if place.startswith(f"{self._root}/"):
            return self._checked(place.removeprefix(self._root).lstrip("/"))
        raise SourceDenied(
            f"{self._what} has data files outside of the source.", "Register the folder or bucket that holds them all."
        )

    def _checked(self, path: str) -> str:
        if ".." in path.split("/") or "\x00" in path:
            raise SourceDenied(f"{self._what} names files outside of the source.", "Leave it out.")
        return path


def _plain(name: str, *, quoted: bool = False) -> str:
    """One way to write a place: scheme://bucket/key, or file:///path."""
    parts = urlsplit(name)
    if parts.scheme in ("", "file"):
        path = name if not parts.scheme else name.partition(":")[2]
        path = "/" + path.removeprefix("//localhost").lstrip("/")
        return "file://" + (unquote(path) if quoted else path).rstrip("/")
    scheme, rest = _OTHER_NAMES.get(parts.scheme, parts.scheme), name.partition("://")[2]
    return f"{scheme}://{unquote(rest) if quoted else rest}".rstrip("/")
