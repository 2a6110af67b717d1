"""A folder, or one file, of this machine. Nothing outside of it is ever opened: links are not followed."""

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cluster.connectors.files.tree import MOST_FILES, Entry, Listing
from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable
from cluster.formats import format_of
from cluster.security.folders import check_folder

_MOST_DEPTH = 64


class LocalTree:
    """The files under `place`, which may itself be reached by links."""

    def __init__(self, place: Path) -> None:
        self.root = str(place)
        self._place = place
        self._single: str | None = None

    def list(self, listing: Listing) -> Iterator[Entry]:
        folder = self._folder()
        if self._single is not None:
            status = os.stat(folder / self._single)
            listing.world_readable += bool(status.st_mode & stat.S_IROTH)
            yield _entry(self._single, status)
            return
        for count, (path, status) in enumerate(_walk(folder, "", listing, 0)):
            if count == MOST_FILES:
                problem = SourceUnreadable(f"There are more than {MOST_FILES} files.", "Register parts of the folder.")
                listing.fail(self.root, problem)
                return
            listing.world_readable += bool(status.st_mode & stat.S_IROTH)
            yield _entry(path, status)

    def open(self, path: str, version: str | None) -> "LocalFile":
        folder = self._folder()
        if not path or path.startswith("/") or ".." in path.split("/") or "\x00" in path:
            raise SourceDenied("The path leaves the folder of the source.", "Discover the source again.")
        parent = os.path.realpath((folder / path).parent)
        if os.path.commonpath([parent, folder]) != str(folder):
            raise SourceDenied(f"{path} lies outside of the source.", "Links that leave the folder are not followed.")
        try:
            handle = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _fault(error, path) from None
        file = LocalFile(path, handle)
        if not stat.S_ISREG(file.status.st_mode):
            file.close()
            raise SourceUnreadable(f"{path} is no ordinary file.", "Leave it out.")
        if version is not None and not _still(file.status, version):
            file.close()
            raise SourceObjectGone(f"{path} was replaced after it was planned.", "Scan the source again.")
        return file

    def asks(self, version: str | None) -> bool:
        return True

    def names(self, folder: str) -> dict[str, int]:
        place = os.path.realpath(self._folder() / folder)
        if os.path.commonpath([place, self._folder()]) != str(self._folder()):
            raise SourceDenied(f"{folder} lies outside of the source.", "Links that leave the folder are not followed.")
        try:
            with os.scandir(place) as found:
                return {e.name: e.stat().st_size for e in found if e.is_file(follow_symlinks=False)}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise _fault(error, folder) from None

    def close(self) -> None:
        """Nothing is held open between calls."""

    def open_to_all(self) -> bool:
        """Whether any user of this machine can get at the folder, by the modes of it and the folders above."""
        folder = self._folder()
        return all(above.stat().st_mode & stat.S_IXOTH for above in (folder, *folder.parents))

    def _folder(self) -> Path:
        try:
            place = self._place.resolve(strict=True)
            check_folder(place)  # a link may lead elsewhere than when the source was opened
            if place.is_dir():
                return place
            if format_of(place.name) is None:
                raise SourceUnreadable(
                    f"{place.name} has no format that is known.", "Name a folder, CSV, JSONL or Parquet."
                )
        except (OSError, RuntimeError) as error:
            if isinstance(error, PermissionError):
                raise SourceDenied(f"{self.root} may not be entered.", "Give the account of Sextant access.") from None
            raise SourceUnreachable(f"{self.root} is not there.", "Check the path, and that it is mounted.") from None
        self._single = place.name
        return place.parent


class LocalFile:
    """An open file. The handle is closed with the object."""

    near = True

    def __init__(self, name: str, handle: int) -> None:
        self.name, self._handle = name, handle
        self.status = os.fstat(handle)
        self.shelf: dict[int, bytes] = {}
        self.size, self.version = self.status.st_size, _version(self.status)

    def read_at(self, offset: int, length: int) -> bytes:
        parts = []
        while length > 0:
            try:
                part = os.pread(self._handle, length, offset)
            except OSError as error:
                raise _fault(error, self.name) from None
            if not part:
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        self.close()


def _entry(path: str, status: os.stat_result) -> Entry:
    return Entry(path, status.st_size, _version(status), _time(status.st_mtime))


def _time(seconds: float) -> datetime | None:
    """The time of a file system's clock; None where it is beyond all calendars."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _still(status: os.stat_result, version: str) -> bool:
    """Whether the file is as it was, or has only grown: what was planned of a log that is written to is still there."""
    if _version(status) == version:
        return True
    size, _, inode = version.split("-")
    return status.st_ino == int(inode) and status.st_size > int(size)


def _walk(folder: Path, prefix: str, listing: Listing, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        if prefix:
            listing.fail(_printable(prefix), _fault(error, _printable(prefix)))
            return
        raise _fault(error, str(folder)) from None
    for entry in entries:
        path = f"{prefix}{entry.name}"
        try:
            if entry.is_symlink():
                listing.links += 1
            elif entry.is_dir(follow_symlinks=False):
                if depth >= _MOST_DEPTH:
                    listing.fail(
                        _printable(path), SourceUnreadable("Folders are nested too deep.", "Register it alone.")
                    )
                else:
                    yield from _walk(folder / entry.name, f"{path}/", listing, depth + 1)
            elif format_of(entry.name) is None or not entry.is_file(follow_symlinks=False):
                listing.notice(path)
                listing.ignored += 1
            elif _printable(path) != path:
                fault = SourceUnreadable(
                    "The file's name is not UTF-8, or holds control characters.", "Rename the file."
                )
                listing.fail(_printable(path), fault, complete=True)
            else:
                listing.notice(path)
                yield path, entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # deleted between the two calls
        except OSError as error:
            listing.fail(_printable(path), _fault(error, _printable(path)))


def _printable(path: str) -> str:
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _fault(error: OSError, path: str) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceDenied(f"{path} may not be read.", "Give the account of Sextant the right to read it.")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceObjectGone(f"{path} is no longer there.", "Discover the source again.")
    if error.errno == errno.ELOOP:
        return SourceDenied(f"{path} is a link, and links are not followed.", "Register the folder it leads to.")
    name = errno.errorcode.get(error.errno or 0, "EIO")
    return SourceUnreadable(f"{path} could not be read ({name}).", "Check the disk or network share.")
