"""A bucket, or what lies under a prefix of it, in S3 or a store that speaks its protocol."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store

from cluster.connectors.files.tree import MOST_FILES, Entry, Listing
from cluster.connectors.interface import SourceAccess
from cluster.connectors.options import flag
from cluster.errors import (
    AddressRefused,
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
    SourceUnreadable,
)
from cluster.formats import format_of
from cluster.security.egress import egress

T = TypeVar("T")
_REFUSED = (
    "invalidaccesskeyid",
    "signaturedoesnotmatch",
    "invalidtoken",
    "expiredtoken",
    "authfailure",
    "tokenrefresh",
)
_RETRY = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


class S3Tree:
    """Keys under a prefix. Credentials: the source's own, else those of the environment or the machine's role."""

    def __init__(self, access: SourceAccess, credential: Mapping[str, str]) -> None:
        parts = urlsplit(access.url)
        self.root, self.bucket, self.prefix = access.url, parts.netloc, unquote(parts.path).strip("/")
        self.endpoint = access.options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL")
        self.anonymous = bool(flag(access.options, "anonymous"))
        self._access, self._credential = access, credential
        self._opened: S3Store | None = None

    @property
    def tls(self) -> bool:
        return not (self.endpoint or "https://").startswith("http://")

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
                yield Entry(path, int(meta["size"]), _version(meta))

    def open(self, path: str, version: str | None) -> "S3File":
        if not path or ".." in path.split("/"):
            raise SourceDenied("The path leaves the prefix of the source.", "Discover the source again.")
        store = self._store()
        single = bool(self.prefix) and format_of(self.prefix) is not None and self.prefix.rpartition("/")[2] == path
        key = self.prefix if single else f"{self.prefix}/{path}".lstrip("/")
        meta = _calling(path, lambda: obstore.head(store, key))
        if version is not None and _version(meta) != version:
            raise SourceObjectGone(f"{path} was replaced after it was planned.", "Scan the source again.")
        return S3File(store, key, path, meta)

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

    def _objects(self, store: S3Store, most: int | None = None) -> Iterator[Any]:
        # Prefixes of a store are matched by whole path segments; a single object is found by its own key.
        if self.prefix and format_of(self.prefix) is not None:
            try:
                yield _calling(self.root, lambda: obstore.head(store, self.prefix))
                return
            except SourceObjectGone:
                pass  # a "folder" whose name ends like a file
        yield from self._behind(store, self.prefix, most or 1000)

    def _behind(self, store: S3Store, prefix: str, size: int) -> Iterator[Any]:
        """Everything under a prefix, in the order of the keys."""
        last: str | None = None
        while True:
            # A store that ends a list early says nothing of it: a list is over when nothing comes behind its last key.
            begun, seen = last, last
            pages = _calling(self.root, lambda: iter(self._listed(store, prefix, begun, size)))  # noqa: B023
            while (page := _calling(self.root, lambda: next(pages, None))) is not None:  # noqa: B023
                found = sorted(page, key=lambda meta: str(meta["path"]))
                yield from found
                last = max(last or "", *(str(meta["path"]) for meta in found)) if found else last
            if last == seen:
                return

    def _listed(self, store: S3Store, prefix: str, behind: str | None, size: int) -> Any:
        return obstore.list(store, prefix=prefix or None, offset=behind, chunk_size=size)

    def _store(self) -> S3Store:
        if self._opened is None:
            self._opened = self._make(self.anonymous)
        return self._opened

    def _make(self, anonymous: bool) -> S3Store:
        given = self._credential
        config: dict[str, Any] = {
            "endpoint": self.endpoint,
            "region": self._access.options.get("region") or os.environ.get("AWS_REGION") or _default_region(),
            "skip_signature": anonymous or None,
        }
        if not anonymous:
            config |= {
                "access_key_id": given.get("access_key_id") or given.get("username"),
                "secret_access_key": given.get("secret_access_key") or given.get("password"),
                "session_token": given.get("session_token"),
            }
        client = {
            "connect_timeout": timedelta(seconds=10),
            "timeout": timedelta(seconds=120),
            "allow_http": bool(flag(self._access.options, "allow_http")) or not self.tls,
        }
        if self._access.options.get("endpoint"):  # chosen by whoever registered the source
            client["proxy_url"] = egress().url
        kept = {name: value for name, value in config.items() if value is not None}
        return _calling(
            self.root, lambda: S3Store(self.bucket, client_options=client, retry_config=_RETRY, **kept)  # type: ignore[arg-type]  # obstore's TypedDicts
        )  # fmt: skip


class S3File:
    """One object in the version that was there when it was opened."""

    near = False

    def __init__(self, store: S3Store, key: str, name: str, meta: Any) -> None:
        self.name, self.size, self.version = name, int(meta["size"]), _version(meta)
        self._store, self._key, self._tag = store, key, meta.get("e_tag")

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(self.size, offset + length)
        if end <= offset:
            return b""
        options: dict[str, Any] = {"range": (offset, end)}
        if self._tag:
            options["if_match"] = self._tag
        return _calling(
            self.name, lambda: obstore.get(self._store, self._key, options=cast(Any, options)).bytes().to_bytes()
        )


def _version(meta: Any) -> str:
    return f"{meta.get('e_tag') or meta['last_modified']}-{meta['size']}"


def _default_region() -> str:
    return os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _calling(what: str, call: Callable[[], T]) -> T:
    """The result of a call to the store; its errors as those of the tree, without their text."""
    try:
        return call()
    except (exceptions.BaseError, OSError, ValueError) as error:
        raised = _fault(error, what)
    raise raised from None


def _fault(error: Exception, what: str) -> SourceError:
    text = str(error).lower()
    for word, told in _TOLD.items():
        if word in text:
            cls, detail, remedy, diagnosis = told
            return cls(f"{detail} {what}.", remedy, {"diagnosis": diagnosis})
    if isinstance(error, exceptions.UnauthenticatedError) or any(code in text for code in _REFUSED):
        return SourceAuthFailed(f"The store refused the credential for {what}.", "Check the access key and its secret.")
    if "nosuchbucket" in text:
        return SourceObjectGone("The store has no such bucket.", "Check the bucket, the endpoint and the region.")
    for classes, cls, detail, remedy in _FAULTS:
        if isinstance(error, classes):
            return cls(f"{what} {detail}.", remedy)
    if "credential" in text:
        return SourceAuthFailed("No credential for the store was found.", "Give one, or set the option anonymous=true.")
    return SourceUnreachable(
        f"The store did not answer for {what}.", "Check endpoint, region, network; allow_http for http."
    )


_TOLD: Mapping[str, tuple[type[SourceError], str, str, str]] = {
    "expiredtoken": (
        SourceAuthFailed, "The session token has expired for", "Give a new one, or keys that do not expire.",
        "expired-token",
    ),
    **dict.fromkeys(
        ("permanentredirect", "authorizationheadermalformed", "illegallocationconstraint", "received redirect without"),
        (SourceUnreachable, "Another region answers for", "Set the option region to where the bucket is.",
         "wrong-region"),
    ),
    "requesttimetooskewed": (
        SourceAuthFailed, "The clock of this node is wrong for", "Set the clock by NTP.", "clock-skew",
    ),
    **dict.fromkeys(
        ("dns error", "failed to lookup address"),
        (SourceUnreachable, "A host name could not be resolved for", "Check the endpoint, and the DNS of this node.",
         "dns-failure"),
    ),
    **dict.fromkeys(
        ("certificate", "invalid peer"),
        (SourceUnreachable, "The TLS certificate is not accepted for", "Check the endpoint and its certificate.",
         "tls-refused"),
    ),
    "redirected": (
        SourceUnreachable, "The store sends its visitors to another host for", "Set the option endpoint to that host.",
        "redirected",
    ),
    "address-refused": (
        AddressRefused, "The store leads to an address that is not allowed for", "Use another endpoint.",
        "address-refused",
    ),
}  # fmt: skip

_FAULTS: tuple[tuple[tuple[type[Exception], ...], type[SourceError], str, str], ...] = (
    ((exceptions.PermissionDeniedError, PermissionError), SourceDenied, "may not be read",
     "Grant s3:ListBucket on the bucket and s3:GetObject on its keys."),
    ((exceptions.NotFoundError, FileNotFoundError), SourceObjectGone, "is not there",
     "Check the URL, or discover the source again."),
    ((exceptions.PreconditionError,), SourceObjectGone, "was replaced while it was read", "Scan the source again."),
)  # fmt: skip
