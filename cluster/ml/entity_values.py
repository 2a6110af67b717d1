"""Values that stand in training texts: names, streets, towns and organisations of many countries, and look-alikes.

Sources: `entity_pools`, the lists of `configs/training/entities/values.yaml`, and made-up words that only look like
names, so that context has to tell. A value is a list of pieces: text, and the label it has or None.
"""

import random
import string
from collections.abc import Callable

from cluster.ml.entity_codes import Piece
from cluster.ml.entity_places import Places
from cluster.ml.entity_pools import Lists, Pools
from cluster.packs import load_pack

PARTICLES = ("van", "van der", "de", "de la", "von", "al-", "bin", "dos", "Mc", "O’", "di")
SUFFIXES = ("Jr.", "Jr", "Sr.", "III", "II")


class Values(Places):
    """Makes the value of a slot. The same generator of random numbers gives the same values."""

    def __init__(self, pools: Pools, rng: random.Random) -> None:
        super().__init__(pools, rng, load_pack("training/entities/values.yaml", Lists).value.root)

    def of(self, slot: str, language: str) -> list[Piece]:
        """The pieces of `{slot}` in a text of the language. Raises KeyError for a slot that is not known."""
        made: Callable[[str], list[Piece]] | None = getattr(self, f"_{slot}", None)
        if made is not None:
            return made(language)
        return [(self.rng.choice(self.lists.get(f"{slot}_{language}") or self.lists[slot]), None)]

    def given_of(self, pool: dict[str, list[str]]) -> str:
        """A given name of the locale, sometimes one that is also a word, sometimes one that nobody has."""
        chance = self.rng.random()
        if chance < 0.06:
            return self._pick("name_words")
        name = self._made_up() if chance < 0.13 else self.rng.choice(pool["given"])
        return f"{name}-{self.rng.choice(pool['given'])}" if chance > 0.97 else name

    def family_of(self, pool: dict[str, list[str]]) -> str:
        """A family name, likewise; now and then a double one."""
        chance = self.rng.random()
        if chance < 0.06:
            return self._pick("family_words")
        name = self._made_up() if chance < 0.18 else self.rng.choice(pool["family"])
        return f"{name}-{self.rng.choice(pool['family'])}" if chance > 0.96 else name

    def _given(self, language: str) -> list[Piece]:
        return [(self.given_of(self._locale(language)), "given")]

    def _family(self, language: str) -> list[Piece]:
        return [(self.family_of(self._locale(language)), "family")]

    def _person(self, language: str) -> list[Piece]:
        return self._full(language) if self.rng.random() < 0.5 else self._given(language)

    def _thing(self, language: str) -> list[Piece]:
        """What is written like a name and is none: a product, a program, a pet, or a made-up word."""
        chance = self.rng.random()
        if chance < 0.45:
            return [(self._pick("product" if chance < 0.15 else "tool"), None)]
        return [(self._made_up() if chance < 0.96 else self._given(language)[0][0], None)]

    def _full(self, language: str) -> list[Piece]:
        pool = self._locale(language)
        given, family = self.given_of(pool), self.family_of(pool)
        initial = self.rng.choice(string.ascii_uppercase)
        chance = self.rng.random()
        for limit, form in FORMS:
            if chance < limit:
                name = form(self, pool, given, family, initial)
                break
        return [(name.replace("- ", "-").replace("O’ ", "O’").replace("Mc ", "Mc"), "full")]

    def _reversed(self, language: str) -> list[Piece]:
        """A full name as lists have it: `Doe, Jane`."""
        pool = self._locale(language)
        name = f"{self.family_of(pool)}, {self.given_of(pool)}"
        return [(name.upper() if self.rng.random() < 0.15 else name, "full")]

    def _org(self, language: str) -> list[Piece]:
        chance = self.rng.random()
        if chance < 0.35:
            name = self._pick("brand")
        elif chance < 0.6:
            name = self.rng.choice(self._locale(language)["org"] or self.lists["brand"])
        elif chance < 0.85:
            head = self._pick("org_head") if self.rng.random() < 0.6 else self._made_up()
            name = f"{head} {self._pick('org_tail')}"
        else:
            return self._hospital(language) if chance < 0.93 else self._school(language)
        return [(name, "org")]

    def _hospital(self, language: str) -> list[Piece]:
        head = self.rng.choice([f"St. {self._pick('name_words')}", self._city(language)[0][0], self._made_up()])
        return [(f"{head} {self._pick('hospital_tail')}", "org")]

    def _school(self, language: str) -> list[Piece]:
        town = self._city(language)[0][0]
        tail = self._pick("school_tail")
        return [(self.rng.choice([f"{town} {tail}", f"University of {town}", f"{self._made_up()} {tail}"]), "org")]

    def _email(self, language: str) -> list[Piece]:
        pool = self._locale(language)
        given, family = self.given_of(pool).lower(), self.family_of(pool).lower()
        local = self.rng.choice(
            [f"{given}.{family}", f"{given[0]}{family}", f"{given}{self.rng.randint(1, 99)}", "info"]
        )
        host = self.rng.choice(
            ["example.com", "mail.example.org", "gmail.com", "web.de", f"{family}.net".replace(" ", "")]
        )
        return [(f"{local}@{host}".replace(" ", ""), None)]

    def _handle(self, language: str) -> list[Piece]:
        given = self.given_of(self._locale(language)).lower().replace(" ", "")
        tail = self.rng.choice(["", str(self.rng.randint(1, 2010)), "_x", "xx", ".official", "_92"])
        return [(self.rng.choice([f"{given}{tail}", f"the_{given}", f"dark{given}{tail}", f"user{tail}1"]), None)]

    def _url(self, language: str) -> list[Piece]:
        return [(f"www.{self._made_up().lower().replace(' ', '')}.com/{self._digits('hhh')}", None)]


# Ways to write a full name, each with the share of names up to it.
FORMS: tuple[tuple[float, Callable[[Values, dict[str, list[str]], str, str, str], str]], ...] = (
    (0.68, lambda values, pool, given, family, initial: f"{given} {family}"),
    (0.75, lambda values, pool, given, family, initial: f"{given} {initial}. {family}"),
    (0.80, lambda values, pool, given, family, initial: f"{given} {values.given_of(pool)} {family}"),
    (0.84, lambda values, pool, given, family, initial: f"{given[0]}. {family}"),
    (0.88, lambda values, pool, given, family, initial: f"{family}, {given}"),
    (0.91, lambda values, pool, given, family, initial: f"{given} {family} {values.family_of(pool)}"),
    (0.94, lambda values, pool, given, family, initial: f"{given} {values.rng.choice(PARTICLES)} {family}"),
    (0.96, lambda values, pool, given, family, initial: f"{given}-{values.given_of(pool)} {family}"),
    (0.97, lambda values, pool, given, family, initial: f"{given} {family} {values.rng.choice(SUFFIXES)}"),
    (0.98, lambda values, pool, given, family, initial: f"{given[0]}{initial} {family}"),
    (1.01, lambda values, pool, given, family, initial: f"{given} {family}".upper()),
)


def known_slots() -> set[str]:
    """Names that templates may use besides the lists."""
    return {name[1:] for name in dir(Values) if name.startswith("_") and _takes_language(getattr(Values, name))}


def _takes_language(made: object) -> bool:
    return "language" in getattr(getattr(made, "__code__", None), "co_varnames", ())
