"""The YAML files beside this one: names of columns, ways of writing codes, lists of values, texts."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parent / "data"


@cache
def data(name: str) -> dict[str, Any]:
    """The content of `data/<name>.yaml`."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def of_language(table: dict[str, Any], language: str) -> list[Any]:
    """What a table by language has for this one, or for any, or in English."""
    found: list[Any] = table.get(language) or table.get("any") or table.get("en") or next(iter(table.values()))
    return found
