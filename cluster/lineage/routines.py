"""CREATE PROCEDURE and its like: the names of the parameters, and where the statements of the body begin."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from sqlglot.tokenizer_core import TokenType

from cluster.lineage.boundaries import NOT_MAIN
from cluster.lineage.cursors import Piece
from cluster.lineage.split import Tokens, find, word

STARTS: Final = frozenset({
    "WITH", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "TRUNCATE", "COPY", "USE",
    "FROM", "TABLE", "VALUES", "LOAD", "UNLOAD", "REPLACE", "EXPLAIN", "CACHE", "PIVOT", "UNPIVOT", "UPSERT", "RENAME",
    "SEL", "BULK", "EXPORT", "UNCACHE", "REFRESH", "SUMMARIZE", "DESCRIBE", "ATTACH", "DETACH", "OPTIMIZE", "MSCK",
})  # fmt: skip
_FIRST: Final = STARTS | {"DECLARE", "SET", "IF", "WHILE", "BEGIN", "RETURN", "EXEC", "EXECUTE", "("}
_PARAMETERS_END: Final = frozenset({"AS", "BEGIN", "IS", "DO", "ON", "INSERT", "UPDATE", "DELETE", "MERGE"})
_ROUTINES: Final = frozenset({
    "PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "PACKAGE", "TASK", "EVENT", "JOB", "MACRO", "RULE",
})  # fmt: skip
_NEAR: Final = 8  # tokens between CREATE and what is created


class Routines:
    """The part of the way through a script that knows the heads of routines."""

    dialect: str
    inside: bool

    @staticmethod
    def routine(chunk: Tokens, at: int) -> bool:
        if word(chunk, at + 1) == "RULE":
            return True
        if word(chunk, at) != "CREATE":  # ALTER PROCEDURE, Teradata's REPLACE PROCEDURE
            return word(chunk, at + 1) in ("PROCEDURE", "PROC", "FUNCTION", "TRIGGER")
        kinds = [word(chunk, place) for place in range(at + 1, min(at + 8, len(chunk)))]
        if kinds[:1] == ["MACRO"] or ("TABLE", "FUNCTION") in pairwise(kinds):
            return True
        return any(kind in _ROUTINES for kind in kinds) and not any(
            kind in ("TABLE", "VIEW", "AS") for kind in kinds[:3]
        )

    @staticmethod
    def named(chunk: Tokens, at: int, kinds: Sequence[str]) -> str:
        """The last part of the name behind one of some words; "" where none of them is near."""
        place = find(chunk[: at + _NEAR], at, kinds) + 1
        while place and word(chunk, place + 1) == ".":
            place += 2
        return chunk[place].text if 0 < place < len(chunk) else ""

    def header(self, chunk: Tokens, at: int) -> Iterator[Piece]:
        """The names of a routine's parameters, and its body where that is a text."""
        self.inside = True
        depth, fresh = 0, False
        names: list[str] = []
        for place in range(at, min(len(chunk), at + 400)):
            token, text = chunk[place], word(chunk, place)
            if text == "(":
                depth, fresh = depth + 1, depth == 0
            elif text == ")":
                depth -= 1
                if depth == 0:
                    break
            elif token.token_type is TokenType.COMMA and depth == 1:
                fresh = True
            elif fresh and text not in ("IN", "OUT", "INOUT", "VARIADIC"):
                names.append(token.text)
                fresh = False
            elif depth == 0 and text in _PARAMETERS_END:
                break
        yield Piece([], declared=names, variables=_returned(chunk, at), kind="declare")
        for token in chunk[at:]:
            if token.token_type in (TokenType.HEREDOC_STRING, TokenType.RAW_STRING) or (
                token.token_type is TokenType.STRING
                and re.search(r"(?i)\b(insert|select|update|merge|delete|begin)\b", token.text)
            ):
                yield Piece([token], body=token.text, kind="body")

    def body(self, chunk: Tokens, at: int) -> int:
        """Where the statements of a routine begin."""
        depth = 0
        for place in range(at + 1, len(chunk)):
            text = word(chunk, place)
            depth += (text == "(") - (text == ")")
            if depth == 0 and text == "BEGIN":
                return place
            if depth == 0 and text in ("AS", "IS") and (
                word(chunk, place + 1) in _FIRST
                or self.dialect in ("oracle", "exasol")
            ):  # fmt: skip
                first = word(chunk, place + 1)
                return place + 1 + (first == "TABLE" or (first == "(" and find(chunk, place + 2, (")",)) < 0))
            if depth == 0 and text == "RETURN" and place > at + 3:
                return place
            if (
                depth == 0
                and text in ("INSERT", "UPDATE", "DELETE", "MERGE")
                and word(chunk, place - 1) not in NOT_MAIN | {"INSTEAD", "OF"}
            ):
                return place
        return len(chunk)


def _returned(chunk: Tokens, at: int) -> list[str]:
    """The columns of RETURNS TABLE (a INT, b TEXT)."""
    start = find(chunk, at, ("RETURNS",))
    if start < 0 or word(chunk, start + 1) != "TABLE" or word(chunk, start + 2) not in ("(", "<"):
        return []
    names, depth = [], 0
    for place in range(start + 2, len(chunk)):
        text = word(chunk, place)
        depth += (text in ("(", "<")) - (text in (")", ">"))
        if depth == 0:
            break
        if depth == 1 and text in ("(", "<", ","):
            names += [token.text for token in chunk[place + 1 : place + 2]]
    return names
