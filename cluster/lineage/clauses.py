"""Clauses of single dialects that the parser has no place for, and that say nothing of where values come from."""

from typing import Final

from cluster.lineage.split import Tokens, find, word

_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "MERGE")


def without_top(tokens: Tokens) -> Tokens:
    """T-SQL's UPDATE TOP (n) [PERCENT]: how many rows are changed, not which."""
    verb = find(tokens, 0, _CHANGES)
    if verb < 0 or word(tokens, verb + 1) != "TOP" or word(tokens, verb + 2) != "(":
        return tokens
    end = find(tokens, verb + 3, (")",)) + 1
    end += word(tokens, end) == "PERCENT"
    return tokens[: verb + 1] + tokens[end:]


def without_label(tokens: Tokens) -> Tokens:
    """INSERT INTO t WITH LABEL x SELECT ...: the name of the load, as StarRocks and Doris write it."""
    place = find(tokens, 1, ("WITH",))
    if word(tokens, 0) != "INSERT" or word(tokens, place + 1) != "LABEL" or word(tokens, place + 2) == "AS":
        return tokens
    return tokens[:place] + tokens[place + 3 :]
