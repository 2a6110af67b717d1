"""What a procedure goes through and keeps: loops over rows, cursors, declarations of variables, what is fetched."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot.tokenizer_core import TokenType

from cluster.lineage.boundaries import end_of_statement
from cluster.lineage.split import Tokens, find, word

_FETCHED = re.compile(r"(?is)\b(\w++)\s+(?:BULK\s+COLLECT\s+)?INTO\s+([@\w\s,]+?)(?:\s+LIMIT\b.*)?$")


@dataclass(slots=True)
class Piece:
    """A statement's tokens, or what a procedure does around statements.

    `rows`: the query (or cursor) whose rows `name` goes through, or the name of a routine that begins or is called.
    `variables`: names that take the statement's values, or the columns that a routine returns. `body`: the text of a
    routine in quotes.
    """

    tokens: Tokens
    rows: str = ""
    variables: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    body: str = ""
    kind: str = "statement"


class Cursors:
    """The part of the way through a procedure that finds which names stand for rows, and which for values."""

    inside: bool
    batches: bool

    def loop(self, chunk: Tokens, at: int) -> Iterator[Piece]:
        end = find(chunk, at, ("LOOP", "DO"))
        inside = find(chunk, at, ("IN", "AS"))
        if end < 0 or inside < 0:
            return
        self.inside = True
        query = chunk[inside + 1 : end]
        start = find(query, 0, ("SELECT", "WITH", "("))
        name = chunk[at + 1].text
        if start >= 0:
            yield Piece(query[start:], rows=name, kind="rows")
        elif query and len(query) == 1:
            yield Piece([], rows=name, variables=[query[0].text], kind="cursor")
        else:
            yield Piece([], declared=[name], kind="declare")

    def declared(self, tokens: Tokens) -> Iterator[Piece]:
        if self.batches and len(tokens) > 3 and any(word(tokens, i) == "TABLE" for i in range(1, min(6, len(tokens)))):
            yield Piece(tokens, kind="set")
            return
        start = find(tokens, 0, ("FOR", "IS"))
        if any(word(tokens, i) == "CURSOR" for i in range(min(8, len(tokens)))) and start >= 0:
            name = tokens[2].text if word(tokens, 1) == "CURSOR" else tokens[1].text
            yield Piece(tokens[start + 1 :], rows=name, kind="rows")
            return
        names = [tokens[1].text] if len(tokens) > 1 else []
        default = find(tokens, 1, ("=", ":=", "DEFAULT"))
        if names and word(tokens, 1) == "@" and len(tokens) > 2:
            names = ["@" + tokens[2].text.lower()]
        if default >= 0 and names:
            yield Piece(tokens[default + 1 :], variables=names, kind="value")
        else:
            yield Piece([], declared=names, kind="declare")

    def fetched(self, tokens: Tokens) -> Piece:
        if len(tokens) == 2 and tokens[1].token_type is TokenType.STRING:
            told = _FETCHED.search(tokens[1].text)
            given = [each.strip() for each in told[2].split(",")] if told else []
            return Piece([], rows=told[1] if told else "", variables=given, kind="fetch" if told else "declare")
        into = find(tokens, 0, ("INTO", "BULK COLLECT INTO"))
        cursor = tokens[into - 1].text if into > 0 else ""
        names: list[str] = []
        for place in range(into + 1, len(tokens)):
            if tokens[place].token_type is TokenType.COMMA or word(tokens, place) == "@":
                continue
            if word(tokens, place) == "LIMIT":
                break
            names.append(("@" if word(tokens, place - 1) == "@" else "") + tokens[place].text)
        return Piece([], rows=cursor, variables=names, kind="fetch") if into > 0 else Piece([], kind="declare")

    def returned(self, chunk: Tokens, at: int) -> int:
        start = find(chunk, at + 1, ("SELECT", "WITH", "("))
        if start >= 0 and word(chunk, start) == "(" and word(chunk, start + 1) not in ("SELECT", "WITH", "("):
            return len(chunk) if not self.batches else end_of_statement(chunk, at + 1)
        return start if start >= 0 else (end_of_statement(chunk, at + 1) if self.batches else len(chunk))
