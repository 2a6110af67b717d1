"""URLs of sources: taken apart so that no password stays in one, and checked before anything is opened."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from cluster.connectors.options import WAREHOUSES, check_options
from cluster.errors import InvalidInput

KINDS: Mapping[str, str] = {
    "postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql",
    "file": "files", "s3": "files", "abfss": "files", "abfs": "files", "gs": "files",
    "sqlite": "sqlite", "duckdb": "duckdb", **{name: name for name in WAREHOUSES},
}  # fmt: skip
ACCEPTED = (
    "postgresql://host:5432/database, mysql://host:3306/database, sqlite:///file, duckdb:///file, file:///folder, s3://bucket/prefix,"
    " gs://bucket/prefix, abfss://container@account.dfs.core.windows.net/prefix, the full path of a folder, or"
    " snowflake, bigquery, databricks, redshift, mssql, oracle or trino://host/database"
)
_OTHER_NAMES = {"postgres": "postgresql", "mariadb": "mysql", "abfs": "abfss"}
_STORES = ("s3", "gs", "abfss")
_PORTS: Mapping[str, int | None] = {"postgresql": 5432, "mysql": 3306, **WAREHOUSES}
_LONGEST = 2000
_SECRETS = {
    "password": "password",
    "access_key_id": "access_key_id",
    "secret_access_key": "secret_access_key",
    "session_token": "session_token",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "account_key": "account_key",
    "sas_token": "sas_token",
    "client_id": "client_id",
    "client_secret": "client_secret",
    "tenant_id": "tenant_id",
}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]+(%25[A-Za-z0-9]+)?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


class SourceUrl(NamedTuple):
    """A URL without secrets, the options its query held, and the credential that was in it."""

    url: str
    options: dict[str, str]
    credential: dict[str, str]


def split_url(text: str) -> SourceUrl:
    """Takes a source's URL apart. Raises InvalidInput saying which forms and options are accepted; never quotes it."""
    text = text.strip()
    if not text or len(text) > _LONGEST or any(ord(character) < 32 or character == "\x7f" for character in text):
        raise InvalidInput("The URL is empty, too long, or holds control characters.", f"Write {ACCEPTED}.")
    if "://" not in text:
        return SourceUrl(_file_url(text), {}, {})
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput("The URL could not be read.", f"Write {ACCEPTED}.") from None
    scheme = _OTHER_NAMES.get(parts.scheme, parts.scheme)
    if scheme not in KINDS:
        raise InvalidInput(f"Sources with '{parts.scheme[:20]}://' are not supported.", f"Write {ACCEPTED}.")
    if parts.fragment:
        raise InvalidInput("The URL has a part after '#'.", "Write '#' as %23.")
    options, credential = _query(parts.query, KINDS[scheme])
    if scheme in ("file", "sqlite", "duckdb"):
        return SourceUrl(_file_url(unquote(parts.path), parts.netloc, scheme), options, credential)
    if scheme == "abfss":
        return SourceUrl(
            _azure_url(parts.username or "", parts.hostname or "", unquote(parts.path)), options, credential
        )
    if parts.username:
        credential["username"] = unquote(parts.username)
    if parts.password:
        credential["password"] = unquote(parts.password)
    if scheme in _STORES:
        bucket = parts.netloc.rpartition("@")[2]
        return SourceUrl(_bucket_url(scheme, bucket, unquote(parts.path)), options, credential)
    return SourceUrl(_server_url(scheme, parts.hostname or "", port, parts.path), options, credential)


def source_kind(url: str) -> str:
    """The kind of connector a clean URL needs. Raises InvalidInput for a scheme that no connector has."""
    kind = KINDS.get(urlsplit(url).scheme)
    if kind is None:
        raise InvalidInput("No connector reads this kind of source.", f"Write {ACCEPTED}.")
    return kind


def suggested_name(url: str) -> str:
    """A name for a source that was given none: the database, the bucket with its prefix, or the folder."""
    parts = urlsplit(url)
    name = unquote(parts.path.strip("/").split("/")[-1]) or parts.netloc
    if parts.scheme in _STORES:
        name = "-".join(filter(None, [parts.netloc.partition("@")[0], *unquote(parts.path).strip("/").split("/")]))
    clean = "".join(character if character.isalnum() or character in " ._-" else "-" for character in name).strip(
        " .-_"
    )
    return clean[:100] or "source"


def namespace(url: str) -> str:
    """The namespace OpenLineage gives datasets of this source (its naming specification, which has none for files of
    SQLite and DuckDB)."""
    parts = urlsplit(url)
    if parts.scheme == "postgresql":
        return f"postgres://{parts.netloc}"
    if parts.scheme == "mysql" or parts.scheme in WAREHOUSES:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in _STORES else parts.scheme


def dataset_name(url: str, path: str) -> str:
    """The name OpenLineage gives an asset within `namespace(url)`: database.schema.table, key, or absolute path.

    A table in a file of SQLite is named like a file in a folder.
    """
    parts = urlsplit(url)
    inside = unquote(parts.path).strip("/")
    if parts.scheme == "mysql":
        return path  # a database of MySQL is a schema, with which the path begins
    if parts.scheme == "postgresql" or parts.scheme in WAREHOUSES:
        return f"{inside}.{path}"
    whole = f"{inside}/{path}".strip("/")
    return whole if parts.scheme in _STORES else f"/{whole}"


def _query(query: str, kind: str) -> tuple[dict[str, str], dict[str, str]]:
    try:
        given = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise InvalidInput("The URL has too many parameters.", "Write 50 at most.") from None
    credential = {_SECRETS[name]: given.pop(name) for name in list(given) if name in _SECRETS}
    if "user" in given:
        credential["username"] = given.pop("user")
    check_options(kind, given)
    return given, credential


def _server_url(scheme: str, host: str, port: int | None, path: str) -> str:
    if not host:
        raise InvalidInput("The URL names no host.", f"Write {ACCEPTED}.")
    if not _HOST.fullmatch(host) or port == 0:
        raise InvalidInput("The URL has no valid host or port.", f"Write {ACCEPTED}; '@' in a password as %40.")
    database = unquote(path.strip("/"))
    if not database or "/" in database or len(database.encode()) > 63 or "\x00" in database:
        raise InvalidInput("The URL names no database.", f"Write {ACCEPTED}.")
    number = port or _PORTS[scheme]
    place = f"[{host}]" if ":" in host else host
    return f"{scheme}://{place}{f':{number}' if number else ''}/{quote(database, safe='')}"


def _bucket_url(scheme: str, bucket: str, path: str) -> str:
    if not _BUCKET.fullmatch(bucket):
        raise InvalidInput("The URL names no bucket.", f"Write {ACCEPTED}; the endpoint is an option.")
    return f"{scheme}://{bucket}/{_prefix(path)}"


def _azure_url(container: str, host: str, path: str) -> str:
    """The URL of a container; an account may be named alone, without the rest of its host."""
    if not _BUCKET.fullmatch(container) or not _HOST.fullmatch(host):
        raise InvalidInput("The URL names no container and account.", f"Write {ACCEPTED}.")
    host = (host if "." in host else f"{host}.dfs.core.windows.net").replace(".blob.", ".dfs.")
    return f"abfss://{container}@{host}/{_prefix(path)}"


def _prefix(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if ".." in parts or "." in parts:
        raise InvalidInput("A prefix may not hold '.' or '..'.", "Name the prefix itself.")
    return quote("/".join(parts))


def _file_url(path: str, host: str = "", scheme: str = "file") -> str:
    """The URL of a full path; `sqlite:////file`, as SQLAlchemy writes it, is `sqlite:///file`."""
    if host not in ("", "localhost"):
        raise InvalidInput(f"A {scheme} URL cannot name another host.", f"Write {scheme}:///path with three slashes.")
    if not path.startswith("/"):
        raise InvalidInput("A folder or file is named by its full path.", f"Write {ACCEPTED}.")
    if ".." in path.split("/") or "\x00" in path:
        raise InvalidInput("A path may not hold '..'.", "Name the folder itself.")
    clean = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    if scheme != "file" and clean == "/":
        raise InvalidInput("The URL names no database.", f"Write {ACCEPTED}.")
    return urlunsplit((scheme, "", quote(clean), "", "")) if scheme == "file" else f"{scheme}://{quote(clean)}"
