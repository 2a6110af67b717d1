"""Where files lie: a local folder, or a bucket that speaks S3. Both list, and open for reading with seek."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from cluster.connectors.interface import Problem
from cluster.errors import (
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
)


@dataclass(frozen=True)
class Listed:
    """A file as listed: path within the source, size in bytes, and what changes when its content does."""

    path: str
    size: int
    fingerprint: str


class Store(Protocol):
    """A place of files. Raises the SourceError family."""

    def files(self, problems: list[Problem]) -> Iterator[Listed]:
        """Every file below the root, sorted within a folder; what could not be listed becomes a problem."""
        ...

    def open(self, path: str) -> BinaryIO: ...

    def facts(self) -> dict[str, Any]: ...


class FolderStore:
    """A local or mounted folder. Links are not followed, so nothing outside the root is ever read."""

    def __init__(self, root: Path) -> None:
        self._root = root.parent if root.is_file() else root
        self._only = root.name if root.is_file() else None

    def files(self, problems: list[Problem]) -> Iterator[Listed]:
        if not self._root.is_dir():
            raise SourceUnreachable(
                "The folder does not exist on this machine.", "Check the path, and that it is mounted."
            )
        if self._only:
            yield self._listed(self._root / self._only)
            return
        yield from self._walk(self._root, problems)

    def open(self, path: str) -> BinaryIO:
        # Every folder on the way is opened without following links: the tree may change while it is read.
        with _translating_os(path):
            descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
            for place, name in enumerate(parts := path.split("/")):
                kind = os.O_DIRECTORY if place < len(parts) - 1 else 0
                try:
                    inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=descriptor)
                finally:
                    os.close(descriptor)
                descriptor = inner
            return os.fdopen(descriptor, "rb")

    def facts(self) -> dict[str, Any]:
        mode = self._root.stat().st_mode if self._root.is_dir() else 0
        return {"tls": None, "world_readable": bool(mode & stat.S_IROTH), "loopback": True}

    def _walk(self, folder: Path, problems: list[Problem]) -> Iterator[Listed]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            problems.append(_problem(self._relative(folder), _os_error(error, self._relative(folder))))
            return
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(entry.path), problems)
                elif entry.is_file(follow_symlinks=False):
                    yield self._listed(Path(entry.path))
            except OSError as error:
                problems.append(_problem(self._relative(Path(entry.path)), _os_error(error, entry.name)))

    def _listed(self, path: Path) -> Listed:
        status = path.stat(follow_symlinks=False)
        mark = f"file:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
        return Listed(self._relative(path), status.st_size, mark)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


class S3Store:
    """A bucket, or a prefix in it, of Amazon S3 or anything that speaks its protocol."""

    def __init__(self, bucket: str, prefix: str, options: Mapping[str, str], credential: Mapping[str, str]) -> None:
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._endpoint = options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL")
        self._anonymous = options.get("anonymous", "").lower() == "true"
        self._config = _s3_config(options, credential, self._endpoint, self._anonymous)
        self._opened: Any = None

    def files(self, problems: list[Problem]) -> Iterator[Listed]:
        import obstore

        with _translating(self._prefix):
            for page in obstore.list(self._store(), prefix=self._prefix or None, chunk_size=1000):
                for entry in page:
                    path = str(entry["path"]).removeprefix(self._prefix)
                    mark = f"s3:{entry['e_tag']}:{entry['size']}:{entry['last_modified'].isoformat()}"
                    yield Listed(path, int(entry["size"]), mark)

    def open(self, path: str) -> BinaryIO:
        import obstore

        with _translating(path):
            reader = obstore.open_reader(self._store(), self._prefix + path, buffer_size=4 << 20)
            return cast(BinaryIO, _Reader(reader, path))

    def facts(self) -> dict[str, Any]:
        secure = not (self._endpoint or "https").startswith("http://")
        return {"tls": secure, "authenticated": not self._anonymous, "endpoint": bool(self._endpoint)}

    def _store(self) -> Any:
        if self._opened is None:
            from obstore.store import S3Store as Bucket

            retry = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
            timeouts = {"timeout": "60s", "connect_timeout": "10s", "allow_http": True}
            self._opened = Bucket(self._bucket, config=self._config, client_options=timeouts, retry_config=retry)
        return self._opened


class _Reader:
    """obstore's reader as Python's `BinaryIO`: plain bytes, and our errors."""

    def __init__(self, reader: Any, path: str) -> None:
        self._reader, self._path, self.closed = reader, path, False

    def read(self, size: int = -1) -> bytes:
        with _translating(self._path):
            return bytes(self._reader.read(size if size >= 0 else None))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
            self.closed = True

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _s3_config(
    options: Mapping[str, str], credential: Mapping[str, str], endpoint: str | None, anonymous: bool
) -> dict[str, str]:
    ambient = os.environ
    config = {
        "region": options.get("region") or ambient.get("AWS_REGION") or ambient.get("AWS_DEFAULT_REGION") or "us-east-1"
    }
    if endpoint:
        config["endpoint"] = endpoint
    if anonymous:
        return config | {"skip_signature": "true"}
    names = {
        "access_key_id": ("access_key_id", "username", "AWS_ACCESS_KEY_ID"),
        "secret_access_key": ("secret_access_key", "password", "AWS_SECRET_ACCESS_KEY"),
        "session_token": ("session_token", "", "AWS_SESSION_TOKEN"),
    }
    for target, (name, alias, variable) in names.items():
        value = credential.get(name) or credential.get(alias) or (ambient.get(variable) if not credential else None)
        if value:
            config[target] = value
    return config


@contextmanager
def _translating_os(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _os_error(error, path) from None


@contextmanager
def _translating(path: str) -> Iterator[None]:
    from obstore import exceptions

    context = {"asset": path} if path else None
    try:
        yield
    except (FileNotFoundError, exceptions.NotFoundError):
        raise SourceObjectGone(
            "The bucket or the object is not there.", "Check the name; discover again.", context
        ) from None
    except (PermissionError, exceptions.PermissionDeniedError):
        raise SourceDenied(
            "The credential may not read this.", "Grant s3:ListBucket and s3:GetObject.", context
        ) from None
    except exceptions.UnauthenticatedError:
        raise SourceAuthFailed("The credential was refused.", "Set a valid key of the source.", context) from None
    except (exceptions.BaseError, OSError):
        raise SourceUnreachable(
            "The object store could not be reached.", "Check endpoint, region and network.", context
        ) from None


def _os_error(error: OSError, path: str) -> SourceError:
    context = {"asset": path}
    if isinstance(error, FileNotFoundError):
        return SourceObjectGone("The file is no longer there.", "Discover the source again.", context)
    if isinstance(error, PermissionError):
        return SourceDenied("The file or folder may not be read.", "Give read permission to Sextant's user.", context)
    return SourceUnreachable(
        f"The file could not be opened ({error.strerror}).", "Check the disk or the mount.", context
    )


def _problem(path: str, error: SourceError) -> Problem:
    return Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy)
