"""Statements that the parser only knows by their first word, in words that it understands.

Each moves rows between tables: a stream is a view of its table, a partition that is switched is rows that are inserted.
"""

import re
from collections.abc import Callable
from typing import Final

# Possessive: a name that is cut short is no name, and to try all its lengths takes time that grows with their square.
_NAME: Final = r'((?:[\w$#@]++|"[^"]+"|`[^`]+`|\[[^\]]+\])(?:\.(?:[\w$#@]++|"[^"]+"|`[^`]+`|\[[^\]]+\]))*+)'
_STREAM: Final = re.compile(
    rf"CREATE\s+(?:OR\s+REPLACE\s+)?STREAM\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}.*?\sON\s+"
    rf"(?:EXTERNAL\s+|DYNAMIC\s+|EVENT\s+)?(?:TABLE|VIEW)\s+{_NAME}",
    re.IGNORECASE | re.DOTALL,
)
_PARTITION: Final = r"PARTITION\s*(?:\([^)]*\)|'[^']*'|\S+)"
# What goes where: the groups are the table that is altered and the other one.
_INTO_ALTERED: Final = re.compile(
    rf"ALTER\s+TABLE\s+{_NAME}\s+(?:(?:APPEND|ATTACH\s+{_PARTITION}|REPLACE\s+{_PARTITION})\s+FROM|"
    rf"EXCHANGE\s+PARTITION\s*\([^)]*\)\s*WITH\s+TABLE)\s+{_NAME}",  # Hive's exchange moves one way
    re.IGNORECASE,
)
_OUT_OF_ALTERED: Final = re.compile(
    rf"ALTER\s+TABLE\s+{_NAME}\s+(?:SWITCH(?:\s+{_PARTITION})?\s+TO|MOVE\s+{_PARTITION}\s+TO\s+TABLE)\s+{_NAME}",
    re.IGNORECASE,
)
_EXCHANGED: Final = re.compile(rf"ALTER\s+TABLE\s+{_NAME}\s+EXCHANGE\s+{_PARTITION}\s+WITH\s+TABLE\s+{_NAME}", re.I)
_TABLES: Final = re.compile(rf"EXCHANGE\s+TABLES\s+{_NAME}\s+AND\s+{_NAME}", re.IGNORECASE)
_CHANGED: Final = re.compile(
    rf"ALTER\s+TABLE\s+{_NAME}(?:\s+ON\s+CLUSTER\s+\S+)?\s+(UPDATE|DELETE)\s+(.*)", re.IGNORECASE | re.DOTALL
)
_IN_PARTITION: Final = re.compile(r"\sIN\s+PARTITION\s+(?:ID\s+)?\S+\s", re.IGNORECASE)
MOST_RENAMED: Final = 1000
_COPIED: Final = re.compile(
    rf"COPY\s+(?:INTO\s+)?(?:{_NAME}|@\S++|'[^']*')\s*(?:\([^()]*\)\s*)?(?:FROM|TO)\s+(?=\S)", re.IGNORECASE
)
_WORD: Final = re.compile(r"\S+")
_MOVES: Final = ("INSERT", "MERGE", "UPDATE", "DELETE", "WITH", "COPY")
_RUN: Final = re.compile(
    r"EXPLAIN\s+(?:ANALY[ZS]E\s+(?:VERBOSE\s+)?|\([^)]{0,200}?\bANALY[ZS]E\b[^)]{0,200}\)\s*)", re.IGNORECASE
)


def understood(head: str, text: str) -> list[str] | None:
    """The same in statements that the parser reads; [] for one that moves nothing, None where nobody knows.

    `head` is the first word in capitals, `text` the whole statement.
    """
    read = _BY_HEAD.get(head)
    return read(text) if read is not None else None


def _replaced(text: str) -> list[str] | None:
    return ["INSERT" + text[7:]] if text.upper().startswith("REPLACE INTO") else None


def _unloaded(text: str) -> list[str] | None:
    if text[6:].lstrip().startswith("(") and text[text.index("(") + 1 :].lstrip()[:1] != "'":  # Athena
        start = text.index("(")
        return ["COPY " + text[start : _end_of_source(text, start)] + " TO 'x'"]
    start, end = text.find("'"), text.upper().rfind("TO")
    if start < 0:
        return None
    return ["COPY (" + text[start + 1 : text.rfind("'", start + 1, end)].replace("''", "'") + ") TO 'x'"]


def _explained(text: str) -> list[str]:
    """What is explained does not run, unless it is analysed."""
    run = _RUN.match(text)
    return [text[run.end() :]] if run is not None else []


def _prepared(text: str) -> list[str] | None:
    return [text[text.upper().index(" AS ") + 4 :]] if " AS " in text.upper() else None


def _renamed(text: str) -> list[str] | None:
    if not text.upper().startswith("RENAME TABLE") or " TO " not in text.upper():
        return None
    pairs = [each.replace(" to ", " TO ").split(" TO ", 1) for each in text[12:].split(",")[:MOST_RENAMED]]
    return [f"ALTER TABLE {pair[0]} RENAME TO {pair[1]}" for pair in pairs if len(pair) == 2]


def _exchanged(text: str) -> list[str] | None:
    both = _TABLES.match(text)
    return [_moved(both[2], both[1]), _moved(both[1], both[2])] if both is not None else None


def _created(text: str) -> list[str] | None:
    stream = _STREAM.match(text)
    if stream is not None:
        return [f"CREATE VIEW {stream[1]} AS SELECT * FROM {stream[2]}"]  # noqa: S608 - parsed, never run
    if " AS " in text.upper():  # a task, a pipe
        inner = text[text.upper().index(" AS ") + 4 :]
        return [inner] if inner.lstrip().upper().startswith(_MOVES) else None
    return None


def _copied(text: str) -> list[str] | None:
    """COPY without its options, which are about files."""
    told = _COPIED.match(text)
    end = _end_of_source(text, told.end()) if told is not None else len(text)
    return [text[:end]] if text[end:].strip() else None


def _end_of_source(text: str, start: int) -> int:
    """Where a name or a query in parentheses ends."""
    if text[start] != "(":
        return start + len(_WORD.match(text, start)[0])  # type: ignore[index]
    depth = 0
    for mark in re.finditer(r"'[^']*'|[()]", text[start:]):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0 and mark[0] == ")":
            return start + mark.end()
    return len(text)


def _submitted(text: str) -> list[str] | None:
    """StarRocks' SUBMIT TASK t AS INSERT ..."""
    told = re.search(r"(?i)\sAS\s+(?=INSERT|CREATE)", text)
    return [text[told.end() :]] if told is not None else None


def _altered(text: str) -> list[str] | None:
    changed = _CHANGED.match(text)
    if changed is not None:  # ClickHouse
        verb = f"UPDATE {changed[1]} SET" if changed[2].upper() == "UPDATE" else f"DELETE FROM {changed[1]}"  # noqa: S608
        return [f"{verb} {_IN_PARTITION.sub(' ', changed[3])}"]
    into, out, both = _INTO_ALTERED.match(text), _OUT_OF_ALTERED.match(text), _EXCHANGED.match(text)
    if into is not None:
        return [_moved(into[2], into[1])]
    if out is not None:
        return [_moved(out[1], out[2])]
    return [_moved(both[2], both[1]), _moved(both[1], both[2])] if both is not None else None


def _moved(source: str, to: str) -> str:
    return f"INSERT INTO {to} SELECT * FROM {source}"  # noqa: S608 - parsed, never run


_BY_HEAD: Final[dict[str, Callable[[str], list[str] | None]]] = {
    "REPLACE": _replaced,
    "UNLOAD": _unloaded,
    "EXPLAIN": _explained,
    "PREPARE": _prepared,
    "RENAME": _renamed,
    "CREATE": _created,
    "ALTER": _altered,
    "COPY": _copied,
    "EXCHANGE": _exchanged,
    "SUBMIT": _submitted,
}
