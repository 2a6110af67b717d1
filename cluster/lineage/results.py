"""What is found in a script while it is read: the writes, and what could not be read, with its place."""

from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from cluster.lineage.cursors import Piece
from cluster.lineage.guesses import guessed
from cluster.lineage.naming import Names
from cluster.lineage.origins import Parts
from cluster.lineage.split import Tokens
from cluster.lineage.targets import Write

LONGEST_STATEMENT: Final = 200_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read, and where: `line` and `column` count from 1."""

    message: str
    line: int
    column: int
    statement: int


@dataclass(slots=True)
class Result:
    """The writes of a script by the number of the statement, with the tables it read."""

    writes: list[tuple[int, Write]] = field(default_factory=list)
    reads: dict[Parts, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    guesses: list[tuple[int, Parts, Parts]] = field(default_factory=list)
    statements: int = 0


class Noting:
    """Notes problems and guesses at the place of a script that is being read."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.result = Result()
        self.parsed: list[tuple[Piece, list[exp.Expr | None]]] = []

    def problem(self, message: str, tokens: Tokens, number: int) -> None:
        line, column = (tokens[0].line, tokens[0].col) if tokens else (1, 1)
        self.result.problems.append(Problem(message, line, max(1, column), number))

    def late(self, piece: Piece) -> None:
        """Nothing is read from a piece on. As what is resolved lags behind what is parsed, the later word counts."""
        line = piece.tokens[0].line if piece.tokens else 1
        message = "not read from here on: the time for one text has run out"
        self.result.problems = [problem for problem in self.result.problems if problem.message != message]
        self.result.problems.append(Problem(message, line, 1, len(self.parsed)))

    def by_name(self, number: int, tokens: Tokens) -> None:
        """What a text that cannot be read names as tables, as guesses."""
        self.result.guesses += [(number, source, to) for source, to in guessed(tokens[:LONGEST_STATEMENT], self.names)]
