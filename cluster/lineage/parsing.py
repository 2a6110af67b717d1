"""From a text to its statements as syntax trees, with the texts within it."""

import time
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.cursors import Piece
from cluster.lineage.dynamic import dynamic_texts, text_given
from cluster.lineage.flink import prepared_flink
from cluster.lineage.naming import Names
from cluster.lineage.procedures import Unscaffolded
from cluster.lineage.results import Problem
from cluster.lineage.split import Tokens, by_semicolon, prepared, stretches, word
from cluster.lineage.trees import Trees

DEEPEST_BODY: Final = 4


class Parsing(Trees):
    """Parses a script. Never raises for what a text holds; stops at `deadline` (a monotonic time) and says so."""

    def __init__(self, names: Names, deadline: float) -> None:
        super().__init__(names)
        self.deadline = deadline
        now = time.monotonic()
        self.parsing_until = now + (deadline - now) * 0.6  # the rest is for resolving what was parsed
        self.texts: dict[str, str] = {}

    def parse(self, sql: str, deep: int, scaffold: Unscaffolded, line: int = 0) -> None:
        """Reads a text before which there are `line` lines, at a depth of texts within texts."""
        sql = prepared_flink(sql) if self.names.dialect == "flink" else prepared(sql, self.names.dialect)
        for stretch in stretches(self.names.engine, sql, line):
            if stretch.wrong:
                self.result.problems.append(Problem(stretch.wrong, stretch.line, 1, len(self.parsed)))
            for chunk in by_semicolon(stretch.tokens):
                for piece in scaffold.pieces(chunk):
                    if time.monotonic() > self.parsing_until:
                        self.late(piece)
                        return
                    self._piece(piece, stretch.text, deep, scaffold)

    def _piece(self, piece: Piece, sql: str, deep: int, scaffold: Unscaffolded) -> None:
        if piece.kind == "body" and deep < DEEPEST_BODY:
            before = piece.tokens[0].line - 1 - piece.body.count("\n")  # tokens tell the line where they end
            self.parse(piece.body, deep + 1, Unscaffolded(self.names.dialect, True), max(0, before))
            self.parsed.append((Piece([], kind="routine"), []))
            return
        if piece.kind == "trigger":
            self.parsed.append((piece, []))
            return
        if piece.kind == "dynamic":
            self._dynamic(piece, deep)
            return
        self.texts |= text_given(piece.tokens, piece.variables, self.texts)
        self.named.note(piece)
        tokens = _selected(piece) if piece.kind == "value" else piece.tokens
        nodes = self.nodes(tokens, sql, scaffold, quiet=piece.kind in ("value", "set"))
        if nodes is not None:
            self.parsed.append((piece, nodes))

    def _dynamic(self, piece: Piece, deep: int) -> None:
        """EXECUTE 'text', or a variable that was given a text: the text is a script of its own."""
        for text in dynamic_texts(piece.tokens, self.texts) if deep < DEEPEST_BODY else ():
            self.parse(text, deep + 1, Unscaffolded(self.names.dialect, True), piece.tokens[0].line - 1)


def _selected(piece: Piece) -> Tokens:
    """`x := value` as SELECT value."""
    tokens = piece.tokens
    if not tokens:
        return tokens
    first = tokens[0]
    head = Token(TokenType.SELECT, "SELECT", first.line, first.col, first.start, first.end)
    return tokens if word(tokens, 0) == "SELECT" else [head, *tokens]
