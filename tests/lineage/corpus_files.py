"""The corpus of statements: text files, a case each from `===` to the next, with all that must come out.

dialect postgres                 for all cases of the file; `=== name | mysql` for one
schema table: column type, ...   what is known of the tables; `default db.schema` are the defaults
=== name
the text, one line or several
in a b / out t                   the tables read and written, where the case is about them
orders.id > t.k                  a pair of columns; a bare target is a column of `<query>`
detail orders.id > * JOIN masked an edge that must be among the details
error 1:61                       where something could not be read
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
_TOLD = re.compile(r"^(in|out|error|detail)( |$)")
_PAIR = re.compile(r"^(?!SELECT|WITH|INSERT|UPDATE|WHERE|AND|FROM)[\w<#@/][^()'=]*\.[\w*$ ]+ > [\w.<>*$ #@/]+$")


@dataclass
class Case:
    """A text and what must be found in it. `tables_in` and `tables_out` are None where the case does not say."""

    name: str
    file: str
    dialect: str
    schema: dict[str, dict[str, str]]
    default_db: str | None
    default_schema: str | None
    sql: str = ""
    tables_in: set[str] | None = None
    tables_out: set[str] | None = None
    pairs: set[tuple[str, str]] = field(default_factory=set)
    details: list[str] = field(default_factory=list)
    errors: list[tuple[int, int]] = field(default_factory=list)


def cases() -> list[Case]:
    return [case for path in sorted(CORPUS.glob("*.txt")) for case in _file(path)]


def _file(path: Path) -> Iterator[Case]:
    dialect, schema = "", {}
    database = namespace = None
    case: Case | None = None
    for line in path.read_text().splitlines():
        if line.startswith("=== "):
            if case is not None:
                yield case
            name, _, own = line[4:].partition(" | ")
            case = Case(name, path.stem, own or dialect, schema, database, namespace)
        elif case is None:
            word, _, rest = line.partition(" ")
            if word == "dialect":
                dialect = rest
            elif word == "default":
                database, _, namespace = rest.rpartition(".")
            elif word == "schema":
                table, _, columns = rest.partition(": ")
                schema[table] = dict(_column(each) for each in re.split(r", (?![^<(]*[>)])", columns))
        else:
            _line(case, line)
    if case is not None:
        yield case


def _column(text: str) -> tuple[str, str]:
    name, _, kind = text.strip().partition(" ")
    return name, kind


def _line(case: Case, line: str) -> None:
    told = _TOLD.match(line)
    if told is None and not _PAIR.match(line):
        case.sql += ("\n" if case.sql else "") + line
        return
    word, _, rest = line.partition(" ")
    if told is None:
        left, _, right = line.partition(" > ")
        case.pairs.add((left, right if "." in right else f"<query>.{right}"))
    elif word == "in":
        case.tables_in = set(_names(rest))
    elif word == "out":
        case.tables_out = set(_names(rest))
    elif word == "error":
        row, _, column = rest.partition(":")
        case.errors.append((int(row), int(column)))
    else:
        case.details.append(rest)


def _names(text: str) -> list[str]:
    return [text] if text == "Raw Data" else text.split()
