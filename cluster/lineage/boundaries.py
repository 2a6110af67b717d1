"""Where a statement ends that no semicolon ends: T-SQL writes them one behind the other."""

from typing import Final, NamedTuple

from sqlglot.tokenizer_core import Token, TokenType

from cluster.lineage.split import Tokens, find, word

_SET_WORDS: Final = frozenset(
    {"UNION", "ALL", "EXCEPT", "INTERSECT", "MINUS", "AS", "FOR", "IS", "(", "DISTINCT", "QUERY", "RETURN"}
)
_VERBS: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_BOUNDARIES: Final = frozenset({
    "DECLARE", "EXEC", "EXECUTE", "PRINT", "RETURN", "RAISERROR", "THROW", "TRUNCATE", "COMMIT", "ROLLBACK", "BEGIN",
    "WHILE", "END", "ELSE", "OPEN", "CLOSE", "FETCH", "DEALLOCATE", "WAITFOR", "GRANT", "REVOKE", "DENY", "USE", "GOTO",
    "SAVE", "BREAK", "CONTINUE", "DBCC",
})  # fmt: skip
_BEFORE_IF: Final = frozenset({
    "TABLE", "VIEW", "EXISTS", "DROP", "SCHEMA", "PROCEDURE", "PROC", "FUNCTION", "INDEX", "DATABASE", "COLUMN",
})  # fmt: skip
_HINTS: Final = frozenset({
    "NOLOCK", "TABLOCK", "TABLOCKX", "HOLDLOCK", "ROWLOCK", "PAGLOCK", "UPDLOCK", "XLOCK", "READPAST", "READCOMMITTED",
    "READUNCOMMITTED", "READCOMMITTEDLOCK", "REPEATABLEREAD", "SERIALIZABLE", "SNAPSHOT", "NOEXPAND", "INDEX",
    "FORCESEEK", "FORCESCAN", "NOWAIT", "KEEPIDENTITY", "KEEPDEFAULTS", "IGNORE_CONSTRAINTS", "IGNORE_TRIGGERS",
})  # fmt: skip
_BEFORE_NAME: Final = frozenset({".", ",", "SET", "INTO", "FROM", "JOIN", "UPDATE", "MERGE"})
_BEHIND_HINT: Final = (")", ",", "(", "=")
_FATES: Final = ("DROP", "DELETE", "PRESERVE")
_FARTHEST: Final = 16  # tokens between LOCKING and its FOR
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
        if text in _VERBS and after not in ("(", "=", "HASH", ",") and self._may_begin(before):
            return not self._goes_on(self.main is None and (self.head == "WITH" or before == "AS"), text)
        if text == "VALUES" and self.main == "INSERT":
            self.main = "VALUES"
        if text == "SET":
            return self._sets(before)
        if text == "WITH":
            named = second in ("AS", "(") and after != "("
            return named and before not in _SET_WORDS and self.main not in (None, "INSERT")
        return self._only_begins(text, before)

    def _may_begin(self, before: str) -> bool:
        return before not in NOT_MAIN or (self.head == "SET" and before == "ON")  # SET NOCOUNT ON

    def _only_begins(self, text: str, before: str) -> bool:
        if text in _BOUNDARIES:
            if text in ("EXEC", "EXECUTE") and self.main == "INSERT":
                return False
            return before != "ON" and not (text == "GRANT" and before in ("WITH", "REVOKE"))
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


class Output(NamedTuple):
    """T-SQL's OUTPUT ... INTO: the list of values, and the table with its columns, as tokens."""

    values: Tokens
    into: Tokens


def without_output(tokens: Tokens) -> tuple[Tokens, Output | None]:
    """A statement without its OUTPUT clause, which no parser places, and what the clause writes to a table."""
    verb = find(tokens, 0, tuple(_VERBS))
    start = find(tokens, verb + 1, ("OUTPUT", "SELECT")) if word(tokens, 0) in _VERBS | {"WITH"} and verb >= 0 else -1
    while start >= 0 and (word(tokens, start - 1) in _BEFORE_NAME or word(tokens, start + 1) == "="):
        start = find(tokens, start + 1, ("OUTPUT", "SELECT"))  # a column or a table has that name
    if start < 0 or word(tokens, start) == "SELECT":
        return tokens, None
    end = find(tokens, start, ("FROM", "WHERE", "VALUES", "SELECT", "DEFAULT", "OPTION", ";"))
    end = end if end >= 0 else len(tokens)
    into = find(tokens, start, ("INTO",))
    told = Output(tokens[start + 1 : into], tokens[into + 1 : end]) if 0 <= into < end else None
    kept = tokens[end:] if word(tokens, end) != "OPTION" else []  # hints of the whole statement
    return tokens[:start] + kept, told


def without_hints(tokens: Tokens) -> Tokens:
    """T-SQL's WITH (NOLOCK) and its like, which say how a table is read and nothing of what."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        hinted = word(tokens, place) == "WITH" and word(tokens, place + 1) == "(" and word(tokens, place + 2) in _HINTS
        if hinted and word(tokens, place + 3) in _BEHIND_HINT:  # else it is a column of OPENJSON with that name
            end = find(tokens, place + 2, (")",))
            place = end + 1 if end >= 0 else len(tokens)
        else:
            kept.append(tokens[place])
            place += 1
    return kept


def without_call(tokens: Tokens) -> Tokens:
    """INSERT ... EXEC: what a procedure returns is not known, the table that takes it is."""
    place = find(tokens, 1, ("EXEC", "EXECUTE"))
    if word(tokens, 0) != "INSERT" or place < 0:
        return tokens
    first = tokens[place]
    at = (first.line, first.col, first.start, first.end)
    return [*tokens[:place], Token(TokenType.SELECT, "SELECT", *at), Token(TokenType.NULL, "NULL", *at)]


def without_fate(tokens: Tokens) -> Tokens:
    """CREATE TEMP TABLE t ON COMMIT DROP AS ...: what becomes of the table later."""
    place = find(tokens, 1, ("ON",))
    while place >= 0 and (word(tokens, place + 1) != "COMMIT" or word(tokens, place + 2) not in _FATES):
        place = find(tokens, place + 1, ("ON",))
    if word(tokens, 0) != "CREATE" or place < 0:
        return tokens
    end = place + 3 + (word(tokens, place + 3) == "ROWS")
    return tokens[:place] + tokens[end:]


def with_one_where(tokens: Tokens) -> Tokens:
    """Oracle's MERGE ... UPDATE SET ... DELETE WHERE: which updated rows go is one more condition of the update."""
    if word(tokens, 0) != "MERGE":
        return tokens
    place = find(tokens, 1, ("DELETE",))
    while place >= 0 and (word(tokens, place + 1) != "WHERE" or word(tokens, place - 1) == "THEN"):
        place = find(tokens, place + 1, ("DELETE",))
    if place < 0:
        return tokens
    began = max(at for at in range(place) if word(tokens, at) == "UPDATE")
    kept = find(tokens[:place], began, ("WHERE",))
    if kept < 0:
        return tokens[:place] + tokens[place + 1 :]
    first = tokens[place]
    both = Token(TokenType.AND, "AND", first.line, first.col, first.start, first.end)
    return [*tokens[:place], both, *tokens[place + 2 :]]


def without_live(tokens: Tokens) -> Tokens:
    """CREATE OR REFRESH LIVE TABLE: a table like others, which a pipeline keeps."""
    if word(tokens, 0) != "CREATE":
        return tokens
    kinds = ("TABLE", "VIEW", "MATERIALIZED")
    live = next((at for at in range(1, 6) if word(tokens, at) == "LIVE" and word(tokens, at + 1) in kinds), 0)
    return tokens[:live] + tokens[live + 1 :] if live else tokens


def watched_table(tokens: Tokens, at: int) -> Tokens:
    """The name of the table whose rows a trigger or a rule is about; [] for any other routine."""
    kind = next((text for place in range(at, at + 8) if (text := word(tokens, place)) in ("TRIGGER", "RULE")), "")
    place = find(tokens, at, ("ON",))
    if not kind or place < 0:
        return []
    if kind == "RULE":
        place = find(tokens, place, ("TO",))
    name: Tokens = []
    while 0 <= place < len(tokens) - 1 and (not name or tokens[place + 1].text == "."):
        place += 1 if not name else 2
        name += tokens[place : place + 1]
    return name


def of_teradata(tokens: Tokens) -> Tokens:
    """Without locks, titles and NORMALIZE."""
    kept: Tokens = []
    place = 0
    while place < len(tokens):
        text, after = word(tokens, place), word(tokens, place + 1)
        if text == "NORMALIZE" and word(tokens, place - 1) == "SELECT":
            place += 1
            while word(tokens, place) in ("ON", "MEETS", "OR", "OVERLAPS"):
                place += 1
        elif text == "LOCKING":
            end = find(tokens[place : place + _FARTHEST], 0, ("FOR", "IN"))
            place += max(end, 0) + 2
            place += word(tokens, place) == "NOWAIT"
        elif text == "(" and after in ("TITLE", "FORMAT", "NAMED") and _told(tokens, place):
            kept += tokens[place + 2 : place + 3] if after == "NAMED" else []
            place += 4
        else:
            kept.append(tokens[place])
            place += 1
    given = find(kept, 1, ("SET",)) if word(kept, 0) == "UPDATE" else -1
    name = given - 1
    while word(kept, name - 1) == ".":
        name -= 2
    if given > 1 and word(kept, name - 1) in ("FROM", ","):  # UPDATE a FROM b SET: SET is no alias of b
        kept.insert(given, kept[given - 1])
    if word(kept, 0) == "CREATE" and word(kept, 1) in ("SET", "MULTISET"):  # whether rows may be there twice
        del kept[1]
    return kept


def _told(tokens: Tokens, place: int) -> bool:
    """Whether a parenthesis is (TITLE 'x') or (NAMED x), and no argument with such a name."""
    said = tokens[place + 2].token_type is TokenType.STRING or word(tokens, place + 1) == "NAMED"
    return said and word(tokens, place + 2) != ")" and word(tokens, place + 3) == ")"


def without_error_log(tokens: Tokens) -> Tokens:
    """Oracle's LOG ERRORS INTO ... at the end of a statement that writes."""
    place = find(tokens, 1, ("LOG",))
    while place > 0 and word(tokens, place + 1) != "ERRORS":
        place = find(tokens, place + 1, ("LOG",))
    return tokens[:place] if place > 0 else tokens


def inserted(tokens: Tokens) -> Tokens:
    """UPSERT [INTO] t as INSERT INTO t."""
    if word(tokens, 0) != "UPSERT":
        return tokens
    rest = tokens[2:] if word(tokens, 1) == "INTO" else tokens[1:]
    return [Token(TokenType.INSERT, "INSERT"), Token(TokenType.INTO, "INTO"), *rest]
