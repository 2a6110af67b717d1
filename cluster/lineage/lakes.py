"""Statements of Databricks, Spark, BigQuery and Redshift in words that the parser reads."""

from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.clauses import closed
from cluster.lineage.guesses import dotted
from cluster.lineage.split import Tokens, find, word

_VERSIONS: Final = ("VERSION", "TIMESTAMP", "FOR")
_BEFORE_QUERIES: Final = frozenset({"AS", "ALL", "UNION", "EXCEPT", "INTERSECT", "MINUS", "DISTINCT"})
_BEFORE_BRACKETS: Final = frozenset({"AS", "FROM", "JOIN", "IN", "EXISTS"})
_INTO: Final = (Token(TokenType.INSERT, "INSERT"), Token(TokenType.INTO, "INTO"))
_ALL: Final = (Token(TokenType.SELECT, "SELECT"), Token(TokenType.STAR, "*"), Token(TokenType.FROM, "FROM"))


def of_lakes(tokens: Tokens) -> Tokens:
    """Without what a statement says of versions, expectations and schemas that grow; changes of a stream as rows."""
    seen = {token.text.upper() for token in tokens}
    if "EVOLUTION" in seen:
        tokens = _without_evolution(tokens)
    if "EXPECT" in seen:
        tokens = _without_expectations(tokens)
    if "CLONE" in seen:
        tokens = _cloned(tokens)
    if "CDC" in seen or ("APPLY" in seen and "CHANGES" in seen):
        return _changes(tokens)
    if "TABLE" in seen and word(tokens, 0) != "GRANT":
        tokens = _with_tables(tokens)
    return _merged(tokens) if "DUPLICATES" in seen else tokens


def of_spark(tokens: Tokens) -> Tokens:
    """TABLE t where a query stands, and directories that are written in a format."""
    seen = {token.text.upper() for token in tokens}
    if "DIRECTORY" in seen and "USING" in seen:
        tokens = _without_format(tokens)
    if "TABLE" not in seen:
        return tokens
    kept: Tokens = []
    for place, token in enumerate(tokens):
        kept += _ALL if _is_query(tokens, place) else [token]
    return kept


def _is_query(tokens: Tokens, place: int) -> bool:
    """Whether TABLE begins a query, as in CREATE TABLE a AS TABLE b and in b UNION ALL TABLE c."""
    if word(tokens, place) != "TABLE" or not dotted(tokens, place + 1):
        return False
    before = word(tokens, place - 1) if place else "AS"
    return before in _BEFORE_QUERIES or (before == "(" and place > 1 and word(tokens, place - 2) in _BEFORE_BRACKETS)


def _without_format(tokens: Tokens) -> Tokens:
    """INSERT OVERWRITE DIRECTORY 'path' USING format OPTIONS (...) query; the path may stand among the options."""
    place = find(tokens, 1, ("DIRECTORY",))
    path = [token for token in tokens[place + 1 : place + 2] if token.token_type is TokenType.STRING]
    using = place + 1 + len(path)
    if place < 0 or word(tokens, using) != "USING":
        return tokens
    end = using + 2
    if word(tokens, end) == "OPTIONS":
        closed = find(tokens, end + 2, (")",))
        texts = [token for token in tokens[end:closed] if token.token_type is TokenType.STRING]
        path, end = path or texts[:1], closed + 1
    return [*tokens[: place + 1], *path, *tokens[end:]] if path else tokens


def _with_tables(tokens: Tokens) -> Tokens:
    """BigQuery's f(TABLE s.t, 1): the rows of the table as a query."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        given = word(tokens, place) == "TABLE" and place > 1 and word(tokens, place - 1) in ("(", ",")
        width = 2 * len(dotted(tokens, place + 1)) - 1 if given else 0
        if width > 0:
            kept += [Token(TokenType.L_PAREN, "("), *_ALL, *tokens[place + 1 : place + 1 + width]]
            kept.append(Token(TokenType.R_PAREN, ")"))
            place += 1 + width
        else:
            kept.append(tokens[place])
            place += 1
    return kept


def _without_evolution(tokens: Tokens) -> Tokens:
    """MERGE WITH SCHEMA EVOLUTION INTO t."""
    place = find(tokens, 1, ("WITH",))
    grows = word(tokens, place + 1) == "SCHEMA" and word(tokens, place + 2) == "EVOLUTION"
    return tokens[:place] + tokens[place + 3 :] if place > 0 and grows else tokens


def _without_expectations(tokens: Tokens) -> Tokens:
    """(a INT, CONSTRAINT c EXPECT (a > 0) ON VIOLATION DROP ROW): the columns alone."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        if word(tokens, place) == "CONSTRAINT" and word(tokens, place + 2) == "EXPECT":
            place = closed(tokens, place + 3)
            place += 4 if word(tokens, place) == "ON" and word(tokens, place + 1) == "VIOLATION" else 0
            if kept[-1].text == ",":
                kept.pop()
            elif word(tokens, place) == ",":
                place += 1
            if kept[-1].text == "(" and word(tokens, place) == ")":
                kept.pop()
                place += 1
            continue
        kept.append(tokens[place])
        place += 1
    return kept


def _cloned(tokens: Tokens) -> Tokens:
    """CREATE [SNAPSHOT] TABLE t DEEP CLONE s VERSION AS OF 3: the table as it is."""
    place = find(tokens, 1, ("CLONE",))
    if word(tokens, 0) != "CREATE" or place < 0:
        return tokens
    end = find(tokens, place, _VERSIONS)
    head = [token for token in tokens[:place] if token.text.upper() not in ("DEEP", "SHALLOW", "SNAPSHOT")]
    return head + tokens[place : end if end > 0 else len(tokens)]


def _changes(tokens: Tokens) -> Tokens:
    """APPLY CHANGES INTO t FROM STREAM(s) KEYS ..., CREATE FLOW f AS AUTO CDC INTO t FROM s: rows of s by name."""
    into, source = find(tokens, 0, ("INTO",)), find(tokens, 0, ("FROM",))
    if into < 0 or source < into or word(tokens, 0) not in ("APPLY", "CREATE", "AUTO"):
        return tokens
    start = source + 1 + (word(tokens, source + 1) == "STREAM")
    start += word(tokens, start) == "("
    width = max(2 * len(dotted(tokens, start)) - 1, 0)
    by_name = [Token(TokenType.VAR, "BY"), Token(TokenType.VAR, "NAME")]
    return [*_INTO, *tokens[into + 1 : source], *by_name, *_ALL, *tokens[start : start + width]]


def _merged(tokens: Tokens) -> Tokens:
    """Redshift's MERGE INTO t USING s ON ... REMOVE DUPLICATES: the rows of s."""
    using, on = find(tokens, 1, ("USING",)), find(tokens, 1, ("ON",))
    if word(tokens, 0) != "MERGE" or using < 0 or on < using:
        return tokens
    width = max(2 * len(dotted(tokens, 2)) - 1, 0)
    return [*_INTO, *tokens[2 : 2 + width], *_ALL, *tokens[using + 1 : on]]
