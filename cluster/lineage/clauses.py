"""Clauses of single dialects that the parser has no place for, and that say nothing of where values come from."""

from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.split import Tokens, find, word

_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "MERGE")
_MARKS: Final = frozenset({TokenType.COLON, TokenType.MOD})
# What a value stands behind.
_SIGNS: Final = frozenset({"=", "(", ",", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "||"})
_WANTING: Final = frozenset({
    "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "BETWEEN", "WHEN", "THEN", "ELSE", "SELECT", "LIMIT", "OFFSET", "RETURN",
    "WHERE", "ON", "HAVING", "TOP", "FETCH", "FIRST", "NEXT",
})  # fmt: skip
_OPERATORS: Final = frozenset("+-*/%&|^")
_DOT: Final = Token(TokenType.DOT, ".")
_METHODS: Final = frozenset({"VALUE", "QUERY"})
_ROWSETS: Final = frozenset({"OPENXML", "OPENROWSET"})


def with_marks(tokens: Tokens) -> Tokens:
    """A statement where the marks of drivers, as `:1`, `%s` and `%(name)s`, are values that the parser reads."""
    if not any(token.token_type in _MARKS for token in tokens):
        return tokens
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        width = _mark(tokens, place) if token.token_type in _MARKS else 0
        if width:
            token = Token(TokenType.NULL, "NULL", token.line, token.col, token.start, token.end)
        kept.append(token)
        place += max(width, 1)
    return kept


def _mark(tokens: Tokens, place: int) -> int:
    """How many tokens the mark of a value takes that begins at a place; 0 if none does."""
    before, mark = word(tokens, place - 1), tokens[place].text
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if after is None or after.start != tokens[place].end + 1 or not (before in _WANTING or before in _SIGNS):
        return 0
    if mark == ":":
        return 2 if after.token_type is TokenType.NUMBER else 0
    if after.text in ("s", "d"):
        return 2
    named = after.text == "(" and word(tokens, place + 3) == ")" and word(tokens, place + 4) in ("S", "D")
    return 5 if named else 0


def of_postgres(tokens: Tokens) -> Tokens:
    """Without OVERRIDING SYSTEM VALUE and WITH NO DATA; a recursive view as what it is short for."""
    place = find(tokens, 1, ("OVERRIDING",))
    if word(tokens, 0) in ("INSERT", "WITH") and place > 0 and word(tokens, place + 2) == "VALUE":
        return tokens[:place] + tokens[place + 3 :]
    if word(tokens, 0) != "CREATE":
        return tokens
    if word(tokens, len(tokens) - 1) == "DATA":
        end = find(tokens, len(tokens) - 3, ("WITH",))
        tokens = tokens[:end] if end > 0 else tokens
    view = find(tokens[:6], 1, ("RECURSIVE",))
    begins = find(tokens, view + 2, ("AS",))
    return _recursive(tokens, view, begins) if view > 0 and begins > 0 else tokens


def _recursive(tokens: Tokens, view: int, begins: int) -> Tokens:
    """CREATE RECURSIVE VIEW v (a) AS q as CREATE VIEW v AS WITH RECURSIVE v (a) AS (q) SELECT * FROM v."""
    named = tokens[view + 2 : begins]
    listed = find(named, 0, ("(",))
    name = named if listed < 0 else named[:listed]
    recursive = Token(TokenType.RECURSIVE, "RECURSIVE")
    return [
        *tokens[:view], tokens[view + 1], *name, tokens[begins], Token(TokenType.WITH, "WITH"), recursive, *name[-1:],
        *named[len(name) :], tokens[begins], Token(TokenType.L_PAREN, "("), *tokens[begins + 1 :],
        Token(TokenType.R_PAREN, ")"), Token(TokenType.SELECT, "SELECT"), Token(TokenType.STAR, "*"),
        Token(TokenType.FROM, "FROM"), *name[-1:],
    ]  # fmt: skip


def without_files(tokens: Tokens) -> Tokens:
    """SELECT ... INTO OUTFILE 'x' FIELDS ...: files are no tables."""
    place = find(tokens, 1, ("INTO",))
    if word(tokens, 0) not in ("SELECT", "WITH") or word(tokens, place + 1) not in ("OUTFILE", "DUMPFILE"):
        return tokens
    end = find(tokens, place, ("FROM",))
    return tokens[:place] + (tokens[end:] if end >= 0 else [])


def of_batches(tokens: Tokens) -> Tokens:
    """A statement of T-SQL in words that the parser reads."""
    seen = {token.text.upper() for token in tokens}
    if "OPTION" in seen:
        tokens = _without_option(tokens)
    if "XMLNAMESPACES" in seen:
        tokens = _without_namespaces(tokens)
    if not _METHODS.isdisjoint(seen):
        tokens = _without_methods(tokens)
    if not _ROWSETS.isdisjoint(seen):
        tokens = _bare_rowsets(tokens)
    if "=" in seen and word(tokens, 0) in ("UPDATE", "MERGE", "SET", "SELECT", "WITH"):
        tokens = _assigned_in_full(tokens)
    if "TEMP" in seen or "TEMPORARY" in seen:
        tokens = _as_names(tokens)
    return without_top(tokens) if "TOP" in seen else tokens


def _as_names(tokens: Tokens) -> Tokens:
    """SELECT ... INTO temp: in T-SQL a table of that name."""
    return [
        Token(TokenType.VAR, token.text, token.line, token.col, token.start, token.end)
        if token.token_type is TokenType.TEMPORARY
        else token
        for token in tokens
    ]


def closed(tokens: Tokens, opened: int) -> int:
    """The place behind a parenthesis that is opened at a place."""
    end = find(tokens, opened + 1, (")",))
    return end + 1 if end >= 0 else len(tokens)


def _without_option(tokens: Tokens) -> Tokens:
    """OPTION (RECOMPILE, USE HINT ('x')): how a statement is run."""
    place = find(tokens, 1, ("OPTION",))
    return (
        tokens[:place] + tokens[closed(tokens, place + 1) :] if place > 0 and word(tokens, place + 1) == "(" else tokens
    )


def _without_namespaces(tokens: Tokens) -> Tokens:
    """WITH XMLNAMESPACES ('x' AS a), and the common table expressions that may follow."""
    place = find(tokens, 0, ("XMLNAMESPACES",))
    if place < 1 or word(tokens, place - 1) != "WITH":
        return tokens
    end = closed(tokens, place + 1)
    return tokens[:place] + tokens[end + 1 :] if word(tokens, end) == "," else tokens[: place - 1] + tokens[end:]


def _without_methods(tokens: Tokens) -> Tokens:
    """(SELECT ... FOR XML PATH(''), TYPE).value('.', 'text'): the same text."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        method = word(tokens, place) == "." and word(tokens, place + 1) in _METHODS and word(tokens, place + 2) == "("
        if method and kept and kept[-1].text == ")":
            place = closed(tokens, place + 2)
        else:
            kept.append(tokens[place])
            place += 1
    return kept


def _bare_rowsets(tokens: Tokens) -> Tokens:
    """OPENROWSET(BULK ...) and OPENXML(...) WITH (...), without what they say of files and types."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        kept.append(tokens[place])
        place += 1
        if kept[-1].text.upper() in _ROWSETS and word(tokens, place) == "(":
            end = closed(tokens, place)
            kept += [tokens[place], *tokens[end - 1 : end]]
            typed = word(tokens, end) == "WITH" and word(tokens, end + 1) == "("
            place = closed(tokens, end + 1) if typed else end
    return kept


def _assigned_in_full(tokens: Tokens) -> Tokens:
    """SET a += b as SET a = a + b, and SET @v = a = b without the variable."""
    kept: Tokens = []
    depth = 0
    of = tokens[1:2] if word(tokens, 0) == "UPDATE" and word(tokens, 2) == "SET" else []
    for place, token in enumerate(tokens):
        text = word(tokens, place)
        depth += (text == "(") - (text == ")")
        if text == "WHERE" and depth == 0:
            return kept + tokens[place:]
        if text != "=" or depth or not kept:
            kept.append(token)
        elif kept[-1].text in _OPERATORS:
            operator = kept.pop()
            name = _name_before(kept)
            qualifier = [*of, _DOT] if of and len(name) == 1 else []  # the old value is the changed table's own
            kept += [token, *qualifier, *name, operator]
        elif len(target := _name_before(kept)) < len(kept) and kept[-len(target) - 1].text == "=" and target:
            variable = _name_before(kept[: -len(target) - 1])
            cut = len(kept) - len(target) - 1 - len(variable)
            marked = bool(variable) and variable[0].text == "@" and word(kept, cut - 1) in ("SET", ",")
            if marked:
                del kept[cut:]
                kept += target
            kept.append(token)
        else:
            kept.append(token)
    return kept


def _name_before(tokens: Tokens) -> Tokens:
    """The name that tokens end with, with its qualifiers or the mark of a variable."""
    start = len(tokens) - 1
    while start >= 2 and tokens[start - 1].text == ".":
        start -= 2
    start -= start >= 1 and tokens[start - 1].token_type is TokenType.PARAMETER
    return tokens[max(start, 0) :]


def without_top(tokens: Tokens) -> Tokens:
    """T-SQL's UPDATE TOP (n) [PERCENT]: how many rows are changed, not which."""
    verb = find(tokens, 0, _CHANGES)
    if verb < 0 or word(tokens, verb + 1) != "TOP" or word(tokens, verb + 2) != "(":
        return tokens
    end = find(tokens, verb + 3, (")",)) + 1
    end += word(tokens, end) == "PERCENT"
    return tokens[: verb + 1] + tokens[end:]


def with_parentheses(tokens: Tokens) -> Tokens:
    """DuckDB's CREATE TABLE t AS PIVOT ...: the statement as a query in parentheses."""
    place = find(tokens, 1, ("AS",)) + 1
    if word(tokens, 0) != "CREATE" or word(tokens, place) not in ("PIVOT", "UNPIVOT") or not place:
        return tokens
    return [*tokens[:place], Token(TokenType.L_PAREN, "("), *tokens[place:], Token(TokenType.R_PAREN, ")")]


def without_label(tokens: Tokens) -> Tokens:
    """INSERT INTO t WITH LABEL x SELECT ...: the name of the load, as StarRocks and Doris write it; and into files."""
    if word(tokens, 0) == "INSERT" and word(tokens, 2) == "FILES" and word(tokens, 3) == "(":
        inner = [Token(TokenType.L_PAREN, "("), *tokens[closed(tokens, 3) :], Token(TokenType.R_PAREN, ")")]
        return [Token(TokenType.COPY, "COPY"), *inner, Token(TokenType.VAR, "TO"), Token(TokenType.STRING, "x")]
    tokens = [token for token in tokens if token.token_type is not TokenType.TEMPORARY or word(tokens, 0) != "INSERT"]
    place = find(tokens, 1, ("WITH",))
    if word(tokens, 0) != "INSERT" or word(tokens, place + 1) != "LABEL" or word(tokens, place + 2) == "AS":
        return tokens
    return tokens[:place] + tokens[place + 3 :]
