"""Tables of development columns: of classes in one of many manners of naming, among columns of none."""

import random
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from tests.accuracy.columns import NONE, Column, Table
from tests.development.makers import MAKERS, Values, data, fill, masked, worded

_TITLES: Final = (
    *(
        "PERSON_DIM",
        "tblKunden",
        "patients_2021",
        "Employee Roster",
        "crm.contacts",
        "voter_file",
        "students",
        "export",
    ),
    *(
        "Sheet1",
        "hr_master",
        "accounts",
        "claims",
        "usuarios",
        "adherents",
        "stg_customer",
        "driver",
        "members.csv",
        "",
    ),
)
_THINGS: Final = (
    "inspections",
    "311_requests",
    "sales_fact",
    "inventory",
    "assets",
    "budget",
    "events_log",
    "permits",
    "data",
)
PARTS: Final = {"tuning": "negatives", "check": "negatives_check"}
Manner = Callable[[str], str]


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)) or [name]


def _shortened(name: str) -> str:
    """As mainframes wrote: the vowels within long words are left out."""
    return "_".join(
        word if len(word) < 5 else word[0] + re.sub("[aeiou]", "", word[1:]) for word in _words(name)
    ).upper()


def _humped(name: str) -> str:
    first, *rest = _words(name)
    return first.lower() + "".join(word.capitalize() for word in rest)


MANNERS: Final[dict[str, Manner]] = {
    "as it is": str,
    "snake": lambda name: "_".join(_words(name)).lower(),
    "camel": _humped,
    "capitals": lambda name: "_".join(_words(name)).upper(),
    "spoken": lambda name: " ".join(_words(name)).capitalize(),
    "of a table": lambda name: f"rec.{'_'.join(_words(name)).lower()}",
    "marked": lambda name: f"{'_'.join(_words(name)).lower()}_c",
    "numbered": lambda name: f"{'_'.join(_words(name))}_1",
    "run together": lambda name: "".join(_words(name)).lower(),
    "shortened": _shortened,
}  # fmt: skip
_SHARES: Final = (6, 3, 2, 2, 2, 1, 1, 1, 1, 1)
_BLANK: Final = ("column_{0}", "C{0}", "f{0}", "_{0}", "Spalte{0}", "Unnamed: {0}", "{0}")
_DIRT: Final = ("NULL", "n/k", "--", "not given", "0", "(blank)", "#N/A", "999", "illegible", "nd")


def development_tables(per_class: int, seed: int, of: Sequence[str] | None = None) -> list[Table]:
    """So many tables of each class, each with two to five other classes and as many columns of none."""
    return [_table(name, turn, seed) for name in of or data("classes") for turn in range(per_class)]


def development_negatives(seed: int, count: int = 500) -> list[Table]:
    """So many columns of no class that look like one, each alone."""
    specs = [spec for spec in data("things") if spec.get("hard")]
    made = []
    for turn in range(count):
        rng = random.Random(f"{seed} alone {turn}")
        column = _thing(rng, specs[turn % len(specs)], rng.randrange(20, 300))
        made.append(Table(rng.choice(_THINGS), "negatives", (Column(_named(rng)(column.name), column.values),)))
    return made


def negatives_of_kinds(part: str, seed: int, each: int) -> list[Table]:
    """So many columns of each kind of `negatives.yaml` ("tuning") or `negatives_check.yaml` ("check"), each alone.

    The kind is the name of the source. Half of them are dirty, sparse or short, and a quarter of digits are numbers.
    """
    made = []
    for kind, spec in data(PARTS[part]).items():
        for turn in range(each):
            rng = random.Random(f"{seed} {kind} {turn}")
            manner = rng.choice(("clean", "clean", "clean", "dirty", "sparse", "few rows"))
            rows = {"few rows": rng.randrange(5, 15), "sparse": rng.randrange(150, 400)}.get(manner, 0)
            column = _thing(rng, spec, rows or rng.randrange(20, 300))
            values = _spoilt(rng, _as_numbers(rng, column.values), manner)
            made.append(Table(rng.choice(_THINGS), kind, (Column(_named(rng)(column.name), values),)))
    return made


def _as_numbers(rng: random.Random, values: Sequence[Any]) -> Sequence[Any]:
    """The values, at times as the numbers that they can be."""
    plain = all(isinstance(v, str) and v.isdigit() and v[0] != "0" and len(v) < 18 for v in values)
    return [int(value) for value in values] if plain and rng.random() < 0.25 else values


def _named(rng: random.Random) -> Manner:
    return MANNERS[rng.choices(list(MANNERS), _SHARES)[0]]


def _table(data_class: str, turn: int, seed: int) -> Table:
    rng = random.Random(f"{seed} {data_class} {turn}")
    known = data("classes")
    blank = turn % 4 == 3 and bool(known[data_class].get("bare"))
    others = [name for name in known if name != data_class and not name.startswith("government.")]
    chosen = [data_class, *rng.sample([n for n in others if not blank or known[n].get("bare")], rng.randrange(1, 5))]
    kind = rng.choice(("clean", "clean", "dirty", "sparse", "few rows"))
    rows = {"few rows": rng.randrange(4, 15), "sparse": rng.randrange(150, 400)}.get(kind, rng.randrange(30, 200))
    named, language = _named(rng), rng.choice(sorted(known[data_class]["names"]))
    columns = [_of_class(rng, name, language, rows) for name in chosen]
    columns += [_thing(rng, rng.choice(data("things")), rows) for _ in range(rng.randrange(1, 6))]
    rng.shuffle(columns)
    form = rng.choice(_BLANK)
    names = (
        [form.format(place) for place in range(len(columns))] if blank else [named(column.name) for column in columns]
    )
    titles = _TITLES if not blank else ("", "data", "upload.csv")
    slices = frozenset({kind, "no header" if blank else "names"})
    return Table(
        rng.choice(titles),
        "development",
        tuple(
            Column(name, _spoilt(rng, column.values, kind), column.truth, _also(column, blank), slices)
            for name, column in _distinct(names, columns)
        ),
    )


def _distinct(names: Sequence[str], columns: Sequence[Column]) -> list[tuple[str, Column]]:
    found = dict(zip(names, columns, strict=True))
    return list(found.items())


_AS_RIGHT: Final = {
    "contact.fax": {"contact.phone"},
    "location.county": {"location.city"},
    "payment.cardholder_name": {"person.full_name"},
    "person.photo": {"network.url"},
    "government.ar_dni": {"government.pe_dni", "government.es_dni", "government.national_id"},
    "government.pe_dni": {"government.ar_dni", "government.es_dni", "government.national_id"},
    "government.co_cedula": {"government.national_id"},
    "government.tax_id": {"government.us_itin", "government.us_ein", "government.pt_nif", "government.es_dni"},
    "government.national_id": {"government.eg_national_id"},
    "health.diagnosis_code": set(),
}


def _also(column: Column, blank: bool) -> frozenset[str]:
    found = set(_AS_RIGHT.get(column.truth, ()))
    if blank and all(str(value).isdigit() for value in column.values):
        found.add(NONE)  # digits alone may be anything
    if blank and column.truth in _AS_RIGHT:
        found.add(NONE)
    return frozenset(found)


def _of_class(rng: random.Random, name: str, language: str, rows: int) -> Column:
    spec = data("classes")[name]
    spoken = (
        language if language in spec["names"] else "en" if "en" in spec["names"] else rng.choice(sorted(spec["names"]))
    )
    header = str(rng.choice(spec["names"][spoken]))
    if "make" in spec:
        make = spec["make"]
        if (
            make == "places"
            and re.search(r"(?i)(^|[ _])(lat|lon|lng)|latit|longit|szer|breit|laeng", header)
            and "latlong" not in header.lower()
        ):
            make = "latitudes"
        values = MAKERS[make](rng, rows)
    else:
        values = masked(rng, spec, rows) if "masks" in spec else worded(rng, spec["words"], rows)
    return Column(header, tuple(_as_numbers(rng, values)), name)


def _thing(rng: random.Random, spec: dict[str, Any], rows: int) -> Column:
    return Column(str(rng.choice(spec["names"])), tuple(_values(rng, spec, rows)))


def _values(rng: random.Random, spec: dict[str, Any], rows: int) -> Values:
    if "masks" in spec:
        mask = rng.choice(spec["masks"])
        return [fill(rng, mask) for _ in range(rows)]
    if "words" in spec:
        return worded(rng, spec["words"], rows)
    if "up" in spec:
        start, step = spec["up"]
        return [str(start + step * place) for place in range(rows)]
    if "range" in spec:
        low, high = spec["range"]
        top = rng.choice((high, low + (high - low) // 4))
        return [rng.randrange(low, top + 1) for _ in range(rows)]
    if "numbers" in spec:
        low, high, places = spec["numbers"]
        return [round(low + (high - low) * rng.random() ** rng.choice((1, 3)), places) for _ in range(rows)]
    first, last = spec.get("days") or spec["moments"]
    start, span = date(first, 1, 1), (last - first) * 365
    days = [start + timedelta(days=rng.randrange(span)) for _ in range(rows)]
    if "moments" in spec:
        return [datetime(d.year, d.month, d.day, rng.randrange(24), rng.randrange(60), rng.randrange(60)) for d in days]  # noqa: DTZ001
    form = rng.choice((None, "%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y"))
    return list(days) if form is None else [day.strftime(form) for day in days]


def _spoilt(rng: random.Random, values: Sequence[Any], kind: str) -> tuple[Any, ...]:
    texts = all(isinstance(value, str) for value in values)
    if kind == "sparse":
        share = rng.uniform(0.8, 0.98)
        empty = rng.choice((None, "")) if texts else None
        kept = set(rng.sample(range(len(values)), min(4, len(values))))
        return tuple(v if place in kept or rng.random() > share else empty for place, v in enumerate(values))
    if kind != "dirty":
        return tuple(values)
    share, word = rng.uniform(0.03, 0.2), rng.choice(_DIRT)
    return tuple(_dirt(rng, value, word) if rng.random() < share else value for value in values)


def _dirt(rng: random.Random, value: Any, word: str) -> Any:
    if not isinstance(value, str):
        return None
    return rng.choice((word, word, f"{value} ", f" {value}", value.lower(), value[:-1], f"{value}*", f'"{value}"'))
