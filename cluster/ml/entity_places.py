"""Places in training texts: towns, countries, states, streets and whole addresses, in the manner of a language."""

import random

from cluster.ml.entity_codes import Codes, Piece
from cluster.ml.entity_pools import NATIVE, Pools


class Places(Codes):
    """Makes the values of slots that are places, and words that only look like names."""

    def __init__(self, pools: Pools, rng: random.Random, lists: dict[str, list[str]]) -> None:
        self.pools, self.rng, self.lists = pools, rng, lists

    def _pick(self, *names: str) -> str:
        return self.rng.choice(self.lists[names[0]])

    def _locale(self, language: str) -> dict[str, list[str]]:
        native = [name for name in NATIVE[language] if name in self.pools.locales]
        if native and self.rng.random() < (0.55 if language == "en" else 0.8):
            return self.pools.locales[self.rng.choice(native)]
        return self.pools.locales[self.rng.choice(list(self.pools.locales))]

    def _made_up(self) -> str:
        word, pair = "", "^^"
        while len(word) < 11:
            letter = self.rng.choice(self.pools.chain[pair])
            if letter == "$" and len(word) > 3:
                break
            letter = "a" if letter in "$ '’.-" else letter
            word, pair = word + letter, pair[1] + letter
            pair = pair if pair in self.pools.chain else "^^"
        return word.capitalize()

    def _city(self, language: str) -> list[Piece]:
        towns = self.pools.towns.get(language) or self.pools.towns["en"]
        chance = self.rng.random()
        if chance < 0.2:
            town = self.rng.choice(self.pools.towns["large"])
        elif chance < 0.4:
            town = self.rng.choice(self.pools.towns["world"])
        elif chance < 0.75:
            town = self.rng.choice(towns if self.rng.random() < 0.8 else self.pools.towns["en"])
        elif chance < 0.95:
            town = self.rng.choice(self._locale(language)["city"] or towns)
        else:
            town = self._made_up()
        return [(town, "city")]

    def _country(self, language: str) -> list[Piece]:
        known = self.pools.countries if self.rng.random() < 0.4 else self.lists["country"]
        if language in self.pools.countries_in and self.rng.random() < 0.8:
            known = self.pools.countries_in[language]
        return [(self.rng.choice(known), "country")]

    def _state(self, language: str) -> list[Piece]:
        """A state of the United States, Canada, ...; its abbreviation is no place name and has no label."""
        if self.rng.random() < 0.5:
            return [(self._pick("state"), None)]
        return [(self._pick("state_name"), "state")]

    def _region(self, language: str) -> list[Piece]:
        """A state in full."""
        return [(self._pick("state_name"), "state")]

    def _county(self, language: str) -> list[Piece]:
        if self.rng.random() < 0.5:
            return [(self._pick("county"), "county")]
        return [
            (f"{self._made_up()} {self.rng.choice(['County', 'County', 'District', 'Parish', 'Borough'])}", "county")
        ]

    def _postal(self, language: str) -> list[Piece]:
        return [(self.rng.choice(self._locale(language)["postal"] or ["10115"]), "postal")]

    def _number_of_house(self) -> str:
        number = str(self.rng.choice([self.rng.randint(1, 99), self.rng.randint(100, 9999)]))
        return number + self.rng.choice(["", "", "", "", "a", "b", "B", "/2", "-3"])

    def _street(self, language: str) -> list[Piece]:
        if self.rng.random() < 0.4 and (known := self._locale(language)["street"]):
            return [(self.rng.choice(known), "street")]
        style = language if self.rng.random() < 0.8 else self.rng.choice(list(NATIVE))
        number = self._number_of_house()
        if style == "en":
            road = self._pick("street_name") if self.rng.random() < 0.6 else self._made_up()
            name = f"{number} {road} {self._pick('street_type')}"
            if self.rng.random() < 0.12:
                name = name.replace(" ", f" {self.rng.choice(['N', 'S.', 'West', 'E', 'NE'])} ", 1)
            if self.rng.random() < 0.2:
                name += self.rng.choice([" ", ", "]) + self._pick("street_unit")
            elif self.rng.random() < 0.1:
                name = f"{self.rng.choice(['Flat', 'Unit', 'Apartment'])} {self.rng.randint(1, 40)}, {name}"
        elif style == "fr":
            name = f"{number}{self.rng.choice([' ', ', ', ' bis '])}{self._pick('street_fr')}"
        else:
            name = (
                f"{self._pick(f'street_{style}')}{self.rng.choice([' ', ' ', ', ' if style != 'de' else ' '])}{number}"
            )
        return [(name, "street")]

    def _address(self, language: str) -> list[Piece]:
        street, city, postal = self._street(language), self._city(language), self._postal(language)
        gap: list[Piece] = [(self.rng.choice([", ", ", ", "\n", " ", " - "]), None)]
        if language in {"de", "fr", "es", "it", "nl"}:
            return [*street, *gap, *postal, (" ", None), *city]
        chance = self.rng.random()
        if chance < 0.4:
            return [
                *street,
                *gap,
                *city,
                (", ", None),
                *self._state(language),
                (" ", None),
                *postal,
            ]
        if chance < 0.6:
            return [*street, *gap, *city, (self.rng.choice([" ", ", "]), None), *postal]
        if chance < 0.75:
            return [*street, *gap, *city]
        if chance < 0.85:
            return [*street, *gap, *city, (", ", None), *self._county("en"), (" ", None), *postal]
        return [*street, *gap, *postal, (" ", None), *city, (", ", None), *self._country(language)]
