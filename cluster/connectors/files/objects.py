"""A bucket or container, or what lies under a prefix of it, in one of the stores of `stores`."""

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple, TypeVar, cast

import obstore

from cluster.connectors.files.stores import Place, fault, place_of, throttled
from cluster.connectors.files.tree import MOST_FILES, Entry, Listing
from cluster.connectors.files.versions import known_by, version_of
from cluster.connectors.interface import SourceAccess
from cluster.connectors.options import flag
from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreadable
from cluster.formats import format_of

T = TypeVar("T")
ABREAST = 3
"""Requests for parts of one object that are under way at once."""
SHELVES = 8
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds, each with up to half more by chance, before a request that a store has put off is made again."""


class _Way(NamedTuple):
    """How an object is asked for."""

    store: Any
    storage: str
    threads: ThreadPoolExecutor
    shelves: "_Shelves"


class _Shelves:
    """What formats keep of the objects that were opened last, which are often opened again for the next partition."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], dict[int, bytes]] = OrderedDict()
        self._lock = Lock()

    def of(self, key: str, version: str) -> dict[int, bytes]:
        with self._lock:
            found = self._kept.setdefault((key, version), {})
            self._kept.move_to_end((key, version))
            while len(self._kept) > SHELVES:
                self._kept.popitem(last=False)
            return found


class ObjectTree:
    """Keys under a prefix. Credentials: the source's own, else those of the environment or the machine's role."""

    def __init__(self, access: SourceAccess, credential: Mapping[str, str]) -> None:
        self._place: Place = place_of(access, credential)
        self.root, self.bucket, self.prefix = access.url, self._place.bucket, self._place.prefix
        self.endpoint, self.storage = self._place.endpoint, self._place.storage
        self.anonymous = bool(flag(access.options, "anonymous"))
        self._opened: Any = None
        self._shelves = _Shelves()
        self._threads = ThreadPoolExecutor(ABREAST, "object-store")  # which start when they are needed

    @property
    def tls(self) -> bool:
        return self._place.tls

    def list(self, listing: Listing) -> Iterator[Entry]:
        count = 0
        for meta in self._objects(self._store()):
            key = str(meta["path"])
            path = key.removeprefix(self.prefix).lstrip("/") or key.rpartition("/")[2]
            if self.prefix and key != self.prefix and not key.startswith(f"{self.prefix}/"):
                continue
            listing.notice(path)
            if format_of(path) is None:
                listing.ignored += not key.endswith("/")
            elif not path.isprintable():
                fault = SourceUnreadable("The key holds control characters.", "Rename the object.")
                listing.fail(path.encode("unicode_escape").decode(), fault, complete=True)
            elif count == MOST_FILES:
                listing.fail(self.root, SourceUnreadable(f"There are more than {MOST_FILES} files.", "Register parts."))
                return
            else:
                count += 1
                yield Entry(path, int(meta["size"]), version_of(meta), meta["last_modified"])

    def open(self, path: str, version: str | None) -> "ObjectFile":
        if not path or ".." in path.split("/"):
            raise SourceDenied("The path leaves the prefix of the source.", "Discover the source again.")
        store = self._store()
        single = bool(self.prefix) and format_of(self.prefix) is not None and self.prefix.rpartition("/")[2] == path
        key = self.prefix if single else f"{self.prefix}/{path}".lstrip("/")
        known = known_by(version) if version else None
        if known is not None:  # a store holds each request to the tag, so that another version is never read
            return ObjectFile(self._way(), key, path, known)
        meta = _calling(path, self.storage, lambda: obstore.head(store, key))
        if version is not None and version_of(meta) != version:
            raise SourceObjectGone(f"{path} was replaced after it was planned.", "Scan the source again.")
        return ObjectFile(self._way(), key, path, meta)

    def asks(self, version: str | None) -> bool:
        return version is None or known_by(version) is None

    def names(self, folder: str) -> dict[str, int]:
        prefix = f"{self.prefix}/{folder}".strip("/")
        found = {str(meta["path"]): int(meta["size"]) for meta in self._behind(self._store(), prefix, 1000)}
        inside = {key.removeprefix(f"{prefix}/").lstrip("/"): size for key, size in found.items()}
        return {name: size for name, size in inside.items() if "/" not in name}

    def reach(self) -> None:
        """Lists a first object. Raises SourceError saying why that is not possible."""
        next(iter(self._objects(self._store(), 1)), None)

    def open_to_all(self) -> bool | None:
        """True if the bucket can be listed without any credential; None if not, as single objects may still be open."""
        if self.anonymous:
            return True
        try:
            next(iter(self._objects(self._make(anonymous=True), 1)), None)
        except SourceError:
            return None
        return True

    def close(self) -> None:
        self._opened = None
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _objects(self, store: Any, most: int | None = None) -> Iterator[Any]:
        # Prefixes of a store are matched by whole path segments; a single object is found by its own key.
        if self.prefix and format_of(self.prefix) is not None:
            try:
                yield _calling(self.root, self.storage, lambda: obstore.head(store, self.prefix))
                return
            except SourceObjectGone:
                pass  # a "folder" whose name ends like a file
        yield from self._behind(store, self.prefix, most or 1000)

    def _behind(self, store: Any, prefix: str, size: int) -> Iterator[Any]:
        """Everything under a prefix, in the order of the keys."""
        last: str | None = None
        waits = iter(WAITS)
        while True:
            # A store that ends a list early says nothing of it: a list is over when nothing comes behind its last key.
            begun, seen = last, last
            try:
                for page in _pages(lambda: self._listed(store, prefix, begun, size)):  # noqa: B023 - used at once
                    found = sorted(page, key=lambda meta: str(meta["path"]))
                    yield from found
                    last = max(last or "", *(str(meta["path"]) for meta in found)) if found else last
            except _FAULTS as error:  # never the end of the list: it is gone on with behind the last key
                if not _put_off(error, waits):
                    raised = fault(error, self.root, self.storage)
                    break
                continue
            if last == seen:
                return
        raise raised from None

    def _listed(self, store: Any, prefix: str, behind: str | None, size: int) -> Any:
        return obstore.list(store, prefix=prefix or None, offset=behind, chunk_size=size)

    def _store(self) -> Any:
        if self._opened is None:
            self._opened = self._make(self.anonymous)
        return self._opened

    def _way(self) -> _Way:
        return _Way(self._store(), self.storage, self._threads, self._shelves)

    def _make(self, anonymous: bool) -> Any:
        return _calling(self.root, self.storage, lambda: self._place.opened(anonymous=anonymous))


class ObjectFile:
    """One object in the version that was there when it was opened."""

    near = False

    def __init__(self, way: _Way, key: str, name: str, meta: Mapping[str, Any]) -> None:
        self.name, self.size, self.version = name, int(meta["size"]), version_of(meta)
        self._way, self._key, self._tag = way, key, meta.get("e_tag")
        self.shelf = way.shelves.of(key, self.version)

    def begin(self, offset: int, length: int) -> Future[memoryview]:
        return self._way.threads.submit(self._view, offset, length)

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self._view(offset, length))

    def _view(self, offset: int, length: int) -> memoryview:
        """What came, without a copy."""
        end = min(self.size, offset + length)
        if end <= offset:
            return memoryview(b"")
        options: dict[str, Any] = {"range": (offset, end)}
        if self._tag:
            options["if_match"] = self._tag
        return _calling(self.name, self._way.storage, lambda: self._got(options))

    def _got(self, options: Mapping[str, Any]) -> memoryview:
        found = obstore.get(self._way.store, self._key, options=cast(Any, options))
        if not self._same(found.meta):  # a store that heeds no If-Match, or has no tags to hold it to
            raise SourceObjectGone(f"{self.name} was replaced while it was read.", "Scan the source again.")
        return memoryview(cast(Any, found.bytes()))

    def _same(self, meta: Any) -> bool:
        """Whether an answer is of the version that was opened, by what it tells: tag, else time and size."""
        tag = meta.get("e_tag")
        if self._tag and not tag:
            return int(meta["size"]) == self.size
        return tag == self._tag if self._tag else version_of(meta) == self.version


_FAULTS = (obstore.exceptions.BaseError, OSError, ValueError)


def _pages(begin: Callable[[], Any]) -> Iterator[Any]:
    yield from begin()


def _put_off(error: Exception, waits: Iterator[float]) -> bool:
    """Whether a store asked to be asked more slowly; then some time has passed, longer each time, until it is over."""
    if not throttled(error) or (wait := next(waits, None)) is None:
        return False
    time.sleep(wait * random.uniform(1, 1.5))  # noqa: S311 - so that many workers do not come back at once
    return True


def _calling(what: str, storage: str, call: Callable[[], T]) -> T:
    """The result of a call to the store; its errors as those of the tree, without their text."""
    waits = iter(WAITS)
    while True:
        try:
            return call()
        except _FAULTS as error:
            if not _put_off(error, waits):
                raised: SourceError = fault(error, what, storage)
                break
    raise raised from None
