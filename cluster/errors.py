"""Every error Sextant raises on purpose, as one tree.

    SextantError
    ├── InvalidInput 422 ............ well-formed, but not acceptable
    │   ├── MalformedRequest 400 .... could not be parsed at all
    │   └── PackInvalid 422 ......... a data pack under configs/ breaks its schema
    ├── Unauthenticated 401 ......... no token, or not a valid one
    ├── Forbidden 403 ............... the principal lacks the permission
    ├── NotFound 404
    ├── Conflict 409 ................ the state does not allow it
    ├── PreconditionFailed 412 ...... an ETag that is no longer current
    ├── TooManyRequests 429 ......... retryable
    ├── SourceError 502 ............. a governed source, not Sextant, is at fault
    │   ├── SourceUnreachable ....... retryable: no route, refused, DNS, time-out
    │   ├── SourceAuthFailed ........ the credential was refused
    │   ├── SourceDenied ............ signed in, but may not read this object
    │   ├── SecretUnavailable ....... retryable: a store of secrets did not give the credential
    │   ├── AddressRefused 403 ...... the settings do not let Sextant connect to where it lies
    │   ├── SourceObjectGone ........ the object was there when listed and is no longer
    │   └── SourceUnreadable ........ the bytes are not what they claim to be
    ├── Unavailable 503 ............. retryable: a part of Sextant is starting or restarting
    │   └── StaleEpoch 503 .......... a newer incarnation of the group owns the tables
    ├── ConfigurationError 500 ...... the installation has to be changed before this can work
    │   └── ModelUnusable 500 ....... the file of a model is missing or not what its manifest says
    └── Internal 500 ................ a defect in Sextant

Arguments are positional and handed to the base constructor whole, so that an error keeps its type and all of
its fields when Ray pickles it from one process to another. No message may carry a data value read from a source.
"""

from typing import Any, ClassVar


class SextantError(Exception):
    """An error a user can act on: what happened (`detail`), and what to do about it (`remedy`)."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    audited: bool = False  # the attempt that it ended is on the audit chain already

    def __init__(self, detail: str, remedy: str = "", context: dict[str, Any] | None = None) -> None:
        super().__init__(detail, remedy, context)
        self.detail = detail
        self.remedy = remedy
        self.context: dict[str, Any] = context or {}

    def __str__(self) -> str:
        return f"{self.detail} {self.remedy}".strip()


class InvalidInput(SextantError):
    code, status = "invalid-input", 422


class MalformedRequest(InvalidInput):
    code, status = "malformed-request", 400


class PackInvalid(InvalidInput):
    code, status = "pack-invalid", 422


class Unauthenticated(SextantError):
    code, status = "unauthenticated", 401


class Forbidden(SextantError):
    code, status = "forbidden", 403


class NotFound(SextantError):
    code, status = "not-found", 404


class Conflict(SextantError):
    code, status = "conflict", 409


class PreconditionFailed(SextantError):
    code, status = "precondition-failed", 412


class TooManyRequests(SextantError):
    code, status, retryable = "too-many-requests", 429, True


class SourceError(SextantError):
    code, status = "source-error", 502


class SourceUnreachable(SourceError):
    code, retryable = "source-unreachable", True


class SourceAuthFailed(SourceError):
    code = "source-auth-failed"


class SourceDenied(SourceError):
    code = "source-denied"


class SecretUnavailable(SourceError):
    code, retryable = "secret-unavailable", True


class AddressRefused(SourceError):
    code, status = "address-refused", 403


class SourceObjectGone(SourceError):
    code = "source-object-gone"


class SourceUnreadable(SourceError):
    code = "source-unreadable"


class Unavailable(SextantError):
    code, status, retryable = "unavailable", 503, True


class StaleEpoch(Unavailable):
    code = "stale-epoch"


class ConfigurationError(SextantError):
    code = "configuration-error"


class ModelUnusable(ConfigurationError):
    code = "model-unusable"


class Internal(SextantError):
    code = "internal"


def all_errors() -> dict[str, type[SextantError]]:
    """Every class of the tree by its `code`, for carrying an error as a value and raising it again elsewhere."""
    found: dict[str, type[SextantError]] = {}
    pending: list[type[SextantError]] = [SextantError]
    while pending:
        cls = pending.pop()
        found[cls.code] = cls
        pending.extend(cls.__subclasses__())
    return found
