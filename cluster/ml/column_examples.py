"""Tables for training and evaluation of the column model: generated columns with their class, or with none.

A table is about persons or about things, and its columns are named in one manner: snake, camel, Pascal, spaced,
shortened, with a prefix, in one language, or not at all. Values are drawn few or many, with nulls, dirt and
placeholders. `held_out` tables use locales, names of columns, and seeds that no training table has. Equal seeds make
equal tables.
"""

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cluster.detectors.compounds import without_vowels
from cluster.ml import column_asides as asides
from cluster.ml import column_makers as makers
from cluster.ml import column_pools as pools
from cluster.ml.column_forms import Draw
from cluster.ml.column_names import NONE

CHECKED_SHARE = 0.15  # of the columns of classes
ASIDE_SHARE = 0.12  # of the columns of no class
UNKNOWN_SHARE = 0.2  # of the columns of things that have such names
HELD_OUT_NAMES, HELD_OUT_LOCALES = 5, 4  # one of so many
PERSONS = (
    *(
        "customers",
        "patients",
        "employees",
        "users",
        "members",
        "contacts",
        "students",
        "applicants",
        "voters",
        "clients",
    ),
    *("tenants", "donors", "subscribers", "accounts", "people", "persons", "staff", "leads", "guests", "passengers"),
    *("beneficiaries", "claims", "encounters", "admissions", "prescriptions", "payments", "cards", "licence holders"),
    *("personen", "kunden", "mitarbeiter", "patienten", "clients fr", "salariés", "adhérents", "clientes", "empleados"),
    *("pacientes", "clienti", "dipendenti", "klanten", "medewerkers", "klienci", "kunder", "hr export", "crm contacts"),
    *("user profiles", "arrests", "payroll", "enrolments", "registrations", "survey responses", "insured", "logins"),
)
THINGS = (
    *("orders", "products", "inventory", "budget", "facilities", "permits", "inspections", "trips", "sensors", "trees"),
    *("events", "logs", "shipments", "assets", "stations", "routes", "schools", "species", "contracts", "expenditures"),
    *("incidents", "parcels", "buildings", "machines", "jobs", "tasks", "catalog", "parts", "campaigns", "sessions"),
    *("releases", "measurements", "air quality", "water samples", "bus stops", "crime statistics", "census", "grants"),
    *(
        "artikel",
        "bestellungen",
        "haushalt",
        "commandes",
        "produits",
        "équipements",
        "pedidos",
        "productos",
        "presupuesto",
    ),
    *(
        "ordini",
        "prodotti",
        "pedidos br",
        "bestellingen",
        "zamówienia",
        "lookup",
        "config",
        "metrics",
        "data",
        "export",
    ),
)
DIRT = ("N/A", "n/a", "-", "unknown", "none", "null", "?", "TBD", "", " ", "xxx", "0", "test", "see notes", "k.A.")
SHORT = {
    **{"number": "no", "address": "addr", "date": "dt", "name": "nm", "account": "acct", "customer": "cust"},
    **{"patient": "pat", "employee": "emp", "first": "f", "last": "l", "code": "cd", "phone": "ph", "birth": "b"},
    **{"identifier": "id", "description": "desc", "amount": "amt", "quantity": "qty", "department": "dept"},
    **{"organization": "org", "status": "stat"},
}
_PREFIXES = (
    "cust_",
    "tbl_",
    "col_",
    "usr_",
    "emp_",
    "p_",
    "c_",
    "x_",
    "src_",
    "fld_",
    "str",
    "txt",
    "pat_",
    "kd_",
    "dim_",
    "customer_",
    "user_",
)


@dataclass(frozen=True)
class ExampleColumn:
    """A column and what it is: a class, or `NONE`. `source` and `locale` tell of what it was made."""

    name: str
    values: list[object]
    truth: str
    source: str
    locale: str = ""


@dataclass(frozen=True)
class ExampleTable:
    """Columns that stand together under the name of a table, which may be empty. All have equally many values."""

    name: str
    columns: tuple[ExampleColumn, ...]


def tables(count: int, seed: int, *, held_out: bool) -> list[ExampleTable]:
    """So many tables; each depends on the seed and its place alone."""
    return [table(seed, place, held_out=held_out) for place in range(count)]


def table(seed: int, place: int, *, held_out: bool) -> ExampleTable:
    """The table of that place."""
    rng = random.Random(f"{seed} {place} {held_out}")  # noqa: S311  # the same seed is to give the same table
    known = _locales(held_out)
    near = [
        name for name in known if name.startswith(("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "no", "da"))
    ]
    locale = rng.choice(near if rng.random() < 0.6 else known)
    draw = Draw(rng, (locale,))
    rows = rng.choice((rng.randint(3, 12), rng.randint(8, 30), rng.randint(20, 60), rng.randint(40, 130)))
    about_persons = rng.random() < 0.66
    named = _style(rng)
    columns = []
    used: set[str] = set()
    for number in range(rng.randint(1, 12)):
        if rng.random() < (0.8 if about_persons else 0.12):
            column = _of_class(draw, rows, named, number, held_out=held_out)
        else:
            column = _of_thing(draw, rows, named, number, held_out=held_out)
        if column.name not in used or not column.name:
            used.add(column.name)
            columns.append(column)
    title = rng.choice(PERSONS if about_persons else THINGS)
    shown = (
        "" if rng.random() < 0.3 else named(title, 0) if rng.random() < 0.8 else f"public.{title.replace(' ', '_')}.csv"
    )
    return ExampleTable(shown, tuple(columns))


def _locales(held_out: bool) -> list[str]:
    return [name for name in pools.names_by_locale() if (zlib.crc32(name.encode()) % HELD_OUT_LOCALES == 0) == held_out]


def _names(names: Sequence[str], held_out: bool) -> list[str]:
    """Those names of a list that training sees, or those that it does not; all where one side would be empty."""
    kept = [name for name in names if (zlib.crc32(name.encode()) % HELD_OUT_NAMES == 0) == held_out]
    return kept or list(names)


def _of_class(draw: Draw, rows: int, named: Callable[[str, int], str], number: int, *, held_out: bool) -> ExampleColumn:
    rng = draw.rng
    known = sorted(makers.checked()) if rng.random() < CHECKED_SHARE else makers.learnt()
    truth = rng.choices(known, [makers.classes()[each].often for each in known])[0]
    told = makers.classes()[truth]
    english, foreign = _names(told.names, held_out), _names(told.abroad, held_out)
    name = named(rng.choice(foreign if foreign and rng.random() < 0.35 else english), number)
    if _silent(name) and not told.bare:
        name = rng.choice(english).replace(" ", "_")
    values = dirty(makers.of_class(truth, draw), rows, draw)
    return ExampleColumn(name, values, truth, truth, draw.locales[0])


def _of_thing(draw: Draw, rows: int, named: Callable[[str, int], str], number: int, *, held_out: bool) -> ExampleColumn:
    rng = draw.rng
    if rng.random() < ASIDE_SHARE:
        return _aside(draw, rows, named, number, held_out=held_out)
    known = sorted(makers.things())
    kind = rng.choices(known, [makers.things()[each].often for each in known])[0]
    told = makers.things()[kind]
    odd = told.unknown and rng.random() < UNKNOWN_SHARE
    name = named(draw.filled(rng.choice(told.unknown)) if odd else rng.choice(_names(told.names, held_out)), number)
    if _silent(name) and told.mimic:
        name = rng.choice(_names(told.names, held_out)).replace(" ", "_")
    values = dirty(makers.of_thing(kind, draw), rows, draw)
    return ExampleColumn(name, values, NONE, kind, draw.locales[0])


def _aside(draw: Draw, rows: int, named: Callable[[str, int], str], number: int, *, held_out: bool) -> ExampleColumn:
    about = makers.classes()[draw.rng.choice(makers.learnt())]
    phrase, values = asides.aside(draw, _names(about.names, held_out))
    name = named(phrase, number)
    name = phrase.replace(" ", "_") if _silent(name) else name
    return ExampleColumn(name, dirty(values, rows, draw), NONE, asides.SOURCE, draw.locales[0])


def _silent(name: str) -> bool:
    """Whether a name says nothing."""
    letters = "".join(c for c in name if c.isalpha()).lower()
    return letters in {"", "col", "c", "field", "column", "unnamed", "f", "var", "v", "value", "x"}


def _style(rng: random.Random) -> Callable[[str, int], str]:
    """The manner in which a table names its columns: from a phrase and the number of the column."""
    kind = rng.choices(
        ("snake", "camel", "pascal", "spaced", "upper", "none", "kebab", "run"), (26, 10, 9, 14, 9, 20, 4, 8)
    )[0]
    prefix = rng.choice(_PREFIXES) if rng.random() < 0.12 else ""
    short, vowels, silent = (
        rng.random() < 0.2,
        rng.random() > 0.06,
        rng.choice(("", "col{}", "c_{}", "field_{}", "Column{}", "_c{}", "V{}", "Unnamed: {}", "f{}", "{}")),
    )

    def named(phrase: str, number: int) -> str:
        words = phrase.replace("-", " ").replace("'", " ").split() or [phrase]
        words = [SHORT.get(word, word) for word in words] if short else words
        words = words if vowels else [without_vowels(word) if len(word) > 4 else word for word in words]
        capitals = [word[:1].upper() + word[1:] for word in words]
        forms = {
            "snake": "_".join(words), "camel": words[0] + "".join(capitals[1:]), "pascal": "".join(capitals),
            "spaced": " ".join(capitals) if rng.random() < 0.7 else " ".join(words), "upper": "_".join(words).upper(),
            "kebab": "-".join(words), "run": "".join(words), "none": silent.format(number),
        }  # fmt: skip
        return forms[kind] if kind == "none" else prefix + forms[kind]

    return named


def dirty(make: Callable[[], object], rows: int, draw: Draw) -> list[object]:
    """So many values with the nulls, white space, changed letters, placeholders and strays of one source."""
    rng = draw.rng
    nulls = rng.choices((0, 0.05, 0.3, 0.8), (55, 20, 15, 10))[0]
    soiled = rng.choices((0, 0.05, 0.2), (60, 25, 15))[0]
    pool = [make() for _ in range(rows if rng.random() < 0.7 else max(2, rows // rng.randint(2, 8)))]
    stray = makers.of_thing(rng.choice(("status", "short code", "free text", "long id", "quantity")), draw)
    placeholder = rng.choice(DIRT)
    typed = not all(isinstance(value, str) for value in pool)
    found: list[object] = []
    for _ in range(rows):
        value = rng.choice(pool) if len(pool) < rows else pool[len(found)]
        if rng.random() < nulls:
            value = None if typed or rng.random() < 0.8 else placeholder
        elif not typed and rng.random() < soiled:
            value = _soiled(str(value), stray, placeholder, rng)
        found.append(value)
    if all(value is None for value in found):
        found[0] = pool[0]
    return found


def _soiled(text: str, stray: Callable[[], object], placeholder: str, rng: random.Random) -> str:
    place = rng.randrange(len(text)) if text else 0
    turned = text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :]
    return rng.choice(
        (f" {text}", f"{text} ", text.upper(), text.lower(), turned, placeholder, str(stray()), f"{text}?")
    )
