"""Statements of Db2 in words that the parser reads."""

from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.split import Tokens, find, word

_ISOLATIONS: Final = ("UR", "CS", "RS", "RR")
_OF_CHANGES: Final = ("FINAL", "NEW", "OLD")
_NOW: Final = ("DATE", "TIME", "TIMESTAMP", "TIMEZONE", "SCHEMA", "SERVER", "SQLID", "USER")
_UNITS: Final = frozenset({
    "YEAR", "YEARS", "MONTH", "MONTHS", "DAY", "DAYS", "HOUR", "HOURS", "MINUTE", "MINUTES", "SECOND", "SECONDS",
})  # fmt: skip
_OF_TIME: Final = _UNITS | {"CURRENT"}
_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "MERGE")


def of_db2(tokens: Tokens) -> Tokens:
    """Without what stands at the end of a query for the optimiser; changes whose rows a query shows as themselves."""
    return _changed(_without_moments(_without_end(tokens)))


def _without_moments(tokens: Tokens) -> Tokens:
    """CURRENT DATE - 3 DAYS as a number: no column has a part in it."""
    if _OF_TIME.isdisjoint(token.text.upper() for token in tokens):
        return tokens
    kept: Tokens = []
    for place, token in enumerate(tokens):
        before = word(tokens, place - 1)
        if before == "CURRENT" and word(tokens, place) in _NOW:
            kept[-1] = Token(TokenType.NUMBER, "0", token.line, token.col, token.start, token.end)
            continue
        counted = word(tokens, place - 2) in ("+", "-") and tokens[place - 1].token_type is TokenType.NUMBER
        if not (counted and word(tokens, place) in _UNITS):
            kept.append(token)
    return kept


def _without_end(tokens: Tokens) -> Tokens:
    """Without WITH UR, FOR READ ONLY and OPTIMIZE FOR 1 ROW."""
    end = len(tokens)
    while True:
        last = [word(tokens, place) for place in range(max(0, end - 4), end)]
        if last[-2:-1] == ["WITH"] and last[-1] in _ISOLATIONS:
            end -= 2
        elif last[-3:] in (["FOR", "READ", "ONLY"], ["FOR", "FETCH", "ONLY"]):
            end -= 3
        elif last[-2:] == ["ELSE", "IGNORE"]:
            end -= 2
        elif last[:2] == ["OPTIMIZE", "FOR"] and last[-1] in ("ROW", "ROWS"):
            end -= 4
        else:
            return tokens[:end]


def _changed(tokens: Tokens) -> Tokens:
    """SELECT id FROM FINAL TABLE (INSERT INTO t ...): the rows that are inserted."""
    if word(tokens, 0) != "SELECT":
        return tokens
    place = find(tokens, 1, ("FROM",)) + 1
    if word(tokens, place) not in _OF_CHANGES or word(tokens, place + 1) != "TABLE":
        return tokens
    end = find(tokens, place + 3, (")",))
    inner = tokens[place + 3 : end]
    return inner if end > 0 and word(tokens, place + 2) == "(" and word(inner, 0) in _CHANGES else tokens
