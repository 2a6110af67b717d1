"""Scripts as tokens, and tokens as chunks between semicolons."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, NamedTuple

from sqlglot.dialects import TSQL
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

Tokens = list[Token]
_SCAFFOLD: Final = frozenset({"BEGIN", "WHILE", "LOOP", "REPEAT", "EXCEPTION", "ELSEIF"})
_PLAIN: Final = ("PRINT", "UPDATE STATISTICS", "CALL", "GO")
_ROWS: Final = re.compile(r"(?i)\bFROM\s{1,9}STDIN\b[^;]{0,200};")
_DECLARED: Final = re.compile(r"(?i)\bDECLARE(\s+)GLOBAL(?=\s+TEMPORARY\s+TABLE\b)")
_ROWS_END: Final = "\n\\."
_OF_HIVE: Final = re.compile(r"(?i)\b(?:external|alter|msck|drop|repair|describe|show)\b")  # Athena reads it so
AT_ONCE: Final = 50_000
MOST_PASTED: Final = 3
LONGEST: Final = 2_000_000
DEEPEST: Final = 40  # BEGIN, WHILE and their like in one statement; each is tokenized again
WIDTHS: Final = (1, 2, 3, 4, 5, 8, 16, 32, 64, 128, 256)


def prepared(sql: str, dialect: str) -> str:
    """The text without the commands of clients, of the same length: GO, DELIMITER, a slash on a line of its own, //."""
    if dialect in ("tsql", "fabric", ""):
        sql = re.sub(r"(?im)^([ \t]*)GO((?:[ \t]*\d+)?[ \t]*)$", lambda m: m[1] + ";;" + " " * len(m[2]), sql)
    if dialect == "":  # Db2's tables of a session
        sql = _DECLARED.sub(lambda m: "CREATE " + m[1] + " " * len("GLOBAL"), sql)
    if dialect == "oracle":
        sql = re.sub(r"(?m)^([ \t]*)/([ \t]*)$", r"\1;\2", sql)
    if dialect in ("athena", "trino", "presto") and "`" in sql and not _OF_HIVE.search(sql):
        sql = sql.replace("`", '"')  # quotes of other engines, where they can mean nothing else
    if dialect == "teradata":  # commands of BTEQ
        sql = re.sub(r"(?m)^[ \t]*\.[A-Za-z].*$", lambda m: " " * len(m[0]), sql)
    if dialect == "postgres" and _ROWS_END in sql:
        sql = _without_rows(sql)
    if dialect == "mysql" and "/*!" in sql:
        sql = _of_versions(sql)
    sql = re.sub(r"(?m)^[ \t]*\\[a-z].*$", lambda m: " " * len(m[0]), sql)
    if "//" in sql:
        sql = re.sub(r"(?:\A|;)\s*//[^\n]*", lambda m: re.sub(r"[^\n;]", " ", m[0]), sql)
    if re.search(r"(?im)^[ \t]*DELIMITER[ \t]", sql):
        sql = _without_delimiters(sql)
    return sql


def _of_versions(sql: str) -> str:
    """MySQL's /*!50001 ... */, which servers from a version on run."""
    kept: list[str] = []
    start = 0
    while (opened := sql.find("/*!", start)) >= 0 and (closed := sql.find("*/", opened)) >= 0:
        inner = opened + 3
        while sql[inner].isdigit():
            inner += 1
        kept += [sql[start:opened], " " * (inner - opened), sql[inner:closed], "  "]
        start = closed + 2
    return "".join([*kept, sql[start:]])


def _without_rows(sql: str) -> str:
    """A dump without the rows that stand behind COPY ... FROM stdin."""
    kept: list[str] = []
    start = 0
    while (found := _ROWS.search(sql, start)) and (end := sql.find(_ROWS_END, found.end())) >= 0:
        end += len(_ROWS_END)
        kept += [sql[start : found.end()], re.sub(r"[^\n]", " ", sql[found.end() : end])]
        start = end
    return "".join([*kept, sql[start:]])


def _without_delimiters(sql: str) -> str:
    lines, mark = [], ";"
    for line in sql.split("\n"):
        told = re.match(r"(?i)[ \t]*DELIMITER[ \t]+(\S+)", line)
        if told:
            mark = told[1]
        kept = " " * len(line) if told else line
        lines.append(kept if mark == ";" else kept.replace(mark, ";" + " " * (len(mark) - 1)))
    return "\n".join(lines)


class Stretch(NamedTuple):
    """A part of a script as tokens, which begins at `line`. `wrong` is what keeps it from being read, "" if nothing."""

    tokens: Tokens
    text: str
    line: int
    wrong: str = ""


def stretches(engine: Dialect, sql: str, line: int = 0) -> Iterator[Stretch]:
    """A script as tokens, part by part, where `line` lines are before it.

    Parts end with a statement, so a long text can be left in the middle, and quotes that nobody closes spoil no more
    than their own statement.
    """
    ends = sorted({*(found.end() for found in re.finditer(";", sql)), len(sql)})
    start, careful = 0, 0
    while start < len(sql):
        first = bisect_right(ends, start)
        at_once = ends[max(first, bisect_right(ends, start + AT_ONCE) - 1)]
        end, tokens = at_once, None
        if start >= careful:
            tokens = _tokens(engine, sql[start:end])
            careful = 0 if tokens is not None else end
        if tokens is None:
            end, tokens = _one_statement(engine, sql, start, ends[first : first + WIDTHS[-1]])
        text = sql[start:end]
        if tokens is None:
            blank = text[: len(text) - len(text.lstrip())].count("\n")
            wrong = (
                "unterminated quotes" if len(text) <= LONGEST else f"a statement of more than {LONGEST:,} characters"
            )
            yield Stretch([], text, line + blank + 1, wrong)
        else:
            for token in tokens if line else ():
                token.line += line
            yield Stretch(tokens, text, line + 1)
        line += text.count("\n")
        start = end


def _one_statement(engine: Dialect, sql: str, start: int, ends: list[int]) -> tuple[int, Tokens | None]:
    """One statement's end and tokens: semicolons may stand in its quotes. None if it cannot be read."""
    for width in WIDTHS:
        if width <= len(ends) and (width == 1 or ends[width - 1] - start <= AT_ONCE):
            tokens = _tokens(engine, sql[start : ends[width - 1]])
            if tokens is not None:
                return ends[width - 1], tokens
    return ends[0], None


def _tokens(engine: Dialect, text: str) -> Tokens | None:
    if len(text) > LONGEST:
        return None
    try:
        if isinstance(engine, TSQL):
            return list(_Batches(dialect=engine).tokenize(text))
        return _opened(engine, text, list(engine.tokenize(text)))
    except (TokenError, ValueError, IndexError, RecursionError):
        return None


class _Batches(TSQL.Tokenizer):  # type: ignore[misc]
    """Takes nothing behind PRINT or END for one text up to the next semicolon: T-SQL ends statements without one."""

    KEYWORDS: ClassVar[dict[str, TokenType]] = TSQL.Tokenizer.KEYWORDS | dict.fromkeys(_PLAIN, TokenType.VAR)
    COMMANDS: ClassVar[set[TokenType]] = TSQL.Tokenizer.COMMANDS - {TokenType.END, TokenType.FETCH}


def _opened(engine: Dialect, text: str, tokens: Tokens, deep: int = 0) -> Tokens:
    """Tokens where what stands behind BEGIN or WHILE is read too: some tokenizers take it for one text."""
    found: Tokens = []
    for token in tokens:
        before = found[-1] if found else None
        if (
            before is None
            or before.token_type is not TokenType.COMMAND
            or token.token_type is not TokenType.STRING
            or before.text.upper() not in _SCAFFOLD
            or deep > DEEPEST
        ):
            found.append(token)
            continue
        start = text.index(token.text, before.end + 1)
        line, column = before.line + text.count("\n", before.end + 1, start), start - text.rfind("\n", 0, start) - 1
        for each in _opened(engine, token.text, list(engine.tokenize(token.text)), deep + 1):
            shift = column if each.line == 1 else 0
            place = (each.line + line - 1, each.col + shift, each.start + start, each.end + start)
            found.append(Token(each.token_type, each.text, *place))
    return found


def by_semicolon(tokens: Sequence[Token]) -> Iterator[Tokens]:
    """The statements of a script; an empty one is the end of a batch."""
    start = 0
    pasted: list[int] = []
    for place, token in enumerate(tokens):
        if token.token_type is TokenType.SEMICOLON:
            if len(pasted) < MOST_PASTED and _pasted(tokens, start, place):
                pasted.append(place)
                continue
            if place > start or (place and token.start == tokens[place - 1].end + 1):
                yield _chunk(tokens, start, place, pasted)
            start, pasted = place + 1, []
    if start < len(tokens):
        yield _chunk(tokens, start, len(tokens), pasted)


def _pasted(tokens: Sequence[Token], start: int, place: int) -> bool:
    """Whether a semicolon came with a query that was put into parentheses: CREATE VIEW v AS (SELECT a FROM t;)."""
    if place + 1 == len(tokens) or tokens[place + 1].token_type is not TokenType.R_PAREN:
        return False
    kinds = [token.token_type for token in tokens[start:place]]
    macro = any(word(tokens, at) == "MACRO" for at in range(start, min(start + 4, place)))
    return kinds.count(TokenType.L_PAREN) > kinds.count(TokenType.R_PAREN) and not macro


def _chunk(tokens: Sequence[Token], start: int, end: int, without: list[int]) -> Tokens:
    return [tokens[at] for at in range(start, end) if at not in without] if without else list(tokens[start:end])


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
