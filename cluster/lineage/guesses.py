"""What a text that cannot be parsed says all the same: the names behind FROM, JOIN, INTO and their like."""

from itertools import islice
from typing import Final

from cluster.lineage.naming import Names
from cluster.lineage.origins import QUERY, Parts
from cluster.lineage.split import Tokens, word

MOST: Final = 10_000  # names times names would fill the memory
_HEADS_OF_TABLES: Final = frozenset({"FROM", "JOIN", "USING"})
_HEADS_OF_TARGETS: Final = frozenset({"INTO", "UPDATE", "OVERWRITE"})


def guessed(tokens: Tokens, names: Names) -> list[tuple[Parts, Parts]]:
    """Pairs of tables of which the second may be written from the first; `<query>` where nothing is written."""
    sources: list[Parts] = []
    targets: list[Parts] = []
    for place in range(len(tokens)):
        head = word(tokens, place)
        if head in ("TABLE", "VIEW", "EXISTS") and word(tokens, 0) == "CREATE" and not targets:
            head = "INTO"
        if head in _HEADS_OF_TABLES or head in _HEADS_OF_TARGETS:
            name = dotted(tokens, place + 1)
            if name:
                folded = tuple(names.table_part(part) for part in name)
                (sources if head in _HEADS_OF_TABLES else targets).append(names.qualified(folded))
    pairs = (
        (source, target)
        for source in dict.fromkeys(sources)
        for target in dict.fromkeys(targets) or [QUERY]
        if source != target
    )
    return list(islice(pairs, MOST))


def dotted(tokens: Tokens, at: int) -> list[str]:
    """The parts of the name that begins at a place; [] if none does."""
    parts: list[str] = []
    while at < len(tokens) and len(parts) < 4:
        text = tokens[at].text
        if not (
            text.replace("_", "").replace("#", "").replace("$", "").isalnum()
            or tokens[at].token_type.name == "IDENTIFIER"
        ):
            break
        parts.append(text)
        if at + 1 >= len(tokens) or tokens[at + 1].text != ".":
            break
        at += 2
    return parts
