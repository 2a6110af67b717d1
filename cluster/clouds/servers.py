"""A PostgreSQL server by its databases, and a file share by its folders."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from cluster.clouds.interface import AccountAccess, AccountListing, Resource
from cluster.connectors.interface import Problem, SourceAccess
from cluster.connectors.urls import split_url
from cluster.errors import SourceDenied, SourceObjectGone
from cluster.security.folders import check_folder

MOST_FOLDERS = 10_000
_DATABASES = """
SELECT d.datname AS name, pg_get_userbyid(d.datdba) AS owner, d.encoding,
       CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END AS size,
       has_database_privilege(d.oid, 'CONNECT') AS open
FROM pg_database d WHERE d.datallowconn AND NOT d.datistemplate ORDER BY 1
"""


def list_databases(access: AccountAccess, credential: Mapping[str, str]) -> AccountListing:
    """The databases of a server, by one connection to the database of the account's URL. Raises SourceError."""
    from cluster.connectors.postgres.session import Session

    assert access.url is not None
    reached = SourceAccess(source_id=access.account_id, url=access.url, options=access.options)
    session = Session(reached, credential)
    try:
        rows = session.rows(_DATABASES, [], "the list of databases")
        tls = session.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", [], "the state of TLS")[0]["ssl"]
    finally:
        session.close()
    parts = urlsplit(access.url)
    closed = [row["name"] for row in rows if not row["open"]]
    return AccountListing(
        resources=tuple(
            Resource(
                native_id=f"postgres://{parts.netloc}/{row['name']}", kind="database", name=row["name"],
                engine="postgresql", url=f"postgresql://{parts.netloc}/{quote(row['name'], safe='')}",
                size_bytes=row["size"], extra={"owner": row["owner"], "tls_used": bool(tls)},
            )
            for row in rows
        ),
        complete=True,
        problems=tuple(
            Problem(path=name, code=SourceDenied.code, detail=f"The account may not connect to {name}.",
                    remedy="Grant it CONNECT on the database.")
            for name in closed
        ),
    )  # fmt: skip


def list_folders(access: AccountAccess, credential: Mapping[str, str]) -> AccountListing:
    """The folders directly below the one of the account; links are not followed. Raises SourceError."""
    assert access.url is not None
    root = Path(unquote(urlsplit(access.url).path))
    check_folder(root)
    found: list[Resource] = []
    problems: list[Problem] = []
    complete = True
    try:
        with os.scandir(root) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if not entry.is_dir(follow_symlinks=False) or entry.name.startswith("."):
                    continue
                if len(found) == MOST_FOLDERS:
                    complete = False
                    problems.append(_too_many(root))
                    break
                mode = entry.stat(follow_symlinks=False).st_mode
                found.append(
                    Resource(
                        native_id=f"folder://{root / entry.name}", kind="folder", name=entry.name, engine="files",
                        url=split_url(str(root / entry.name)).url, public_access=bool(mode & stat.S_IROTH),
                    )
                )  # fmt: skip
    except FileNotFoundError:
        raise SourceObjectGone(f"There is no folder {root}.", "Check whether it is mounted.") from None
    except PermissionError:
        raise SourceDenied(f"{root} may not be read.", "Let the user of the workers read it.") from None
    return AccountListing(resources=tuple(found), complete=complete, problems=tuple(problems))


def _too_many(root: Path) -> Problem:
    return Problem(
        path=str(root), code="source-error", detail=f"There are more than {MOST_FOLDERS} folders.",
        remedy="Register its parts as accounts of their own.",
    )  # fmt: skip
