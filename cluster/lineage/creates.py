"""CREATE without what says how the rows are kept: every engine has its own words for that."""

from typing import Final

from cluster.lineage.guesses import dotted
from cluster.lineage.split import Tokens, find, word

_HOW: Final = frozenset({
    "OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "VOLATILE", "EXTERNAL", "COLUMN", "ROW", "UNLOGGED",
    "FOREIGN", "TRANSIENT", "MULTISET", "SET", "MANAGED", "PRIVATE",
})  # fmt: skip
_TRANSIENT: Final = frozenset({"TEMP", "TEMPORARY", "VOLATILE"})
# What may stand behind a query or behind columns, by its first two words.
_TAILS: Final = {
    "DISTRIBUTED": ("BY", "RANDOMLY", "REPLICATED"), "SEGMENTED": ("BY",), "UNSEGMENTED": ("ALL",), "ON": ("COMMIT",),
    "WITH": ("READ", "CHECK", "CASCADED", "LOCAL", "HINT", "STRUCTURED"), "DATA": ("INITIALLY",),
    "DEFINITION": ("ONLY",), "NOT": ("LOGGED",), "ORGANIZE": ("BY",), "DISTRIBUTE": ("BY", "ON"), "ROW": ("FORMAT",),
}  # fmt: skip
_GOES_ON: Final = frozenset({"UNION", "EXCEPT", "INTERSECT", "MINUS", "ORDER", "LIMIT", "FETCH", "OFFSET", ""})


def bare_create(tokens: Tokens) -> Tokens:
    """CREATE ... name [(columns)] AS query, without all that says how the rows are kept; [] where it is no such."""
    first = find(tokens[:20], 1, ("TABLE", "VIEW", "AS", "PROCEDURE", "FUNCTION", "TRIGGER"))
    kind = first if word(tokens, first) in ("TABLE", "VIEW") else 0
    begins = find(tokens, kind, ("AS",))
    while begins >= 0 and word(tokens, begins + 1) not in ("SELECT", "WITH", "("):
        begins = find(tokens, begins + 1, ("AS",))
    if not kind or begins < 0 or word(tokens, 0) != "CREATE":
        return []
    name = _name(tokens, kind)
    end = name + 1
    while end + 1 < begins and tokens[end].text == ".":
        end += 2
    if word(tokens, end) == "(":
        end = find(tokens, end + 1, (")",)) + 1
    head = [each for each in tokens[1:kind] if each.text.upper() in _TRANSIENT]
    return [tokens[0], *head, tokens[kind], *tokens[name:end], *tokens[begins : _end_of_query(tokens, begins + 1)]]


def bare_definition(tokens: Tokens) -> Tokens:
    """CREATE ... TABLE name (columns) without what stands behind; [] where it is no such, or a query is there."""
    kind = next((place for place in range(1, min(6, len(tokens))) if word(tokens, place) not in _HOW), 0)
    if word(tokens, 0) != "CREATE" or word(tokens, kind) != "TABLE":
        return []
    name = _name(tokens, kind)
    opened = name + max(2 * len(dotted(tokens, name)) - 1, 1)
    closed = find(tokens, opened + 1, (")",)) if word(tokens, opened) == "(" else -1
    if closed < 0 or word(tokens, closed + 2) not in _TAILS.get(word(tokens, closed + 1), ()):
        return []
    if any(word(tokens, place) == "SELECT" for place in range(opened, len(tokens))):
        return []
    head = [each for each in tokens[1:kind] if each.text.upper() in _TRANSIENT]
    return [tokens[0], *head, tokens[kind], *tokens[name : closed + 1]]


def _name(tokens: Tokens, kind: int) -> int:
    name = kind + 1
    while word(tokens, name) in ("IF", "NOT", "EXISTS"):
        name += 1
    return name


def _end_of_query(tokens: Tokens, start: int) -> int:
    """Where what follows a query begins."""
    if word(tokens, start) == "(":
        closed = find(tokens, start + 1, (")",))
        if closed > 0 and word(tokens, closed + 1) not in _GOES_ON:
            return closed + 1
    place = find(tokens, start, tuple(_TAILS))
    while place > 0 and word(tokens, place + 1) not in _TAILS[word(tokens, place)]:
        place = find(tokens, place + 1, tuple(_TAILS))
    return place if place > 0 else len(tokens)
