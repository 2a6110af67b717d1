"""What went wrong in PostgreSQL, in Sextant's own words: server messages may quote values and are never passed on.

Classes follow the SQLSTATE (PostgreSQL manual, appendix A). Before a session exists libpq gives no SQLSTATE; then the
English text of the refusal is looked at, and only that.
"""

import re

from cluster.errors import (
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
    SourceUnreadable,
)

_STATE = re.compile(r"SQLSTATE:? ([0-9A-Z]{5})\b")
_Entry = tuple[type[SourceError], str, str]
_GONE: _Entry = (SourceObjectGone, "{what} is no longer as it was listed", "Discover the source again, then scan it.")
_BUSY: _Entry = (SourceUnreachable, "{what} is locked, or in conflict with other work", "Try again later.")
_LOST: _Entry = (
    SourceUnreachable, "The connection was lost while reading {what}", "Check the server and its log; try again.",
)  # fmt: skip
_DAMAGED: _Entry = (SourceUnreadable, "{what} could not be read", "Check the table and the server's log.")
_BY_STATE: dict[str, _Entry] = {
    "42501": (
        SourceDenied, "The account may not read {what}", "Grant it USAGE on the schema and SELECT on the table.",
    ),
    **dict.fromkeys(("42P01", "3F000", "42703", "42704", "42883", "3D000"), _GONE),
    **dict.fromkeys(("55P03", "25P03", "25P04", "40001", "40P01"), _BUSY),
    "57014": (
        SourceUnreachable, "Reading {what} was stopped by a time-out",
        "Set the option statement_timeout (seconds) higher.",
    ),
    "28": (SourceAuthFailed, "The server refused the account while reading {what}", "Check user and password."),
    **dict.fromkeys(("", "08", "53", "57", "58"), _LOST),
    **dict.fromkeys(("22", "XX", "0A"), _DAMAGED),
}  # fmt: skip
_OTHER: _Entry = (SourceError, "The server refused to read {what}", "Look up the SQLSTATE; check the server's log.")

# Words of a refusal, all of which must be in it, in the order in which they are looked for.
_REFUSALS: tuple[tuple[tuple[str, ...], _Entry], ...] = (
    (("database", "does not exist"),
     (SourceError, "The server has no database '{database}'", "Check the last part of the URL.")),
    (("does not support ssl",),
     (SourceUnreachable, "The server at {host} offers no TLS", "Turn TLS on there, or set sslmode=prefer.")),
    (("certificate",),
     (SourceUnreachable, "The TLS certificate of {host} is not accepted", "Check sslmode and sslrootcert.")),
    (("ssl error",),
     (SourceUnreachable, "TLS with {host} failed", "Check sslmode and the server's TLS settings.")),
    (("no pg_hba.conf entry",),
     (SourceAuthFailed, "The server at {host} does not admit this account from here",
      "Add a line to its pg_hba.conf, or use TLS.")),
    (("no password supplied",),
     (SourceAuthFailed, "The server at {host} asks for a password", "Give the source a credential.")),
    (("authentication failed",),
     (SourceAuthFailed, "The server at {host} refused user or password", "Check user and password.")),
    (("role", "does not exist"),
     (SourceAuthFailed, "The server at {host} refused user or password", "Check user and password.")),
    (("permission denied for database",),
     (SourceDenied, "The account may not connect to database '{database}'", "Grant it CONNECT on the database.")),
    (("too many",), (SourceUnreachable, "The server at {host} takes no more connections", "Try again later.")),
    (("connection slots",), (SourceUnreachable, "The server at {host} takes no more connections", "Try again later.")),
    (("starting up",), (SourceUnreachable, "The server at {host} is starting", "Try again later.")),
)  # fmt: skip
_DIAGNOSES = (
    ("tls-refused", ("TLS",)), ("no-database", ("no database",)), ("not-admitted", ("does not admit",)),
    ("too-many-connections", ("no more connections",)), ("starting", ("is starting",)),
)  # fmt: skip
_NO_SESSION: _Entry = (
    SourceUnreachable, "No session with the server at {host} could be opened", "Check its log and pg_hba.conf.",
)  # fmt: skip


def fault(error: BaseException, what: str) -> SourceError:
    """The error of the tree for an exception of psycopg, ADBC or Arrow raised while working on `what`, a name.

    What ends a stream of rows comes as an exception of Arrow, with the SQLSTATE in its text or not at all.
    """
    found = _STATE.search(str(error))
    state = getattr(error, "sqlstate", None) or (found[1] if found else "")
    if not state and "canceling statement" in str(error):
        state = "57014"
    entry = cls, detail, remedy = _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or _OTHER
    told = "locked" if entry is _BUSY else "timed-out" if state == "57014" else None
    said = f"{detail.format(what=what)}{f' (SQLSTATE {state})' if state else ''}."
    return cls(said, remedy, {"diagnosis": told} if told else None)


def refusal(error: BaseException, host: str, database: str) -> SourceError:
    """The error of the tree for a connection that was not made, although the port answered."""
    text = str(error).lower()
    found = (entry for words, entry in _REFUSALS if all(word in text for word in words))
    cls, detail, remedy = next(found, _NO_SESSION)
    told = next((name for name, words in _DIAGNOSES if any(word in detail for word in words)), None)
    return cls(f"{detail.format(host=host, database=database)}.", remedy, {"diagnosis": told} if told else None)
