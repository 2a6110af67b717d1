"""The parser of a dialect, kept from taking more than its share of work for a text.

sqlglot tries one reading, goes back and tries the next: `DATE(` may open a type or call a function. Where such words
nest, each level is read twice as often as the one around it, and a text of sixty words would take for ever. So whether
parentheses behind the name of a type belong to a type is seen by what stands behind them, and nothing is read twice for
that; whoever goes back over far more words than the text has is stopped. Trees double as well where a function is read
as a formula that holds its argument twice, or where PRQL puts a formula in the place of its name: such functions stay
functions, and formulas are weighed before they are copied.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.parser import Parser
from sqlglot.parsers.prql import PRQLParser
from sqlglot.tokenizer_core import Token, TokenType

_OPENED: Final = {TokenType.L_PAREN: TokenType.R_PAREN, TokenType.L_BRACKET: TokenType.R_BRACKET}
_CLOSED: Final = frozenset(_OPENED.values())
# Words gone back over: a multiple of what a text has, and what any text may. Ordinary texts go back over two for each.
BACK: Final = 200
FREE: Final = 20_000
COPY: Final = 20  # to copy a node and to resolve it takes longer than to go back over a word
# What sqlglot turns into formulas that name an argument more than once.
_DOUBLED: Final = frozenset({"SORT_ARRAY", "DIV0", "DIV0NULL", "NULLIFZERO", "ZEROIFNULL"})


class Endless(Exception):
    """A text makes whoever reads it work out of all proportion to its length. It says what grows, for people."""


UNREADABLE: Final = (
    SqlglotError, RecursionError, Endless, ArithmeticError, LookupError, TypeError, AttributeError, ValueError,
)  # fmt: skip
"""What sqlglot, and who goes through its trees, raise for what a text holds."""


def parser(engine: Dialect) -> Parser:
    """A parser of the dialect for one text, which raises at the first error: `Endless` besides sqlglot's own."""
    return _bounded(engine.parser_class)(dialect=engine, error_level=ErrorLevel.IMMEDIATE)


def parse(engine: Dialect, text: str) -> list[exp.Expr | None]:
    """The statements of a text. Raises sqlglot's errors, RecursionError and `Endless`."""
    return parser(engine).parse(engine.tokenize(text), text)


@cache
def _bounded(of: type[Parser]) -> type[Parser]:
    return _weighed(_counting(of)) if issubclass(of, PRQLParser) else _counting(of)


def _counting(of: type[Parser]) -> type[Parser]:
    """The class of a dialect's parser that counts how far it goes back."""

    class Bounded(of):  # type: ignore[valid-type, misc]
        FUNCTIONS: ClassVar[dict[str, Any]] = {
            name: build for name, build in of.FUNCTIONS.items() if name not in _DOUBLED
        }
        _back = 0
        _ends: dict[int, int] | None = None

        def reset(self) -> None:
            super().reset()
            self._back, self._ends = 0, None

        def _advance_chunk(self) -> None:
            super()._advance_chunk()
            self._ends = None

        def _retreat(self, index: int) -> None:
            self._spend(self._index - index)
            super()._retreat(index)

        def _spend(self, amount: int) -> None:
            if amount > 0:
                self._back += amount
                if self._back > FREE + BACK * len(self._tokens):
                    raise Endless("nested too deeply")

        def _parse_types(self, check_func: bool = False, *rest: Any, **more: Any) -> exp.Expr | None:
            if check_func and self._next.token_type in _OPENED and self._curr.token_type in self.TYPE_TOKENS:
                if self._ends is None:
                    self._ends = _ends(self._tokens)
                if not self._of_type(self._index + 1):
                    return None
            found: exp.Expr | None = super()._parse_types(check_func, *rest, **more)
            return found

        def _implicit_unnests_to_explicit(self, this: exp.Expr) -> exp.Expr:
            tables = [join.this for join in this.args.get("joins") or () if isinstance(join.this, exp.Table)]
            if tables:  # sqlglot copies what stands in FROM, with all that nests in it
                self._spend(sum(1 for _ in this.args["from_"].this.walk()))
                super()._implicit_unnests_to_explicit(this)
            return this

        def _of_type(self, place: int) -> bool:
            """Whether what is opened at a place, behind the name of a type, can belong to a type and to no call."""
            assert self._ends is not None
            tokens = self._tokens
            while place < len(tokens) and tokens[place].token_type in _OPENED:
                if place not in self._ends:
                    return False
                place = self._ends[place] + 1
            return place < len(tokens) and (
                tokens[place].token_type in self.STRING_PARSERS
                or tokens[place].text.upper() in ("<", "WITH", "WITHOUT")
            )

    return Bounded


def _weighed(of: type[Parser]) -> type[Parser]:
    """The parser of PRQL, which copies the formula of a name to wherever the name stands."""

    class Weighed(of):  # type: ignore[valid-type, misc]
        def reset(self) -> None:
            super().reset()
            self._weights: dict[str, int] = {}

        def _parse_selection(
            self, query: exp.Query, parse_method: Callable[..., exp.Expr | None] | None = None, append: bool = True
        ) -> exp.Query:
            def formula() -> exp.Expr | None:
                found = (parse_method or self._parse_expression)()
                if found is not None:
                    weight = sum(self._weights.get(node.name, 1) for node in found.find_all(exp.Column, exp.Literal))
                    self._spend(COPY * weight)
                    self._weights[found.alias_or_name] = weight
                return found

            selected: exp.Query = super()._parse_selection(query, formula, append)
            return selected

    return Weighed


def _ends(tokens: list[Token]) -> dict[int, int]:
    """Where what is opened at a place is closed."""
    found: dict[int, int] = {}
    opened: list[tuple[int, TokenType]] = []
    for place, token in enumerate(tokens):
        kind = token.token_type
        if kind in _OPENED:
            opened.append((place, _OPENED[kind]))
        elif kind in _CLOSED and opened and opened[-1][1] == kind:
            found[opened.pop()[0]] = place
    return found
