"""Tables of every class that can be made, of many contexts, languages and shops; dirty, sparse, short, headless."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

from cluster.detectors.taxonomy import load_taxonomy
from tests.accuracy import dirt
from tests.accuracy.columns import NONE, Column, Table
from tests.accuracy.data_files import data, of_language
from tests.accuracy.makers import can_make, dates, values_of
from tests.accuracy.masks import fill
from tests.accuracy.naming import STYLES, column_name, nameless

SEED: Final = 4
LANGUAGES: Final = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "tr")
_CONTEXTS: Final = (
    *("customers", "patients", "employees", "payments", "devices", "vehicles", "keys", "citizens", "suppliers"),
)


def made_tables(per_class: int, seed: int = SEED, of: Sequence[str] | None = None) -> list[Table]:
    """At least so many columns of each class, each in a table of its own with others of its context and with none."""
    tables = []
    for data_class in of or classes():
        for turn in range(per_class):
            rng = random.Random(f"{seed} {data_class} {turn}")
            tables.append(_table(rng, data_class, headless=turn % 3 == 2 and data_class in _headless()))
    return tables


@cache
def classes() -> tuple[str, ...]:
    """The reported classes of the taxonomy that have names and makers here."""
    known = load_taxonomy().value.classes
    return tuple(name for name in data("headers") if name in known and known[name].reported and can_make(name))


def unmade() -> tuple[str, ...]:
    """The reported classes that no set has."""
    return tuple(n for n, c in load_taxonomy().value.classes.items() if c.reported and n not in classes())


def _matching(patterns: Sequence[str]) -> list[str]:
    return list(_fitting(tuple(patterns)))


@cache
def _fitting(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(c for c in classes() if any(c == p or (p.endswith("*") and c.startswith(p[:-1])) for p in patterns))


@cache
def _headless() -> dict[str, bool]:
    """The classes that can be told from values alone, and whether it is as right to say nothing."""
    spec = data("contexts")["headless"]
    told = dict.fromkeys(_matching(spec["surely"]), False)
    return told | dict.fromkeys(_matching(spec["or_none"]), True)


def _contexts_of(data_class: str) -> list[str]:
    found = [name for name in _CONTEXTS if data_class in _matching(data("contexts")[name]["holds"])]
    return found or ["customers"]


def _table(rng: random.Random, data_class: str, headless: bool) -> Table:
    context = data("contexts")[rng.choice(_contexts_of(data_class))]
    language = rng.choice(sorted(data("headers")[data_class]))
    others = [c for c in _matching(context["holds"]) if c != data_class and not c.startswith("government.")]
    others = [c for c in others if c in _headless()] if headless else others
    chosen = [data_class, *rng.sample(others, min(len(others), rng.randrange(2, 5)))]
    slices, rows = _condition(rng, language, headless)
    style = rng.choice(list(STYLES))
    made = [_of_class(rng, one, language, style, rows, headless) for one in chosen]
    made += [
        _of_none(rng, spec, language, style, rows)
        for spec in rng.sample(data("nothing")["columns"], rng.randrange(2, 6))
    ]
    rng.shuffle(made)
    names = nameless(rng, len(made)) if headless else _distinct([column.name for column in made])
    columns = [_spoiled(rng, column, name, slices) for column, name in zip(made, names, strict=True)]
    title = f"{rng.choice(of_language(context['tables'], language))}"
    return Table(name=title, source="made", columns=tuple(columns))


def _condition(rng: random.Random, language: str, headless: bool) -> tuple[frozenset[str], int]:
    slices, rows = {language}, rng.randrange(40, 160)
    if headless:
        slices.add("no header")
    kind = rng.choice(["clean", "clean", "dirty", "sparse", "few rows"])
    slices.add(kind)
    if kind == "few rows":
        rows = rng.randrange(4, 16)
    if kind == "sparse":
        rows += 150
    return frozenset(slices), rows


def _of_class(rng: random.Random, data_class: str, language: str, style: str, rows: int, headless: bool) -> Column:
    words = data("headers")[data_class]
    spoken = language if language in words else "en" if "en" in words else rng.choice(sorted(words))
    values = values_of(rng, data_class, spoken, rows)
    also = set(data("contexts")["as_right"].get(data_class, ()))
    if headless and (_headless()[data_class] or _digits_only(values)):
        also.add(NONE)
    name = column_name(rng, rng.choice(words[spoken]), style, spoken)
    return Column(name, tuple(values), data_class, frozenset(also))


def _digits_only(values: Sequence[Any]) -> bool:
    """Without a name, a number without any sign in it may be anything."""
    return all(str(value).isdigit() for value in values)


def _of_none(rng: random.Random, spec: dict[str, Any], language: str, style: str, rows: int) -> Column:
    spoken = language if language in spec["names"] else "en"
    words = rng.choice(spec["names"][spoken])
    return Column(column_name(rng, words, style, spoken), tuple(_nothing(rng, spec, language, words, rows)))


def _nothing(rng: random.Random, spec: dict[str, Any], language: str, words: str, rows: int) -> list[Any]:
    if "mask" in spec:
        mask = rng.choice(spec["mask"])
        return [fill(rng, mask) for _ in range(rows)]
    if "list" in spec:
        chosen = of_language(spec["list"], language)
        return rng.choices(rng.choice(chosen) if spec.get("flags") else chosen, k=rows)
    return _KINDS[spec["make"]](rng, language, rows)


def _moments(rng: random.Random, language: str, n: int) -> list[Any]:
    drawn = [datetime(2021, 1, 1) + timedelta(seconds=rng.randrange(130_000_000)) for _ in range(n)]  # noqa: DTZ001
    form = rng.choice([None, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %H:%M", "%s"])
    return drawn if form is None else [moment.strftime(form) for moment in drawn]


def _days(rng: random.Random, language: str, n: int) -> list[Any]:
    return dates(rng, language, [date(2018, 1, 1) + timedelta(days=rng.randrange(2700)) for _ in range(n)])


def _serial(rng: random.Random, language: str, n: int) -> list[int]:
    start = rng.choice([1, 1000, 100_000, 40_000_000, 2_000_000_000])
    return list(range(start, start + n))


_KINDS: Final[dict[str, Any]] = {
    "serial": _serial,
    "price": lambda rng, language, n: [round(rng.lognormvariate(3.5, 1), 2) for _ in range(n)],
    "small": lambda rng, language, n: [rng.randrange(rng.choice([10, 100])) for _ in range(n)],
    "moment": _moments,
    "day": _days,
    "rating": lambda rng, language, n: [rng.randrange(1, 6) for _ in range(n)],
    "measure": lambda rng, language, n: [round(rng.gauss(60, 20), rng.choice([1, 2])) for _ in range(n)],
    "year": lambda rng, language, n: [rng.randrange(1995, 2026) for _ in range(n)],
    "share": lambda rng, language, n: [round(rng.random(), 3) for _ in range(n)],
}  # fmt: skip


def _spoiled(rng: random.Random, column: Column, name: str, slices: frozenset[str]) -> Column:
    values = column.values
    if "dirty" in slices:
        values = dirt.dirty(rng, values)
    if "sparse" in slices:
        values = dirt.sparse(rng, values)
    return Column(name, values, column.truth, column.also, slices)


def _distinct(names: Sequence[str]) -> list[str]:
    return list(_numbered(names))


def _numbered(names: Sequence[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"
