"""SQL without the values in it, for texts that are kept: constants become `'?'` and `0`, and comments are left out."""

from collections.abc import Iterator
from typing import Final

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.naming import READ_BY, known_dialect

_STRINGS: Final = frozenset({
    TokenType.STRING, TokenType.BIT_STRING, TokenType.HEX_STRING, TokenType.BYTE_STRING, TokenType.NATIONAL_STRING,
    TokenType.NATIONAL_RAW_STRING, TokenType.RAW_STRING, TokenType.UNICODE_STRING, TokenType.HEREDOC_STRING,
})  # fmt: skip
_BEFORE_BODIES: Final = ("AS", "DO")
LONGEST: Final = 100_000
DEEPEST_BODY: Final = 4


def without_literals(sql: str, dialect: str | None) -> str:
    """The text as lineage needs it; "" for one that is longer than `LONGEST`, or of which constants cannot be told.

    Without a dialect that is known, what stands between double quotes may be a value, and is taken for one.
    """
    if len(sql) > LONGEST:
        return ""
    try:
        name = known_dialect(dialect)
    except ValueError:
        name = ""
    try:
        return _masked(sql, Dialect.get_or_raise(READ_BY.get(name, name)), not name, 0)
    except (TokenError, ValueError, IndexError, RecursionError):
        return ""


def _masked(sql: str, engine: Dialect, doubtful: bool, deep: int) -> str:
    if deep > DEEPEST_BODY:
        return ""
    parts: list[str] = []
    end, before, word = 0, None, ""
    for token in engine.tokenize(sql):
        parts += _between(sql[end : token.start])
        text = sql[token.start : token.end + 1]
        if token.token_type is TokenType.HEREDOC_STRING and word in _BEFORE_BODIES:
            mark = text[: text.index("$", 1) + 1]
            text = f"{mark}{_masked(token.text, engine, doubtful, deep + 1)}{mark}"
        elif _is_string(token, text, doubtful):
            text = "'?'"
        elif token.token_type is TokenType.NUMBER and before is not TokenType.PARAMETER:  # $1 is a place
            text = "0"
        parts.append(text)
        end, before, word = token.end + 1, token.token_type, token.text.upper()
    parts += _between(sql[end:])
    return "".join(parts)


def _is_string(token: Token, text: str, doubtful: bool) -> bool:
    if token.token_type in _STRINGS or (doubtful and text.startswith('"')):
        return True
    return token.token_type is TokenType.VAR and "$$" in text  # as some dialects read what others quote by it


def _between(gap: str) -> Iterator[str]:
    """What stands between two tokens: blanks as they are, comments as one."""
    if gap:
        yield gap if gap.isspace() else "\n" if "\n" in gap else " "
