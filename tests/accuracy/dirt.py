"""What happens to data: blanks, words for nothing, slips of the keyboard, holes."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

_WORDS: Final = ("N/A", "-", "unknown", "?", "n.a.", "TBD", "see file", "", "#REF!", "null", "xxx", "k.A.")


def _slip(rng: random.Random, value: str) -> str:
    place = rng.randrange(len(value)) if value else 0
    return value[:place] + value[place + 1 :]


_SPOILS: Final[tuple[Callable[[random.Random, str], str], ...]] = (
    lambda rng, value: f" {value}",
    lambda rng, value: f"{value}  ",
    lambda rng, value: rng.choice(_WORDS),
    lambda rng, value: rng.choice(_WORDS),
    _slip,
    lambda rng, value: f"'{value}",
    lambda rng, value: f"{value} (old)",
)


def dirty(rng: random.Random, values: Sequence[Any]) -> tuple[Any, ...]:
    """A share of the values spoiled; numbers and dates go missing, since their type allows nothing else."""
    share = rng.uniform(0.05, 0.2)
    return tuple(
        (rng.choice(_SPOILS)(rng, value) if isinstance(value, str) else None) if rng.random() < share else value
        for value in values
    )


def sparse(rng: random.Random, values: Sequence[Any]) -> tuple[Any, ...]:
    """Most values missing, at least three there."""
    share = rng.uniform(0.7, 0.97)
    kept = set(rng.sample(range(len(values)), min(3, len(values))))
    missing = rng.choice([None, None, ""]) if all(isinstance(value, str) for value in values) else None
    return tuple(value if place in kept or rng.random() > share else missing for place, value in enumerate(values))
