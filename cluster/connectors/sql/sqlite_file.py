"""The file of a SQLite database beside SQLite itself: its header, and what marks a state of it.

Closing any handle of a file gives up all POSIX locks that the process has on it, SQLite's too
(https://www.sqlite.org/howtocorrupt.html, 2.2). So a process opens each file once, and closes it with the last user.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable
from cluster.security.folders import check_folder

_MAGIC = b"SQLite format 3\0"
_CHUNK = 1 << 20
_shared: dict[tuple[int, int], list[int]] = {}  # device and inode: handle, number of users


class SqliteFile:
    """An ordinary file, which may be reached by links. Raises SourceError saying why it cannot be read."""

    def __init__(self, place: Path) -> None:
        self.path = _resolved(place)
        check_folder(self.path)
        self.name = self.path.name
        try:
            found = os.stat(self.path)
            if not stat.S_ISREG(found.st_mode):
                raise SourceUnreadable(f"{self.name} is no file.", "Name the file of a SQLite database.")
            self._key = (found.st_dev, found.st_ino)
            if self._key not in _shared:
                _shared[self._key] = [os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), 0]
        except OSError as error:
            raise _fault(error, self.name) from None
        _shared[self._key][1] += 1
        self.handle = _shared[self._key][0]

    def check(self) -> None:
        """Raises SourceUnreadable if it is no database; an empty file is one that has no table yet."""
        head = os.pread(self.handle, len(_MAGIC), 0)
        if head and head != _MAGIC:
            raise SourceUnreadable(f"{self.name} is no SQLite database, or is encrypted.", "Check the path.")

    def replaced(self) -> bool:
        """Whether another file is at the path by now."""
        with contextlib.suppress(OSError):
            found = os.stat(self.path)
            return (found.st_dev, found.st_ino) != self._key
        return True

    def world_readable(self) -> bool:
        """Whether any user of this machine can read the file, by its mode and those of the folders above."""
        modes = [os.fstat(self.handle).st_mode & stat.S_IROTH]
        return all(modes + [above.stat().st_mode & stat.S_IXOTH for above in self.path.parents])

    def logged(self) -> bool:
        """Whether a write-ahead log holds something, so that the file alone does not tell the content."""
        try:
            return os.stat(f"{self.path}-wal").st_size > 0
        except OSError:
            return False

    def state(self) -> list[object]:
        """Changes with every write: the file's times and change counters, and all that its write-ahead log holds.

        A rollback journal's transactions count up the counter in the header; those of a log only change the log.
        """
        found = os.fstat(self.handle)
        counters = os.pread(self.handle, 100, 0)[24:100]
        return [found.st_ino, found.st_size, found.st_mtime_ns, counters.hex(), self._log()]

    def close(self) -> None:
        entry = _shared.get(self._key)
        if entry is not None and self.handle >= 0:
            entry[1] -= 1
            if not entry[1]:
                os.close(entry[0])
                del _shared[self._key]
        self.handle = -1

    def _log(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        try:
            with open(f"{self.path}-wal", "rb") as log:
                while part := log.read(_CHUNK):
                    digest.update(part)
        except FileNotFoundError:
            pass  # the same as an empty one
        except OSError as error:
            raise _fault(error, f"{self.name}-wal") from None
        return digest.hexdigest()


def _resolved(place: Path) -> Path:
    try:
        return place.resolve(strict=True)
    except PermissionError:
        raise SourceDenied(f"{place.name} may not be read.", "Give the account of Sextant access.") from None
    except (OSError, RuntimeError):
        raise SourceUnreachable(f"{place} is not there.", "Check the path, and that it is mounted.") from None


def _fault(error: OSError, name: str) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceDenied(f"{name} may not be read.", "Give the account of Sextant the right to read it.")
    if isinstance(error, FileNotFoundError):
        return SourceObjectGone(f"{name} is no longer there.", "Discover the source again.")
    return SourceUnreadable(f"{name} could not be read.", "Check the disk or network share.")
