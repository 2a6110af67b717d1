"""Scripts as tokens, and tokens as chunks between semicolons."""

import re
from collections.abc import Iterator, Sequence

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

Tokens = list[Token]


def prepared(sql: str, dialect: str) -> str:
    """The text without the commands of clients, of the same length: GO, DELIMITER, a slash on a line of its own."""
    if dialect in ("tsql", "fabric", ""):
        sql = re.sub(r"(?im)^([ \t]*)GO([ \t]*\d*[ \t]*)$", lambda m: m[1] + "; " + " " * len(m[2]), sql)
    if dialect == "oracle":
        sql = re.sub(r"(?m)^([ \t]*)/([ \t]*)$", r"\1;\2", sql)
    sql = re.sub(r"(?m)^[ \t]*\\[a-z].*$", lambda m: " " * len(m[0]), sql)
    if re.search(r"(?im)^[ \t]*DELIMITER[ \t]", sql):
        sql = _without_delimiters(sql)
    return sql


def _without_delimiters(sql: str) -> str:
    lines, mark = [], ";"
    for line in sql.split("\n"):
        told = re.match(r"(?i)[ \t]*DELIMITER[ \t]+(\S+)", line)
        if told:
            mark = told[1]
        kept = " " * len(line) if told else line
        lines.append(kept if mark == ";" else kept.replace(mark, ";" + " " * (len(mark) - 1)))
    return "\n".join(lines)


def tokenized(engine: Dialect, sql: str) -> Iterator[tuple[Tokens, int, str]]:
    """The tokens of a script, in one stretch or, where a part cannot be read, in several: with the number of lines
    before each, and what is wrong with it if anything is."""
    try:
        yield engine.tokenize(sql), 0, ""
        return
    except (TokenError, ValueError, IndexError, RecursionError):
        pass
    parts = re.split(r"(?<=;)", sql)
    at, line = 0, 0
    while at < len(parts):
        for width in range(1, 6 if len(parts) < 2_000 else 2):
            text = "".join(parts[at : at + width])
            try:
                yield engine.tokenize(text), line, ""
                break
            except (TokenError, ValueError, IndexError, RecursionError):
                continue
        else:
            width, text = 1, parts[at]
            yield [], line + len(text[: len(text) - len(text.lstrip())].split("\n")) - 1, "unterminated text or quotes"
        line += text.count("\n")
        at += width


def by_semicolon(tokens: Sequence[Token]) -> Iterator[Tokens]:
    start = 0
    for place, token in enumerate(tokens):
        if token.token_type is TokenType.SEMICOLON:
            if place > start:
                yield list(tokens[start:place])
            start = place + 1
    if start < len(tokens):
        yield list(tokens[start:])


def word(tokens: Sequence[Token], place: int) -> str:
    if 0 <= place < len(tokens):
        token = tokens[place]
        return "" if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) else token.text.upper()
    return ""


def find(tokens: Sequence[Token], at: int, words: Sequence[str]) -> int:
    """The place of the first of some words outside parentheses and CASE; -1 if there is none."""
    depth = 0
    for place in range(at, len(tokens)):
        text = word(tokens, place)
        if depth == 0 and text in words:
            return place
        depth += (text in ("(", "CASE")) - (text == ")" or (text == "END" and depth > 0))
    return -1
