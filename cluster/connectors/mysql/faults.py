"""What went wrong in MySQL, in Sextant's own words: server messages may quote values and are never passed on.

By the number of the error (MySQL and MariaDB reference manuals, "Server Error Message Reference"); numbers from 2000
are the client's own.
"""

import ssl

from cluster.errors import (
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
    SourceUnreadable,
)

_Entry = tuple[type[SourceError], str, str]
_DENIED: _Entry = (SourceDenied, "The account may not read {what}", "Grant it SELECT on the table.")
_GONE: _Entry = (SourceObjectGone, "{what} is no longer as it was listed", "Discover the source again, then scan it.")
_BUSY: _Entry = (SourceUnreachable, "{what} is locked, or in conflict with other work", "Try again later.")
_LATE: _Entry = (
    SourceUnreachable, "Reading {what} was stopped by a time-out",
    "Set the option statement_timeout (seconds) higher.",
)  # fmt: skip
_LOST: _Entry = (
    SourceUnreachable, "The connection was lost while reading {what}", "Check the server and its log; try again.",
)  # fmt: skip
_BROKEN: _Entry = (SourceUnreadable, "{what} could not be read", "Check it with CHECK TABLE.")
_VIEW: _Entry = (SourceUnreadable, "The view {what} refers to something that is not there", "Repair or drop it.")
_AUTH: _Entry = (SourceAuthFailed, "The server refused the account while reading {what}", "Check user and password.")
_BY_NUMBER: dict[int, _Entry] = {
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370), _DENIED),
    **dict.fromkeys((1051, 1054, 1109, 1146), _GONE),
    **dict.fromkeys((1205, 1213, 1099, 1100), _BUSY),
    **dict.fromkeys((1317, 1969, 3024), _LATE),
    **dict.fromkeys((1053, 1077, 1078, 1079, 1080, 1081, 2006, 2013, 2055), _LOST),
    **dict.fromkeys((1034, 1035, 1194, 1195, 1033, 1017, 1016, 1030, 1296, 1877), _BROKEN),
    **dict.fromkeys((1045, 1698, 1820, 1862), _AUTH),
    1356: _VIEW,
}
_OTHER: _Entry = (SourceError, "The server refused to read {what}", "Look up the error; check the server's log.")

_REFUSALS: dict[int, _Entry] = {
    **dict.fromkeys((1045, 1698), (
        SourceAuthFailed, "The server at {host} refused user or password", "Check user and password.")),
    **dict.fromkeys((1820, 1862, 4151), (
        SourceAuthFailed, "The password of the account has expired", "Set a new one in the server, then here.")),
    **dict.fromkeys((1130, 3118), (
        SourceAuthFailed, "The server at {host} does not admit this account from here",
        "Create the account for this host, or unlock it.")),
    **dict.fromkeys((1251, 2059), (
        SourceAuthFailed, "The server at {host} asks for a way to sign in that is not supported",
        "Use mysql_native_password, ed25519, caching_sha2_password or sha256_password.")),
    1044: (SourceDenied, "The account may not use database '{database}'", "Grant it SELECT on the database."),
    1049: (SourceError, "The server has no database '{database}'", "Check the last part of the URL."),
    **dict.fromkeys((1040, 1203, 1226), (
        SourceUnreachable, "The server at {host} takes no more connections", "Try again later.")),
    1129: (SourceUnreachable, "The server at {host} has blocked this host", "Run FLUSH HOSTS there."),
    3159: (SourceUnreachable, "The server at {host} wants TLS", "Set sslmode=require or verify-full."),
    2026: (SourceUnreachable, "The server at {host} offers no TLS", "Turn TLS on there, or set sslmode=prefer."),
}  # fmt: skip
_NO_SESSION: _Entry = (
    SourceUnreachable, "No session with the server at {host} could be opened", "Check that it is MySQL or MariaDB.",
)  # fmt: skip
_DIAGNOSES = {
    "tls-refused": "TLS", "no-database": "no database", "not-admitted": "does not admit",
    "too-many-connections": "no more connections", "expired-credential": "has expired",
}  # fmt: skip
_NO_TRUST: _Entry = (
    SourceUnreachable, "The TLS certificate of {host} is not accepted", "Check sslmode and sslrootcert.",
)  # fmt: skip


def fault(error: BaseException, what: str) -> SourceError:
    """The error of the tree for an exception of the driver raised while working on `what`, a name."""
    number = number_of(error)
    entry = _BY_NUMBER.get(number) if number else _LOST
    cls, detail, remedy = entry or (_LOST if 2000 <= number < 3000 else _OTHER)
    told = "locked" if entry is _BUSY else "timed-out" if entry is _LATE else None
    said = f"{detail.format(what=what)}{f' (error {number})' if number else ''}."
    return cls(said, remedy, {"diagnosis": told} if told else None)


def refusal(error: BaseException, host: str, database: str) -> SourceError:
    """The error of the tree for a connection that was not made, although the port answered."""
    entry = _REFUSALS.get(number_of(error), _NO_SESSION)
    if _by_certificate(error):
        entry = _NO_TRUST
    cls, detail, remedy = entry
    told = next((name for name, words in _DIAGNOSES.items() if words in detail), None)
    return cls(f"{detail.format(host=host, database=database)}.", remedy, {"diagnosis": told} if told else None)


def number_of(error: BaseException) -> int:
    """The number of an error of MySQL; 0 where it has none."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) and not isinstance(error, OSError) else 0


def _by_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        original = getattr(error, "original_exception", None)
        error = original if isinstance(original, BaseException) else error.__cause__ or error.__context__
    return False
