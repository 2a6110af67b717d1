"""From the tokens of a statement to its syntax trees, with the clauses of its dialect that no parser has left out."""

import logging
from collections.abc import Callable
from typing import Final

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.boundaries import (
    Output,
    inserted,
    of_teradata,
    with_one_where,
    without_call,
    without_error_log,
    without_fate,
    without_hints,
    without_live,
    without_output,
)
from cluster.lineage.bounded import UNREADABLE, Endless, parse, parser
from cluster.lineage.clauses import of_batches, of_postgres, with_marks, with_parentheses, without_files, without_label
from cluster.lineage.commands import understood
from cluster.lineage.creates import bare_create, bare_definition
from cluster.lineage.db2 import of_db2
from cluster.lineage.dynamic import named_outright
from cluster.lineage.flink import of_flink
from cluster.lineage.guesses import dotted
from cluster.lineage.lakes import of_lakes, of_spark
from cluster.lineage.named import NamedByText
from cluster.lineage.naming import Names
from cluster.lineage.procedures import Unscaffolded
from cluster.lineage.results import LONGEST_STATEMENT, Noting, Problem
from cluster.lineage.split import Tokens, find, word
from cluster.lineage.targets import OUTPUT

# The parser quotes the text it warns about, and texts hold values.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False

# What stands for a value and is no statement.
_VALUES: Final = (exp.Condition, exp.Alias, exp.Paren)
# Statements that fill a table from outside, and the words that its name stands behind.
_LOADS: Final = {"LOAD": ("TABLE", "INSERT"), "BULK": ("TABLE", "INSERT"), "IMPORT": ("TABLE", "INTO")}
_INSERT: Final = ((TokenType.INSERT, "INSERT"), (TokenType.INTO, "INTO"))


class Trees(Noting):
    """Parses statements. Never raises for what a text holds: that is a problem, and tables are guessed by name."""

    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self.named = NamedByText(names)

    def nodes(
        self, tokens: Tokens, sql: str, scaffold: Unscaffolded, quiet: bool = False
    ) -> list[exp.Expr | None] | None:
        if not tokens:
            return []
        try:
            return self._with_parser(tokens, sql, quiet)
        except UNREADABLE as error:
            if (plain := bare_create(tokens) or bare_definition(tokens)) and len(plain) < len(tokens):
                return self.nodes(plain, sql, scaffold, quiet)
            together = isinstance(error, RecursionError | Endless) or len(tokens) > LONGEST_STATEMENT
            segments = [tokens] if together else scaffold.segments(tokens)
            if len(segments) > 1:
                found: list[exp.Expr | None] = []
                for segment in segments:
                    piece = next(iter(scaffold.pieces(segment)), None)
                    if piece is not None and piece.kind == "statement":
                        found += self.nodes(piece.tokens, sql, _Whole(), quiet) or []
                if found:
                    return found
            if not quiet:
                self._unread(error, tokens)
            return None

    def _with_parser(self, tokens: Tokens, sql: str, value: bool) -> list[exp.Expr | None]:
        output = None
        if len(tokens) < LONGEST_STATEMENT:
            tokens, output = self._plain(self.named.put(with_marks(inserted(tokens))))
        if word(tokens, 0) in _LOADS and (name := dotted(tokens, _after(tokens, _LOADS[word(tokens, 0)]))):
            return [exp.LoadData(this=exp.to_table(".".join(f'"{part}"' for part in name), dialect="postgres"))]
        found = named_outright(parser(self.names.engine).parse(list(tokens), sql), tokens, self.names.dialect)
        if output is not None and found and found[0] is not None:
            try:
                found[0].meta[OUTPUT] = self._output(output, sql)
            except SqlglotError:
                self.problem("what OUTPUT writes cannot be read", tokens, len(self.parsed))
        if not value and any(isinstance(node, _VALUES) and not isinstance(node, exp.Query) for node in found):
            raise ParseError.new(
                "", "not a statement", line=tokens[0].line, col=tokens[0].col, highlight=tokens[0].text
            )
        nodes = [self._command(node, tokens, sql) if isinstance(node, exp.Command) else [node] for node in found]
        return [each for one in nodes for each in one]

    def _plain(self, tokens: Tokens) -> tuple[Tokens, Output | None]:
        """A statement without the clauses of its dialect that the parser has no place for."""
        if self.names.dialect in ("tsql", "fabric"):
            return without_output(of_batches(without_call(without_hints(tokens))))
        reading = _READINGS.get(self.names.dialect)
        return (reading(tokens) if reading is not None else tokens), None

    def _output(self, output: Output, sql: str) -> exp.Insert:
        """What an OUTPUT clause writes, as an INSERT whose values are to be found in the statement's own scope."""
        first = output.values[0] if output.values else output.into[0]
        head = Token(TokenType.SELECT, "SELECT", first.line, first.col, first.start, first.end)
        values = parser(self.names.engine).parse([head, *output.values], sql)[0]
        insert = [Token(kind, text, first.line, first.col, first.start, first.end) for kind, text in _INSERT]
        tail = Token(TokenType.SELECT, "SELECT", first.line, first.col, first.start, first.end)
        one = Token(TokenType.NUMBER, "1", first.line, first.col, first.start, first.end)
        written = parser(self.names.engine).parse([*insert, *output.into, tail, one], sql)[0]
        return exp.Insert(this=written.this if written is not None else None, expression=values)

    def _command(self, node: exp.Command, tokens: Tokens, sql: str) -> list[exp.Expr | None]:
        """A statement that the parser only knows by its first word, read again in words that it understands."""
        head = str(node.this).upper()
        text = " ".join([head, str(node.expression.name if isinstance(node.expression, exp.Expr) else node.expression)])
        inner = understood(head, text)
        if inner is None:
            if head == "CREATE" and (plain := bare_create(tokens) or bare_definition(tokens)):
                found = parser(self.names.engine).parse(plain, sql)
                if not any(isinstance(each, exp.Command) for each in found):
                    return list(found)
            if head == "CREATE" and find(tokens, 1, ("SELECT",)) >= 0:  # rows are moved
                self.problem("only the names of tables are read of this statement", tokens, len(self.parsed))
                self.by_name(len(self.parsed), tokens)
            return [node]
        try:
            parsed = [each for text in inner for each in parse(self.names.engine, text)]
        except SqlglotError:
            return [node]
        for each in parsed if head in ("ALTER", "EXCHANGE") else ():
            if isinstance(each, exp.Insert):  # rows that move between tables keep the names of their columns
                each.set("by_name", True)
        return [node] if any(isinstance(each, exp.Command) for each in parsed) else list(parsed)

    def _unread(self, error: Exception, tokens: Tokens) -> None:
        line, column = tokens[0].line, tokens[0].col
        said = str(error) if isinstance(error, Endless) else "nested too deeply"
        if isinstance(error, ParseError) and error.errors:
            told = error.errors[0]
            line, column = told.get("line") or line, told.get("col") or 1
            column -= max(0, len(told.get("highlight") or "") - 1)  # the parser tells where the word ends
            said = (
                str(told.get("description") or "cannot be parsed")
                .partition(" but got <")[0]
                .partition(" for <")[0][:200]
            )
        elif not isinstance(error, RecursionError | Endless):
            said = "cannot be parsed"
        self.result.problems.append(Problem(said, line, max(1, column), len(self.parsed)))
        self.by_name(len(self.parsed), tokens)


class _Whole(Unscaffolded):
    """Segments are not cut again."""

    def __init__(self) -> None:
        super().__init__("")

    def segments(self, tokens: Tokens) -> list[Tokens]:
        return [tokens]


def _after(tokens: Tokens, texts: tuple[str, ...]) -> int:
    place = next((place + 1 for place in range(len(tokens)) if word(tokens, place) in texts), len(tokens))
    return place + (word(tokens, place) == "INTO")


_READINGS: Final[dict[str, Callable[[Tokens], Tokens]]] = {
    "": of_db2,
    **dict.fromkeys(("postgres", "materialize", "risingwave"), lambda tokens: without_fate(of_postgres(tokens))),
    **dict.fromkeys(("mysql", "starrocks", "doris"), lambda tokens: without_files(without_label(tokens))),
    **dict.fromkeys(("databricks", "spark"), lambda tokens: of_spark(of_lakes(without_live(tokens)))),
    "redshift": lambda tokens: without_fate(of_postgres(of_lakes(tokens))),
    "bigquery": of_lakes,
    "flink": of_flink,
    "duckdb": with_parentheses,
    "oracle": lambda tokens: with_one_where(without_error_log(tokens)),
    "teradata": of_teradata,
}
