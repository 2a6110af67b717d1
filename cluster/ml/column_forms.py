"""Forms of values: a small language in which the packs of `configs/training/columns` say what values look like.

`#` is a digit, `^` a capital, `~` a small letter, `$` a capital or digit, `*` a letter or digit, `%` a hexadecimal
digit, each repeated by {n} or {n,m}; `{word}` is drawn from what words are of, `{Word}` with a capital, `{WORD}` in
capitals; a backslash makes the next character stand for itself.
"""

import random
import re
import string
from collections.abc import Callable
from functools import cache

from cluster.ml import column_pools as pools

_LETTERS = string.ascii_uppercase
_DRAWN = {
    "#": string.digits,
    "^": _LETTERS,
    "~": string.ascii_lowercase,
    "$": _LETTERS + string.digits,
    "*": string.ascii_letters + string.digits,
    "%": "0123456789abcdef",
}
_TOKEN = re.compile(r"\\(.)|([#^~$*%])(?:\{(\d+)(?:,(\d+))?\})?|\{([A-Za-z]+)\}", re.S)
ANIMALS = (
    "hawk",
    "sparrow",
    "oak",
    "maple",
    "pine",
    "trout",
    "salmon",
    "fox",
    "deer",
    "owl",
    "finch",
    "beetle",
    "frog",
)


class Draw:
    """Draws values by a generator of random numbers, from the names of some locales. The same seed, the same values."""

    def __init__(self, rng: random.Random, locales: tuple[str, ...]) -> None:
        self.rng, self.locales = rng, locales

    def names(self) -> tuple[list[str], list[str]]:
        """Given and family names of a locale, or of the US at large."""
        if self.rng.random() < 0.25:
            return pools.census()
        return pools.names_by_locale()[self.rng.choice(self.locales)]

    def filled(self, form: str) -> str:
        """A value of the form."""
        return _TOKEN.sub(self._token, form)

    def _token(self, match: re.Match[str]) -> str:
        literal, kind, low, high, word = match.groups()
        if literal:
            return str(literal)
        if word:
            return self.word(word)
        many = self.rng.randint(int(low), int(high or low)) if low else 1
        return "".join(self.rng.choice(_DRAWN[kind]) for _ in range(many))

    def word(self, asked: str) -> str:
        """A word of a kind, written as the name of the kind is."""
        found = self._drawn(asked.lower())
        if asked.isupper():
            return found.upper()
        return found[:1].upper() + found[1:] if asked[0].isupper() else found

    def _drawn(self, kind: str) -> str:
        special: dict[str, Callable[[], str]] = {
            "given": lambda: self.rng.choice(self.names()[0]),
            "family": lambda: self.rng.choice(self.names()[1]),
            "city": self.town,
            "lower": self._lower,
            "upper": lambda: self.rng.choice(self.names()[1]).upper(),
            "made": self.made,
            "word": lambda: self.rng.choice(pools.common_words()),
            "sentence": self.sentence,
            "animal": lambda: self.rng.choice(ANIMALS),
            "dna": lambda: "".join(self.rng.choice("ACGT") for _ in range(8)),
            "credential": lambda: self.rng.choice(pools.words()["credential_word"]),
        }
        if kind in special:
            return special[kind]()
        if f"{kind}_word" in pools.words():
            return self.rng.choice(pools.words()[f"{kind}_word"])
        return self.rng.choice(pools.words()[kind])

    def town(self) -> str:
        """A town of any country, the large ones more often."""
        by_country = pools.towns()
        country = self.rng.choice(_many_towns()) if self.rng.random() < 0.8 else self.rng.choice(sorted(by_country))
        names = by_country[country]
        return names[min(int(self.rng.random() ** 2 * len(names)), len(names) - 1)]

    def _lower(self) -> str:
        lists = (pools.words()["thing"], pools.words()["category"], pools.common_words()[:400])
        word = self.made() if self.rng.random() < 0.3 else self.rng.choice(self.rng.choice(lists))
        return re.sub(r"[^a-z]", "", word.lower()) or "data"

    def made(self) -> str:
        """A word that nobody has."""
        parts = self.rng.randint(2, 3)
        return "".join(self.rng.choice(_SYLLABLES) for _ in range(parts)) + self.rng.choice(("", "x", "n", "co", "ra"))

    def sentence(self) -> str:
        """Some words of one language, as a sentence."""
        words = pools.common_words()
        start = self.rng.randrange(len(words))
        near = words[max(0, start - 150) : start + 150]
        text = " ".join(self.rng.choice(near) for _ in range(self.rng.randint(4, 14)))
        return text[:1].upper() + text[1:] + self.rng.choice((".", "", "!", "."))


@cache
def _many_towns() -> list[str]:
    return [code for code, names in sorted(pools.towns().items()) if len(names) >= 100]


_SYLLABLES = tuple(
    a + b
    for a in ("b", "br", "c", "d", "f", "g", "k", "l", "m", "n", "p", "qu", "r", "s", "t", "v", "z")
    for b in "aeiou"
)
