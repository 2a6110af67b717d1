"""Statements of Flink in words that the parser reads."""

import re
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.guesses import dotted
from cluster.lineage.split import Tokens, find, word

_SETS: Final = re.compile(r"(?i)\bEXECUTE\s+(?:STATEMENT\s+SET\b|(?=INSERT\s))|\bSTATEMENT\s+SET\s*;")
_WINDOWS: Final = ("TUMBLE", "HOP", "CUMULATE", "SESSION")
_ADDED: Final = ("window_start", "window_end", "window_time")
_KEYS: Final = ("PRIMARY", "UNIQUE", "CONSTRAINT", "WATERMARK", "PERIOD")
_ENDS: Final = ("NOT", "METADATA", "COMMENT", "PRIMARY", "VIRTUAL", "NULL")
_FARTHEST: Final = 100  # words of a window
_LETTERS: Final = (Token(TokenType.VAR, "VARCHAR"),)


def prepared_flink(sql: str) -> str:
    """The text with quotes that the parser knows, and without what makes several INSERT one job; of the same length."""
    return _SETS.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), sql.replace("`", '"'))


def of_flink(tokens: Tokens) -> Tokens:
    """Tables by their columns alone, windows as queries of the time that they are cut by, patterns without a limit."""
    seen = {token.text.upper() for token in tokens}
    if word(tokens, 0) == "CREATE" and "TABLE" in seen:
        return _defined(tokens)
    if "DESCRIPTOR" in seen:
        tokens = _windows(tokens)
    return _without_limit(tokens) if "WITHIN" in seen else tokens


def _defined(tokens: Tokens) -> Tokens:
    """CREATE TABLE t (a INT, b AS f(a), WATERMARK ...) WITH (...) LIKE s: columns and types; [AS query] stays."""
    name = find(tokens, 1, ("TABLE",)) + 1
    while word(tokens, name) in ("IF", "NOT", "EXISTS"):
        name += 1
    opened = name + max(2 * len(dotted(tokens, name)) - 1, 1)
    if word(tokens, opened) != "(":
        return tokens
    closed = find(tokens, opened + 1, (")",))
    query = find(tokens, closed, ("AS",))
    columns: Tokens = []
    for item in _items(tokens[opened + 1 : closed]):
        if word(item, 0) not in _KEYS:
            end = next((place for place in range(1, len(item)) if word(item, place) in _ENDS), len(item))
            typed = [] if word(item, 1) in ("AS", "METADATA") else item[1:end]
            columns += [*([Token(TokenType.COMMA, ",")] if columns else []), item[0], *(typed or _LETTERS)]
    if closed < 0 or not columns:
        return tokens
    return [*tokens[: opened + 1], *columns, tokens[closed], *(tokens[query:] if query > 0 else [])]


def _items(tokens: Tokens) -> list[Tokens]:
    """What commas part, outside of brackets of any kind."""
    found: list[Tokens] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "<", "[")) - (token.text in (")", ">", "]"))
        if token.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return [item for item in found if item]


def _windows(tokens: Tokens) -> Tokens:
    """TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), ...)): the rows of t with the window that the time puts them in."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        begins = place + 2 if word(tokens, place) == "TABLE" and word(tokens, place + 1) == "(" else place
        window = tokens[begins : begins + _FARTHEST] if word(tokens, begins) in _WINDOWS else []
        end = find(window, 2, (")",)) if word(window, 1) == "(" else -1
        query = _windowed(window[2:end]) if end > 0 else []
        if query:
            kept += query
            place = begins + end + 1 + (begins > place)
        else:
            kept.append(tokens[place])
            place += 1
    return kept


def _windowed(inner: Tokens) -> Tokens:
    table, time = find(inner, 0, ("TABLE",)) + 1, find(inner, 0, ("DESCRIPTOR",)) + 1
    name = inner[table : table + max(2 * len(dotted(inner, table)) - 1, 0)] if table else []
    at = inner[time + 1 : time + 2]
    if not name or not time or not at:
        return []
    opened, closed = Token(TokenType.L_PAREN, "("), Token(TokenType.R_PAREN, ")")
    query = [opened, Token(TokenType.SELECT, "SELECT"), Token(TokenType.STAR, "*")]
    for added in _ADDED:
        window = [Token(TokenType.VAR, "window_of"), opened, *at, closed]
        query += [Token(TokenType.COMMA, ","), *window, Token(TokenType.ALIAS, "AS"), Token(TokenType.VAR, added)]
    return [*query, Token(TokenType.FROM, "FROM"), *name, closed]


def _without_limit(tokens: Tokens) -> Tokens:
    """PATTERN (A B+) WITHIN INTERVAL '1' HOUR."""
    place = find(tokens, 1, ("DEFINE",))
    within = next((at for at in range(len(tokens)) if word(tokens, at) == "WITHIN"), -1)
    if within < 0:
        return tokens
    end = next((at for at in range(within, len(tokens)) if word(tokens, at) == "DEFINE"), place)
    return tokens[:within] + tokens[end:] if end > within else tokens
