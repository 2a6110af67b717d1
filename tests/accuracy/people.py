"""Names, places and what is made of names: from mimesis in many locales, and from lists of other cultures.

mimesis is MIT; training uses Faker and never mimesis, and never `data/values.yaml`.
"""

import random
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.accuracy.data_files import data, of_language
from tests.accuracy.masks import coded

LOCALES: Final = {
    "en": ("en", "en-gb", "en-au", "en-ca"),
    "de": ("de", "de-at", "de-ch"),
    "fr": ("fr",),
    "es": ("es", "es-mx"),
    "it": ("it",),
    "pt": ("pt", "pt-br"),
    "nl": ("nl", "nl-be"),
    "pl": ("pl",),
    "sv": ("sv",),
    "tr": ("tr",),
    "da": ("da",),
    "no": ("no",),
    "fi": ("fi",),
    "cs": ("cs",),
    "hu": ("hu",),
    "zh": ("zh",),
}
_PLAIN: Final = str.maketrans("łøđıæœßŁØ", "lodiaosLO")


@dataclass(frozen=True)
class Someone:
    """A made-up person: two names, a middle initial."""

    given: str
    family: str
    middle: str

    def ascii(self) -> tuple[str, str]:
        return plain(self.given), plain(self.family)


def plain(text: str) -> str:
    """Lower case without accents, spaces or signs."""
    folded = unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return "".join(sign for sign in folded.lower() if sign.isalnum())


@cache
def _provider(kind: str, locale: str) -> Any:
    import mimesis

    return getattr(mimesis, kind)(mimesis.Locale(locale), seed=None)


def _seeded(kind: str, rng: random.Random, language: str) -> Any:
    provider = _provider(kind, rng.choice(LOCALES.get(language, ("en",))))
    provider.reseed(rng.getrandbits(32))
    return provider


def someone(rng: random.Random, language: str, foreign: float = 0.25) -> Someone:
    """A person of that language, or in a share of cases of anywhere."""
    if rng.random() < foreign:
        lists = data("values")
        given, family = rng.choice(lists["given"]["any"]), rng.choice(lists["family"]["any"])
    else:
        made = _seeded("Person", rng, language)
        given, family = made.name(), made.surname()
    return Someone(given, family, rng.choice("ABCDEFGHJKLMNPRSTVW"))


def town(rng: random.Random, language: str) -> str:
    lists = data("values")["towns"]
    if language in lists and rng.random() < 0.35:
        return str(rng.choice(lists[language]))
    return str(_seeded("Address", rng, language).city())


def street(rng: random.Random, language: str) -> str:
    """A street with a house number, as addresses of that language have it."""
    lists = data("values")["streets"]
    name, number = rng.choice(of_language(lists, language)), rng.randrange(1, 240)
    if language == "en" or language not in lists:
        flat = rng.choice(["", "", "", f", Flat {rng.randrange(1, 30)}", f" Apt {rng.randrange(1, 60)}B", " #4"])
        return f"{number} {name}{flat}"
    if language == "fr":
        return f"{number}{rng.choice(['', '', ' bis'])}{rng.choice(['', ','])} {name}"
    if language in {"es", "pt", "it"}:
        return f"{name}{rng.choice([', ', ' ', ', n. '])}{number}"
    if language == "tr":
        return f"{name} No:{number}/{rng.randrange(1, 20)}"
    return f"{name} {number}{rng.choice(['', '', 'a', 'B' if language == 'de' else '-2'])}"


def whole_address(rng: random.Random, language: str) -> str:
    postal = coded(rng, "location.postal_code", language, 1)[0]
    if language == "en":
        return f"{street(rng, language)}, {town(rng, language)} {postal}"
    return f"{street(rng, language)}, {postal} {town(rng, language)}"


NAMES: Final = {
    "plain": lambda p: f"{p.given} {p.family}",
    "last first": lambda p: f"{p.family}, {p.given}",
    "capitals": lambda p: f"{p.family.upper()} {p.given.upper()}",
    "middle": lambda p: f"{p.given} {p.middle}. {p.family}",
    "initial": lambda p: f"{p.given[0]}. {p.family}",
    "lower": lambda p: f"{p.given} {p.family}".lower(),
    "french": lambda p: f"{p.given} {p.family.upper()}",
}


def email(rng: random.Random, who: Someone) -> str:
    first, last = who.ascii()
    first, last = first or "info", last or "office"
    user = rng.choice(
        [f"{first}.{last}", f"{first[0]}{last}", f"{last}{rng.randrange(1, 99)}", f"{first}_{last}", f"{first}+shop"]
    )
    host = rng.choice(
        [
            "proton.me",
            "btinternet.com",
            "mail.ru",
            "gmx.net",
            "orange.fr",
            "uol.com.br",
            "wp.pl",
            "telia.com",
            "nhs.uk",
            "stadt-ulm.de",
            "harborcu.org",
            "lakeside-clinic.health",
            "k12.mn.us",
            "me.com",
            "naver.com",
        ]
    )
    return f"{user}@{host}"


def username(rng: random.Random, who: Someone) -> str:
    first, last = who.ascii()
    first, last = first or "x", last or "y"
    return rng.choice(
        [
            f"{first[0]}{last}",
            f"{first}{rng.randrange(60, 2012)}",
            f"{last}.{first[:2]}",
            f"xx_{first}_xx",
            f"{last[:5]}{first[:2]}{rng.randrange(10)}",
            f"the.real.{first}",
            f"{first}-{last}",
        ]
    )
