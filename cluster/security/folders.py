"""Which folders of this machine sources may lie in: whoever may register a source is not to read what Sextant can read.

`SEXTANT_FILE_ROOTS` names them. Without it an installation of one machine (its API and its PostgreSQL on loopback
addresses, so that no other node can be part of it) reads every folder, and any other one that of the demo alone.

Paths are held against the roots when all links are followed, at registration and again by whoever opens a file.
"""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from cluster.errors import AddressRefused, ConfigurationError
from cluster.settings import Settings, settings

_REMEDY = "Name a folder within a root, or have an administrator allow it by SEXTANT_FILE_ROOTS."


def check_folder(place: str | os.PathLike[str]) -> None:
    """Raises AddressRefused for a folder or file that sources may not lie in; it need not exist."""
    real = os.path.realpath(place)
    if not any(_within(real, root) for root in roots(settings())):
        raise AddressRefused("The path lies outside of the folders that sources may lie in.", _REMEDY)


def roots(chosen: Settings) -> tuple[str, ...]:
    """The folders that are allowed, with all links followed. Raises ConfigurationError for one that is no full path."""
    if chosen.file_roots is None:
        return ("/",) if _of_one_machine(chosen) else (os.path.realpath(chosen.home / "demo"),)
    named = [part.strip() for part in chosen.file_roots.split(",") if part.strip()]
    if not all(Path(part).is_absolute() for part in named):
        raise ConfigurationError("SEXTANT_FILE_ROOTS holds no full path.", "Write /data,/mnt/share, with commas.")
    return tuple(os.path.realpath(part) for part in named)


def _of_one_machine(chosen: Settings) -> bool:
    database = chosen.database_url.get_secret_value() if chosen.database_url is not None else ""
    return _loopback(chosen.host) and (not database or _loopback(urlsplit(database).hostname or "localhost"))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _within(place: str, root: str) -> bool:
    return root in (os.sep, place) or place.startswith(root + os.sep)
