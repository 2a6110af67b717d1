"""Names of tables that stand in texts and variables: IDENTIFIER('s.t'), IDENTIFIER(:v), TABLE('s.t')."""

import re
from collections.abc import Mapping
from typing import Final

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.cursors import Piece
from cluster.lineage.dynamic import TEXTS
from cluster.lineage.naming import Names
from cluster.lineage.origins import NOBODY
from cluster.lineage.split import Tokens, word

# Dialects in which IDENTIFIER(...) stands for a name, and the words that a table's name follows.
_DIALECTS: Final = frozenset({"snowflake", "databricks", "spark"})
_BEFORE_NAMES: Final = frozenset({
    "FROM", "JOIN", "INTO", "TABLE", "VIEW", "UPDATE", "USING", "EXISTS", "OVERWRITE",
})  # fmt: skip
_BETWEEN_TEXTS: Final = frozenset({"||", "$", ":", ",", "(", ")", "CONCAT"})
_UNKNOWN: Final = "\0"
_NAME: Final = re.compile(r"(?:[\w$.\-]|\"[^\"]{1,200}\"|`[^`]{1,200}`){1,300}")
_GIVES: Final = frozenset({"=", ":", ":=", "DEFAULT"})
_OF_GIVING: Final = frozenset({"SET", "VAR", "VARIABLE", "DECLARE", "OR", "REPLACE", "LET", "SESSION"})


class NamedByText:
    """Knows the texts that variables of a script were given, and puts names where IDENTIFIER(...) stands."""

    def __init__(self, names: Names) -> None:
        self.engine, self.used = names.engine, names.dialect in _DIALECTS
        self.known: dict[str, str] = {}

    def note(self, piece: Piece) -> None:
        """Keeps the name that a statement gives to a variable."""
        if self.used:
            self.known |= _given(piece)

    def put(self, tokens: Tokens) -> Tokens:
        """A statement with names in place of IDENTIFIER(...).

        Of a name whose first part nobody knows the rest is taken: a schema and a table behind a variable. A name of
        which nothing is known becomes `<unknown>`.
        """
        if not self.used or not any(_stands_for_name(tokens, place) for place in range(1, len(tokens))):
            return tokens
        result: Tokens = []
        place = 0
        while place < len(tokens):
            if not _stands_for_name(tokens, place):
                result.append(tokens[place])
                place += 1
                continue
            end = _closing(tokens, place + 1)
            result += _name_of(tokens[place], tokens[place + 2 : end], self.engine, self.known)
            place = end + 1
        return result


def _given(piece: Piece) -> dict[str, str]:
    """A variable and the name in its text: SET t = 's.t', DECLARE t STRING DEFAULT 's.t', t := 's.t'."""
    tokens = piece.tokens
    if not tokens or tokens[-1].token_type not in TEXTS or not _NAME.fullmatch(tokens[-1].text):
        return {}
    if piece.variables and len(tokens) == 1:
        return {piece.variables[0].lower(): tokens[-1].text}
    if not 2 < len(tokens) < 12 or tokens[-2].text.upper() not in _GIVES:
        return {}
    name = next((token.text.lower() for token in tokens[:-2] if token.text.upper() not in _OF_GIVING), "")
    return {name: tokens[-1].text} if name else {}


def _stands_for_name(tokens: Tokens, place: int) -> bool:
    if place == 0 or place + 2 >= len(tokens) or tokens[place + 1].token_type is not TokenType.L_PAREN:
        return False
    before = word(tokens, place - 1)
    if word(tokens, place) == "IDENTIFIER":
        return before in _BEFORE_NAMES
    first = tokens[place + 2]
    named = first.token_type in TEXTS or first.text == "$"
    return named and word(tokens, place) == "TABLE" and before in ("FROM", "JOIN")


def _closing(tokens: Tokens, opened: int) -> int:
    depth = 0
    for place in range(opened, len(tokens)):
        kind = tokens[place].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth == 0:
            return place
    return len(tokens)


def _name_of(at: Token, inside: Tokens, engine: Dialect, known: Mapping[str, str]) -> Tokens:
    said = [token for token in inside if token.text.upper() not in _BETWEEN_TEXTS]
    text = "".join(_said(token, known, len(inside) == 1) for token in said)
    if _UNKNOWN in text:
        text = text.rpartition(_UNKNOWN)[2]
        text = text[1:] if text.startswith(".") else ""
    try:
        parts = list(engine.tokenize(text)) if _NAME.fullmatch(text) else []
    except SqlglotError:
        parts = []
    if not parts or any((part.token_type is TokenType.DOT) != bool(index % 2) for index, part in enumerate(parts)):
        return [_at(at, TokenType.IDENTIFIER, NOBODY[0])]
    kept = (TokenType.DOT, TokenType.IDENTIFIER)
    return [_at(at, part.token_type if part.token_type in kept else TokenType.VAR, part.text) for part in parts]


def _said(token: Token, known: Mapping[str, str], alone: bool) -> str:
    """What a part of a name says: a text, a variable's text, or a name that stands there bare."""
    if token.token_type in TEXTS:
        return token.text
    bare = alone and token.token_type not in (TokenType.PLACEHOLDER, TokenType.NUMBER)
    return known.get(token.text.lower(), token.text if bare else _UNKNOWN)


def _at(where: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, where.line, where.col, where.start, where.end)
