"""Names of columns that a file gives itself: kept if they are names, since a value must not become one."""

import re
from collections.abc import Iterable

_LONGEST = 80
_NAME = re.compile(r"[^\W\d_][\w .,:;/\\()\[\]#%&*+?'°$€-]*|_[\w.-]+")
_DIGITS = re.compile(r"\d")


def is_name(text: str) -> bool:
    """Whether a text can be a column's name: it begins with a letter and holds no '@' and fewer than six digits."""
    text = text.strip()
    return 0 < len(text) <= _LONGEST and bool(_NAME.fullmatch(text)) and len(_DIGITS.findall(text)) < 6


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names without control characters, an empty one as column_N, a repeated one with _2, _3 ..."""
    taken: dict[str, int] = {}
    found = []
    for number, raw in enumerate(names, 1):
        name = "".join(character for character in raw if character.isprintable()).strip()[:200] or f"column_{number}"
        candidate = name
        while candidate in taken:
            taken[name] += 1
            candidate = f"{name}_{taken[name]}"
        taken[candidate] = 1
        found.append(candidate)
    return tuple(found)
