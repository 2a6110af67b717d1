"""Where the values of training texts come from: Faker in all locales of Latin script, phonenumbers' geocoding data, and
the letters of all of their names, of which new ones are made."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib import import_module
from zoneinfo import available_timezones

NATIVE = {
    "en": ("en_US", "en_GB", "en_CA", "en_AU", "en_NZ", "en_IE", "en_IN"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_BE", "fr_CA", "fr_CH"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL"),
    "it": ("it_IT",),
    "nl": ("nl_NL", "nl_BE"),
    "pt": ("pt_BR", "pt_PT"),
}
FOREIGN = (
    *("cs_CZ", "da_DK", "et_EE", "fi_FI", "hr_HR", "hu_HU", "id_ID", "lt_LT", "lv_LV", "no_NO", "pl_PL", "ro_RO"),
    *("sk_SK", "sl_SI", "sv_SE", "tr_TR", "en_TH", "az_AZ", "sq_AL", "vi_VN", "en_PH", "en_NG", "en_PK", "en_KE"),
    *("zu_ZA", "ha_NG", "ig_NG", "yo_NG", "tw_GH", "ga_IE", "fr_DZ", "en_MS", "es_CA", "uz_UZ"),
)
PER_LOCALE = 250
_LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ'’. \-]+")
_PLACE_NOISE = re.compile(r"province|county|district|region|department|oblast|\bnear\b|mobile|service|[0-9/()]", re.I)


class Pools:
    """Values of a kind by locale, drawn once from Faker with a seed."""

    def __init__(self, seed: int) -> None:
        self.locales: dict[str, dict[str, list[str]]] = {}
        for locale in (*(name for group in NATIVE.values() for name in group), *FOREIGN):
            drawn = _drawn(locale, seed)
            if drawn["given"] and drawn["family"]:
                self.locales[locale] = drawn
        self.towns = _towns()
        self.chain = _chain([name for pool in self.locales.values() for name in (*pool["given"], *pool["family"])])


def _drawn(locale: str, seed: int) -> dict[str, list[str]]:
    from faker import Faker

    try:
        source = Faker(locale)
    except AttributeError:  # this version of Faker has no such locale
        return defaultdict(list)
    source.seed_instance(seed)
    makers: dict[str, Callable[[], str]] = {
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
    return {language: sorted(names) for language, names in towns.items()} | {"large": _large_towns()}


def _large_towns() -> list[str]:
    """Towns that time zones are named for: those that texts speak of most."""
    continents = ("Africa/", "America/", "Asia/", "Australia/", "Europe/")
    zones = (zone for zone in available_timezones() if zone.startswith(continents))
    return sorted(
        {zone.split("/")[-1].replace("_", " ") for zone in zones} | {"San Francisco", "Boston", "Mumbai", "Beijing"}
    )


def _chain(names: Sequence[str]) -> dict[str, str]:
    """Which letters follow which two letters in the names."""
    follows: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        word = f"^^{name.lower()}$"
        for start in range(len(word) - 2):
            follows[word[start : start + 2]].append(word[start + 2])
    return {pair: "".join(letters) for pair, letters in follows.items()}
