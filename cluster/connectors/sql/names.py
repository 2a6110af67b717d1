"""Paths of tables: their names, in double quotes where they hold more than word characters."""

import re

_PLAIN = re.compile(r"\w[\w$]*")


def path_of(name: str) -> str:
    """The path of a table. `name_of` gives back its name."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def name_of(path: str) -> str:
    """The name in a path made by `path_of`; any other text is taken for the name itself."""
    if len(path) > 1 and path.startswith('"') and path.endswith('"'):
        return path[1:-1].replace('""', '"')
    return path
