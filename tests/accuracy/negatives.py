"""500 columns that look like a class and are none: numbers, codes, flags and words of other things."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from tests.accuracy.columns import Column, Table
from tests.accuracy.data_files import data
from tests.accuracy.masks import fill
from tests.accuracy.naming import STYLES

COUNT: Final = 500
_TABLES: Final = ("export", "t_data", "items", "facts", "import_2023", "positions", "measurements", "lookup")


def negatives(seed: int = 4) -> list[Table]:
    """Each column is a table of its own, so that nothing beside it helps."""
    specs, found = data("negatives")["negatives"], []
    for turn in range(COUNT):
        spec = specs[turn % len(specs)]
        rng = random.Random(f"{seed} negative {turn}")
        name = spec["names"][(turn // len(specs)) % len(spec["names"])]
        if rng.random() < 0.3:
            name = STYLES[rng.choice(["camel", "capitals", "spoken", "pascal"])](name.split("_"))
        values = _values(rng, spec, rng.choice([40, 150, 300]))
        column = Column(name, tuple(values), slices=frozenset({"hard negative"}))
        found.append(Table(name=rng.choice(_TABLES), source="negatives", columns=(column,)))
    return found


def _values(rng: random.Random, spec: dict[str, Any], n: int) -> Sequence[Any]:
    if "mask" in spec:
        mask = rng.choice(spec["mask"])
        return [fill(rng, mask) for _ in range(n)]
    if "list" in spec:
        return rng.choices(rng.choice(spec["list"]), k=n)
    if "dates" in spec:
        first, last = (date(year, 1, 1) for year in spec["dates"])
        drawn = [first + timedelta(days=rng.randrange((last - first).days)) for _ in range(n)]
        return drawn if rng.random() < 0.4 else [day.strftime(rng.choice(["%Y-%m-%d"])) for day in drawn]
    if "run" in spec:
        start, step = spec["run"]
        return [start + place * step for place in range(n)]
    low, high = spec.get("range") or spec["floats"]
    return [rng.randrange(low, high) if "range" in spec else round(rng.uniform(low, high), 3) for _ in range(n)]
