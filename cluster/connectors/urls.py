"""URLs of sources: taken apart so that no password stays in one, and checked before anything is opened."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from cluster.errors import InvalidInput

KINDS: Mapping[str, str] = {"postgresql": "postgresql", "postgres": "postgresql", "file": "files", "s3": "files"}
ACCEPTED = "postgresql://host:5432/database, file:///folder, s3://bucket/prefix, or the path of a folder"
_SECRET_PARAMETERS = {"password", "secret_access_key", "session_token", "aws_secret_access_key", "aws_session_token"}


class SourceUrl(NamedTuple):
    """A URL without secrets, the options its query held, and the credential that was in it."""

    url: str
    options: dict[str, str]
    credential: dict[str, str]


def split_url(text: str) -> SourceUrl:
    """Takes a source's URL apart. Raises InvalidInput saying which forms are accepted."""
    text = text.strip()
    if not text or len(text) > 2000 or any(ord(character) < 32 for character in text):
        raise InvalidInput("The URL is empty, too long, or holds control characters.", f"Write {ACCEPTED}.")
    if "://" not in text:
        return SourceUrl(_file_url(text), {}, {})
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput("The URL could not be read.", f"Write {ACCEPTED}.") from None
    scheme = {"postgres": "postgresql"}.get(parts.scheme, parts.scheme)
    if scheme not in KINDS:
        raise InvalidInput(f"Sources with '{parts.scheme[:20]}://' are not supported.", f"Write {ACCEPTED}.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    credential = {name: options.pop(name) for name in list(options) if name in _SECRET_PARAMETERS}
    if scheme == "file":
        return SourceUrl(_file_url(unquote(parts.path), parts.netloc), options, credential)
    if not parts.hostname:
        raise InvalidInput("The URL names no host.", f"Write {ACCEPTED}.")
    if parts.username:
        credential["username"] = unquote(parts.username)
    if parts.password:
        credential["password"] = unquote(parts.password)
    if scheme == "s3":
        return SourceUrl(f"s3://{parts.netloc.rpartition('@')[2]}/{_clean_prefix(parts.path)}", options, credential)
    database = unquote(parts.path.strip("/"))
    if not database or "/" in database:
        raise InvalidInput("The URL names no database.", f"Write {ACCEPTED}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return SourceUrl(f"postgresql://{host}:{port or 5432}/{quote(database)}", options, credential)


def source_kind(url: str) -> str:
    """The kind of connector a clean URL needs."""
    return KINDS[urlsplit(url).scheme]


def suggested_name(url: str) -> str:
    """A name for a source that was given none: the database, the bucket with its prefix, or the folder."""
    parts = urlsplit(url)
    name = unquote(parts.path.strip("/").split("/")[-1]) or parts.netloc
    if parts.scheme == "s3":
        name = "-".join(filter(None, [parts.netloc, *parts.path.strip("/").split("/")]))
    clean = "".join(character if character.isalnum() or character in " ._-" else "-" for character in name).strip(
        " .-_"
    )
    return clean[:100] or "source"


def namespace(url: str) -> str:
    """The namespace OpenLineage gives datasets of this source (its naming specification)."""
    parts = urlsplit(url)
    if parts.scheme == "postgresql":
        return f"postgres://{parts.netloc}"
    return f"s3://{parts.netloc}" if parts.scheme == "s3" else "file"


def _file_url(path: str, host: str = "") -> str:
    if host not in ("", "localhost"):
        raise InvalidInput("A file URL cannot name another host.", "Write file:///folder with three slashes.")
    if not path.startswith("/"):
        raise InvalidInput("A folder is named by its full path.", f"Write {ACCEPTED}.")
    if ".." in path.split("/"):
        raise InvalidInput("A path may not hold '..'.", "Name the folder itself.")
    clean = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    return urlunsplit(("file", "", quote(clean), "", ""))


def _clean_prefix(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if ".." in parts:
        raise InvalidInput("A prefix may not hold '..'.", "Name the prefix itself.")
    return "/".join(parts)
