"""One DuckDB file, opened read only for each thing that is asked of it: while it is open nobody may write to it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable
from cluster.security.folders import check_folder

_MAGIC = b"DUCK"  # from the ninth byte on (storage format of DuckDB)
_CONFIG = {
    "enable_external_access": "false",  # or a view could read other files, or call other hosts
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_unsigned_extensions": "false",
    "lock_configuration": "true",
    "memory_limit": "512MB",
    "threads": "1",
}


class DuckDbFile:
    """Raises SourceError only. `name` is for messages."""

    def __init__(self, place: Path) -> None:
        self.place, self.name = place, place.name

    @contextmanager
    def opened(self, what: str) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A connection in one read-only transaction; errors are about `what`."""
        self._check()
        try:
            connection = duckdb.connect(str(self.place), read_only=True, config=_CONFIG)  # type: ignore[arg-type]
        except (duckdb.Error, RuntimeError) as error:
            raise _refusal(error, self.name) from None
        try:
            connection.execute("BEGIN TRANSACTION READ ONLY")
            yield connection
        except (duckdb.Error, RuntimeError) as error:
            raised = _fault(error, what)
        else:
            return
        finally:
            connection.close()
        raise raised from None  # the message may quote a value

    def rows(self, connection: "duckdb.DuckDBPyConnection", statement: str, *given: Any) -> list[dict[str, Any]]:
        """All rows of a question."""
        connection.execute(statement, list(given))
        names = [column[0] for column in connection.description or ()]
        return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]

    def world_readable(self) -> bool:
        """Whether any user of this machine can read the file, by its mode and those of the folders above."""
        place = self.place.resolve()
        above = (folder.stat().st_mode & stat.S_IXOTH for folder in place.parents)
        return bool(place.stat().st_mode & stat.S_IROTH) and all(above)

    def _check(self) -> None:
        check_folder(self.place)
        try:
            with open(self.place, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise SourceUnreadable(f"{self.name} is no file.", "Name the file of a DuckDB database.")
                head = file.read(12)
        except PermissionError:
            raise SourceDenied(f"{self.name} may not be read.", "Give the account of Sextant access.") from None
        except OSError:
            raise SourceUnreachable(f"{self.place} is not there.", "Check the path, and that it is mounted.") from None
        if head[8:12] != _MAGIC:
            raise SourceUnreadable(f"{self.name} is no DuckDB database, or is cut off.", "Check the path.")


def _refusal(error: Exception, name: str) -> SourceError:
    text = str(error).lower()
    if "lock" in text or "different configuration" in text:
        return SourceUnreachable(f"{name} is open in a program that writes to it.", "Close it there, or try later.")
    if "version" in text:
        return SourceUnreadable(
            f"{name} was written by another version of DuckDB.", "Bring the package duckdb up to date."
        )
    if "encrypt" in text:
        return SourceUnreadable(f"{name} is encrypted.", "Export what is to be governed.")
    return SourceUnreadable(f"{name} could not be opened.", "Open it with DuckDB to see why.")


def _fault(error: Exception, what: str) -> SourceError:
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        return SourceObjectGone(f"{what} is no longer as it was listed.", "Discover the source again.")
    kind = type(error).__name__
    return SourceUnreadable(f"{what} could not be read ({kind}).", "Open it with DuckDB to see why.")
