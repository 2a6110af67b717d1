"""Where a statement ends that no semicolon ends: T-SQL writes them one behind the other."""

from typing import Final

from cluster.lineage.split import Tokens, find, word

_SET_WORDS: Final = frozenset(
    {"UNION", "ALL", "EXCEPT", "INTERSECT", "MINUS", "AS", "FOR", "(", "DISTINCT", "QUERY", "RETURN"}
)
_VERBS: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_BOUNDARIES: Final = frozenset({
    "DECLARE", "EXEC", "EXECUTE", "PRINT", "RETURN", "RAISERROR", "THROW", "TRUNCATE", "COMMIT", "ROLLBACK", "BEGIN",
    "WHILE", "END", "ELSE", "OPEN", "CLOSE", "FETCH", "DEALLOCATE", "WAITFOR",
})  # fmt: skip
_BEFORE_IF: Final = frozenset({
    "TABLE", "VIEW", "EXISTS", "DROP", "SCHEMA", "PROCEDURE", "PROC", "FUNCTION", "INDEX", "DATABASE", "COLUMN",
})  # fmt: skip
NOT_MAIN: Final = frozenset({"THEN", "FOR", "ON", "AFTER", "OR", ",", "BEFORE", "OF", "BY", "CASCADE"})


def end_of_statement(tokens: Tokens, at: int) -> int:
    """Where the statement that begins at `at` ends: at the next word that can only begin another one."""
    statement = _Statement(word(tokens, at))
    depth = 0
    for place in range(at + 1, len(tokens)):
        text, before = word(tokens, place), word(tokens, place - 1)
        closing = text == ")" or (text == "END" and depth > 0)
        depth += (text in ("(", "CASE")) - closing
        if depth > 0 or closing or before == "." or not text:
            continue
        if statement.ends(text, before, word(tokens, place + 1), word(tokens, place + 2)):
            return place
    return len(tokens)


class _Statement:
    """A statement being read. `main` is the verb that it is about, None while that is still to come."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.main = None if head in ("WITH", "CREATE", "ALTER", "DECLARE") else head
        self.assigned = head == "SET"

    def ends(self, text: str, before: str, after: str, second: str) -> bool:
        """Whether a word begins another statement."""
        if text == "SELECT":
            return not self._goes_on(before in _SET_WORDS or self.main in (None, "INSERT"), text)
        if text in _VERBS and before not in NOT_MAIN and after not in ("(", "=", "HASH", ","):
            return not self._goes_on(self.main is None and (self.head == "WITH" or before == "AS"), text)
        if text == "VALUES" and self.main == "INSERT":
            self.main = "VALUES"
        if text == "SET":
            return self._sets(before)
        if text == "WITH":
            named = second in ("AS", "(") and after != "("
            return named and before not in _SET_WORDS and self.main not in (None, "INSERT")
        return self._only_begins(text, before)

    def _only_begins(self, text: str, before: str) -> bool:
        if text in _BOUNDARIES:
            return before != "ON" and not (text in ("EXEC", "EXECUTE") and self.main == "INSERT")
        if text in ("CREATE", "DROP", "ALTER"):
            return self.head != "ALTER" and before != "OR"
        return text == "IF" and before not in _BEFORE_IF

    def _goes_on(self, belongs: bool, text: str) -> bool:
        if belongs:
            self.main = text
        return belongs

    def _sets(self, before: str) -> bool:
        if self.main in ("UPDATE", "MERGE", "ALTER") and (not self.assigned or before == "UPDATE"):
            self.assigned = True
            return False
        return self.head != "ALTER"


def without_output(tokens: Tokens) -> Tokens:
    """T-SQL's OUTPUT clause, which no parser places, taken out."""
    start = find(tokens, 1, ("OUTPUT",))
    if start < 0 or word(tokens, 0) not in ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH"):
        return tokens
    end = find(tokens, start, ("FROM", "WHERE", "VALUES", "SELECT", ";"))
    return tokens[:start] + (tokens[end:] if end >= 0 else [])
