"""PostgreSQL's refusals as errors of our own words: the server's may quote values."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from cluster.errors import (
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
    SourceUnreadable,
)

_TRANSLATION: tuple[tuple[tuple[str, ...], type[SourceError], str, str], ...] = (
    (("password authentication failed", "no password supplied", "authentication failed"), SourceAuthFailed,
     "The user name or the password was refused.", "Set the right credential of the source."),
    (("translate host name", "name or service not known", "nodename nor servname", "name resolution"),
     SourceUnreachable, "The host name could not be resolved.", "Check the host in the URL and the DNS of this machine."),
    (("connection refused",), SourceUnreachable,
     "Nothing listens at that host and port.", "Check host and port, and that the server runs and accepts TCP."),
    (("timeout expired", "timed out"), SourceUnreachable,
     "The server did not answer in time.", "Check the network, the firewall and the load of the server."),
    (("does not support ssl", "server certificate", "ssl error", "certificate verify"), SourceUnreachable,
     "The TLS connection was refused.", "Check the option sslmode and the server's certificate."),
    (("no pg_hba.conf entry",), SourceAuthFailed,
     "The server does not admit this user from this address.", "Add a line to the server's pg_hba.conf."),
)  # fmt: skip

_BY_STATE: dict[str, tuple[type[SourceError], str, str]] = {
    "28": (SourceAuthFailed, "The user name or the password was refused.", "Set the right credential of the source."),
    "3D": (SourceUnreachable, "The database does not exist.", "Check the database name in the URL."),
    "42501": (SourceDenied, "The user may not read this.", "Grant SELECT on it, and USAGE on its schema."),
    "42P01": (SourceObjectGone, "The table is no longer there.", "Discover the source again."),
    "42703": (SourceObjectGone, "A column is no longer there.", "Discover the source again."),
    "3F": (SourceObjectGone, "The schema is no longer there.", "Discover the source again."),
    "57014": (
        SourceUnreachable,
        "The server cancelled the query.",
        "Raise its statement_timeout, or scan at a quieter time.",
    ),
    "57P": (SourceUnreachable, "The server is shutting down or starting.", "Try again."),
    "53": (SourceUnreachable, "The server has no connection or memory left.", "Try again at a quieter time."),
    "08": (SourceUnreachable, "The connection was lost.", "Try again."),
    "22": (SourceUnreadable, "A value could not be sent by the server.", "Exclude the column, or repair the value."),
    "XX": (SourceUnreadable, "The server found its own data damaged.", "Check the table on the server."),
}


def translated(error: Exception, path: str = "") -> SourceError:
    """The error a user is shown for one of the driver's; `path` names the asset, where it concerns one."""
    state = getattr(error, "sqlstate", None) or ""
    context = {"asset": path} if path else None
    for prefix in (state, state[:3], state[:2]):
        if prefix in _BY_STATE:
            cls, detail, remedy = _BY_STATE[prefix]
            return cls(detail, remedy, context)
    text = str(error).lower()
    if 'database "' in text and "does not exist" in text:
        cls, detail, remedy = _BY_STATE["3D"]
        return cls(detail, remedy, context)
    for words, cls, detail, remedy in _TRANSLATION:
        if any(word in text for word in words):
            return cls(detail, remedy, context)
    if isinstance(error, psycopg.OperationalError) or not state:
        return SourceUnreachable("The server could not be reached.", "Check host, port and network.", context)
    return SourceUnreadable(f"The server refused the query (SQLSTATE {state}).", "See the server's log.", context)


@contextmanager
def translating(path: str = "") -> Iterator[None]:
    """Raises what the driver raised as an error of the SourceError family."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error, path) from None
