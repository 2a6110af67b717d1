"""Paths of tables that have a schema."""

import re

from cluster.errors import SourceObjectGone

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_PLAIN = re.compile(r"\w[\w$]*")


def path_of(schema: str, name: str) -> str:
    """The path of a relation: schema.table, a part in double quotes where it holds more than word characters."""
    return ".".join(
        part if _PLAIN.fullmatch(part) else f'"{part.replace(chr(34), chr(34) * 2)}"' for part in (schema, name)
    )


def parts_of(path: str) -> tuple[str, str]:
    """Schema and name of a path made by `path_of`. Raises SourceObjectGone for anything else."""
    found = [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(path)]
    if len(found) != 2:
        raise SourceObjectGone("The asset has no path of this source.", "Discover the source again.")
    return found[0], found[1]
