"""Statements out of the scaffolding of procedures: blocks, branches, loops, cursors, variables, bodies in quotes."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from sqlglot.tokenizer_core import TokenType

from cluster.lineage.boundaries import end_of_statement, watched_table
from cluster.lineage.cursors import Cursors, Piece
from cluster.lineage.routines import STARTS, Routines
from cluster.lineage.split import Tokens, find, word

# Statements that move no data and need not be understood.
IDLE: Final = frozenset({
    "PRINT", "RAISE", "RAISERROR", "THROW", "COMMIT", "ROLLBACK", "SAVEPOINT", "GOTO", "LEAVE", "ITERATE", "EXIT",
    "CONTINUE", "BREAK", "NULL", "WAITFOR", "GRANT", "REVOKE", "ANALYZE", "ANALYSE", "VACUUM", "COMMENT", "SHOW",
    "LOCK", "PRAGMA", "CLOSE", "DEALLOCATE", "ASSERT", "RESIGNAL", "SIGNAL", "GET", "UNTIL", "START", "COLLECT",
    "CHECKPOINT",
    "DENY", "SETUSER", "RECONFIGURE", "ADD", "LIST", "REMOVE", "PUT", "KILL", "RESET", "DISCARD", "FLUSH", "SYSTEM",
    "PERFORM", "NOTIFY", "LISTEN", "CLUSTER", "REINDEX", "DBCC", "BACKUP", "RESTORE", "SUSPEND", "RESUME", "UNSET",
    "ABORT", "ABEND", "WHENEVER", "SPOOL", "PROMPT", "UNDROP", "REM", "UPDATE STATISTICS", "SAVE",
})  # fmt: skip
_SKIPPED: Final = frozenset({"ELSE", "LOOP", "REPEAT", "DO", "THEN", "EXCEPTION", "TRY", "CATCH", "CASE", "ATOMIC"})
_LABELLED: Final = frozenset({"BEGIN", "LOOP", "WHILE", "REPEAT", "FOR"})
_AFTER_BEGIN: Final = frozenset({"TRY", "CATCH", "TRAN", "TRANSACTION", "ATOMIC", "NOT", "WORK"})
_AFTER_END: Final = frozenset({"IF", "LOOP", "WHILE", "CASE", "FOR", "REPEAT", "TRY", "CATCH", "TRANSACTION", "ELSE"})
_BODIES: Final = (TokenType.HEREDOC_STRING, TokenType.RAW_STRING, TokenType.STRING)


Step = tuple[list[Piece], int]


class Unscaffolded(Cursors, Routines):
    """Goes through the chunks of a script and hands out statements; knows whether it is inside a routine."""

    def __init__(self, dialect: str, inside: bool = False) -> None:
        self.dialect, self.inside = dialect, inside
        self.batches = dialect in ("tsql", "fabric")

    def pieces(self, chunk: Tokens) -> Iterator[Piece]:
        """What a chunk between two semicolons holds."""
        if not chunk and self.batches:
            self.inside = False
            yield Piece([], kind="routine")
        at = 0
        while at < len(chunk):
            found, at = self._step(chunk, at)
            yield from found

    def _step(self, chunk: Tokens, at: int) -> Step:
        head, after = word(chunk, at), word(chunk, at + 1)
        if head in STARTS or head == "(":
            if head in ("CREATE", "ALTER", "REPLACE") and self.routine(chunk, at):
                watched = watched_table(chunk, at)
                declared, *bodies = self.header(chunk, at)
                declared.kind, declared.rows = "routine", self.named(chunk, at, ("FUNCTION", "PROCEDURE", "MACRO"))
                called = self.named(chunk, max(at, find(chunk, at, ("EXECUTE",))), ("FUNCTION", "PROCEDURE"))
                trigger = [Piece(watched, rows=called, kind="trigger")] if watched else []
                return [declared, *trigger, *bodies], self.body(chunk, at)
            start = at + (head == "BULK")  # BULK INSERT is one statement
            end = end_of_statement(chunk, start) if self.batches else len(chunk)
            return [self._statement(chunk[at:end])], end
        if head in _STEPS:
            return _STEPS[head](self, chunk, at)
        if head in _SKIPPED:
            return [], at + 1
        if head in IDLE:
            return [], self._rest(chunk, at)
        return self._unknown(chunk, at, after)

    def _rest(self, chunk: Tokens, at: int) -> int:
        return end_of_statement(chunk, at + 1) if self.batches else len(chunk)

    def _unknown(self, chunk: Tokens, at: int, after: str) -> Step:
        """An assignment or, inside a routine, a declaration or a label; else what cannot be read."""
        if after == ":=" or (after == ":" and word(chunk, at + 2) == "="):
            width = 2 if after == ":=" else 3
            return [Piece(chunk[at + width :], variables=[chunk[at].text], kind="value")], len(chunk)
        if after == ":" and (self.inside or word(chunk, at + 2) in _LABELLED):
            return [], at + 2
        if not self.inside:
            return [Piece(chunk[at:])], len(chunk)
        named = chunk[at].token_type in (TokenType.VAR, TokenType.IDENTIFIER) and at + 1 < len(chunk)
        return ([Piece([], declared=[chunk[at].text], kind="declare")] if named else []), len(chunk)

    def _nested(self, chunk: Tokens, at: int) -> Step:
        """A procedure or function within a package or a block: its parameters, and what stands behind IS."""
        body = find(chunk, at, ("IS", "AS"))
        if not self.inside or body < 0:
            return self._unknown(chunk, at, word(chunk, at + 1)) if not self.inside else ([], len(chunk))
        declared = next(iter(self.header(chunk[:body], at)))
        return [declared], body + 1

    def _begin(self, chunk: Tokens, at: int) -> Step:
        self.inside = self.inside or word(chunk, at + 1) not in ("TRAN", "TRANSACTION", "WORK", "")
        at += 1
        while word(chunk, at) in _AFTER_BEGIN:
            at += 1
        return [], at

    def _ended(self, chunk: Tokens, at: int) -> Step:
        at += 1
        while word(chunk, at) in _AFTER_END and not (self.batches and word(chunk, at) in ("IF", "WHILE")):
            at += 1
        last = at == len(chunk) - 1 and word(chunk, at) not in STARTS  # END name
        return [], len(chunk) if last else at

    def _done(self, chunk: Tokens, at: int) -> Step:
        """DO: a block in quotes, or the body of a loop."""
        place = at + 3 if word(chunk, at + 1) == "LANGUAGE" else at + 1
        body = chunk[place] if place < len(chunk) and chunk[place].token_type in _BODIES else None
        if body is None:
            return [], at + 1
        return [Piece([body], body=_unquoted(body.text), kind="body")], len(chunk)

    def _branch(self, chunk: Tokens, at: int) -> Step:
        return [], self._condition(chunk, at + 1)

    def _for_all(self, chunk: Tokens, at: int) -> Step:
        """Oracle's FORALL i IN ... and the statement that runs for each."""
        place = find(chunk, at, ("INSERT", "UPDATE", "DELETE", "MERGE", "EXECUTE"))
        return [], place if place >= 0 else len(chunk)

    def _looped(self, chunk: Tokens, at: int) -> Step:
        return list(self.loop(chunk, at)), find(chunk, at, ("LOOP", "DO")) + 1 or len(chunk)

    def _declaring(self, chunk: Tokens, at: int) -> Step:
        self.inside = self.inside or (word(chunk, at) == "DECLARE" and not self.batches)
        end = end_of_statement(chunk, at + 1)
        named = at + 1
        if self.dialect in ("databricks", "spark"):  # DECLARE OR REPLACE VARIABLE name
            while named + 1 < end and word(chunk, named) in ("OR", "REPLACE", "VARIABLE"):
                named += 1
        return list(self.declared([chunk[at], *chunk[named:end]])), end

    def _cursor(self, chunk: Tokens, at: int) -> Step:
        return list(self.declared([chunk[at], *chunk[at:]])), len(chunk)

    def _executed(self, chunk: Tokens, at: int) -> Step:
        end = end_of_statement(chunk, at + 1)
        return [Piece(chunk[at:end], kind="dynamic")], end

    def _prepared(self, chunk: Tokens, at: int) -> Step:
        """MySQL's PREPARE s FROM @text; elsewhere a statement stands behind it."""
        return ([Piece(chunk[at:], kind="dynamic" if self.dialect == "mysql" else "statement")], len(chunk))

    def _opened(self, chunk: Tokens, at: int) -> Step:
        return [], self.returned(chunk, at) if find(chunk, at, ("FOR",)) >= 0 else self._rest(chunk, at)

    def _return(self, chunk: Tokens, at: int) -> Step:
        return [], self.returned(chunk, at)

    def _fetch(self, chunk: Tokens, at: int) -> Step:
        end = self._rest(chunk, at)
        return [self.fetched(chunk[at:end])], end

    def _assigned(self, chunk: Tokens, at: int) -> Step:
        end = end_of_statement(chunk, at)
        return [Piece(chunk[at:end], kind="set")], end

    def segments(self, tokens: Tokens) -> list[Tokens]:
        """Statements that follow each other without a semicolon."""
        found, at = [], 0
        while at < len(tokens):
            end = end_of_statement(tokens, at)
            found.append(tokens[at:end])
            at = end
        return found

    def _statement(self, tokens: Tokens) -> Piece:
        """A statement; inside routines INTO names variables, except in T-SQL."""
        if not self.inside or self.batches:
            return Piece(tokens)
        depth, at = 0, 0
        returning = False
        while at < len(tokens):
            text = word(tokens, at)
            depth += (text == "(") - (text == ")")
            returning = returning or text == "RETURNING"
            head = word(tokens, 0)
            into = (
                text in ("INTO", "BULK COLLECT INTO")
                and depth == 0
                and (returning or word(tokens, at - 1) not in ("INSERT", "MERGE", "OVERWRITE"))
            )
            if into and (head in ("SELECT", "WITH") or returning):
                end = at + 1 + (word(tokens, at + 1) == "STRICT")
                names: list[str] = []
                while end < len(tokens) and word(tokens, end) not in ("FROM", "WHERE", "LIMIT", "ORDER", "GROUP"):
                    if tokens[end].token_type is not TokenType.COMMA and word(tokens, end) not in (":", "@", "."):
                        names.append(tokens[end].text.lstrip("@"))
                    end += 1
                return Piece(tokens[:at] + tokens[end:], variables=names)
            at += 1
        return Piece(tokens)

    def _condition(self, chunk: Tokens, at: int) -> int:
        """Behind THEN, DO or LOOP; in T-SQL, which has none, at the next statement."""
        if not self.batches:
            found = find(chunk, at, ("THEN", "DO", "LOOP"))
            return found + 1 if found >= 0 else len(chunk)
        depth = 0
        for place in range(at, len(chunk)):
            text = word(chunk, place)
            depth += (text in ("(", "CASE")) - (text == ")" or (text == "END" and depth > 0))
            if depth == 0 and place > at and (
                (text in STARTS and text not in ("TABLE", "FROM", "VALUES"))
                or text in IDLE - {"NULL", "GET", "LIST", "ADD", "START"}
                or text in ("BEGIN", "SET", "EXEC", "EXECUTE", "DECLARE", "RETURN")
            ):  # fmt: skip
                return place
        return len(chunk)


def _unquoted(text: str) -> str:
    """The body of a block in dollars, which some tokenizers leave around it."""
    mark = re.search(r"\$\w*+\$", text)
    end = text.rfind(mark[0]) if mark else -1
    return text[mark.end() : end] if mark and end >= mark.end() else text


_STEPS: Final[dict[str, Callable[[Unscaffolded, Tokens, int], Step]]] = {
    "BEGIN": Unscaffolded._begin,
    "END": Unscaffolded._ended,
    "DO": Unscaffolded._done,
    **dict.fromkeys(("IF", "ELSEIF", "ELSIF", "WHILE", "WHEN", "FOREACH"), Unscaffolded._branch),
    "FOR": Unscaffolded._looped,
    "FORALL": Unscaffolded._for_all,
    **dict.fromkeys(("DECLARE", "LET"), Unscaffolded._declaring),
    "CURSOR": Unscaffolded._cursor,
    **dict.fromkeys(("PROCEDURE", "FUNCTION"), Unscaffolded._nested),
    "PREPARE": Unscaffolded._prepared,
    **dict.fromkeys(("EXECUTE", "EXEC", "CALL", "IMMEDIATE"), Unscaffolded._executed),
    "OPEN": Unscaffolded._opened,
    "RETURN": Unscaffolded._return,
    "FETCH": Unscaffolded._fetch,
    "SET": Unscaffolded._assigned,
}
