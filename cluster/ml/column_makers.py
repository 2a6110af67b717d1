"""Which maker makes the columns of a class, and which those of a thing of no class."""

from functools import cache

from pydantic import BaseModel, ConfigDict, Field, RootModel

from cluster.detectors.compile import load_detector_packs
from cluster.detectors.taxonomy import load_taxonomy
from cluster.ml import column_kinds as kinds
from cluster.ml import column_numbers as numbers
from cluster.ml import column_people as people
from cluster.ml import column_pools as pools
from cluster.ml.column_forms import Draw
from cluster.ml.column_people import Maker, Value
from cluster.packs import load_pack


class ClassForms(BaseModel):
    """A class in `classes.yaml`: its columns' names, forms of its values, and whether they tell the class alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: list[str]
    abroad: list[str]
    forms: list[str] = Field(default_factory=list)
    bare: bool = False
    often: int = Field(1, ge=1)


class Thing(BaseModel):
    """A thing of no class in `things.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: list[str]
    forms: list[str] = Field(default_factory=list)
    words: list[str] = Field(default_factory=list)
    lists: list[list[str]] = Field(default_factory=list)
    numbers: tuple[float, float, int] | None = None
    days: tuple[int, int] | None = None
    clock: bool = False
    mimic: bool = False
    unknown: list[str] = Field(default_factory=list)
    often: int = Field(1, ge=1)


class Classes(RootModel[dict[str, ClassForms]]):
    """`configs/training/columns/classes.yaml`."""


class Things(RootModel[dict[str, Thing]]):
    """`configs/training/columns/things.yaml`."""


@cache
def classes() -> dict[str, ClassForms]:
    """The classes by id: those of the pack, and of all others that the taxonomy reports the names that their detectors
    know and the forms of the detectors' examples. Raises PackInvalid."""
    found = dict(load_pack("training/columns/classes.yaml", Classes).value.root)
    detectors = [detector for pack in load_detector_packs() for detector in pack.value.detectors]
    for name, told in sorted(load_taxonomy().value.classes.items()):
        mine = [detector for detector in detectors if detector.data_class == name]
        names = list(dict.fromkeys(text for detector in mine for text in detector.names))
        forms = [_form_of(text) for detector in mine for text in detector.examples.match if len(text) < 80]
        if told.reported and name not in found and names and forms:
            found[name] = ClassForms(names=names, abroad=[], forms=forms)
    return found


def _form_of(text: str) -> str:
    """The form of an example: its digits are any digits, and everything else is as it stands."""
    return "".join("#" if c.isdigit() else c if c.isalnum() or c == " " else f"\\{c}" for c in text)


@cache
def things() -> dict[str, Thing]:
    """Things of no class by what they are. Raises PackInvalid."""
    return load_pack("training/columns/things.yaml", Things).value.root


def of_class(name: str, draw: Draw) -> Value:
    """The values of a column of the class."""
    if name in numbers.CHECKED and name not in MAKERS:
        return numbers.checked(name, draw)
    if name in MAKERS:
        return MAKERS[name](draw)
    return kinds.of_forms(classes()[name].forms, draw)


def of_thing(name: str, draw: Draw) -> Value:
    """The values of a column of the thing."""
    thing = things()[name]
    if thing.numbers is not None:
        return kinds.of_numbers(thing.numbers, draw)
    if thing.days is not None:
        return people.days(draw, *_part_of(thing.days, draw), clock=thing.clock)
    ways = [kind for kind, held in (("f", thing.forms), ("w", thing.words), ("l", thing.lists)) if held]
    kind = draw.rng.choice(ways)
    if kind == "f":
        return kinds.of_forms(thing.forms, draw)
    if kind == "l":
        return kinds.of_list(draw.rng.choice(thing.lists), draw)
    return kinds.of_list(_words(draw.rng.choice(thing.words)), draw, most=draw.rng.choice((3, 6, 12, 60)))


def _words(kind: str) -> list[str]:
    if kind == "country":
        return pools.countries()
    return pools.jobs() if kind == "jobs" else pools.words()[kind]


def _part_of(years: tuple[int, int], draw: Draw) -> tuple[int, int]:
    first, last = sorted(draw.rng.sample(range(years[0], years[1] + 1), 2))
    return first, last


MAKERS: dict[str, Maker] = {
    **numbers.SPECIAL,
    "contact.email": people.email,
    "contact.phone": people.phone,
    "contact.fax": people.phone,
    "contact.username": people.username,
    "person.given_name": people.given,
    "person.family_name": people.family,
    "person.full_name": people.person,
    "payment.cardholder_name": people.person,
    "person.birth_date": lambda draw: people.days(draw, *draw.rng.choice(((1930, 2012), (1945, 2003), (1990, 2022)))),
    "person.birth_year": kinds.years,
    "person.age": kinds.ages,
    "person.gender": kinds.genders,
    "person.marital_status": kinds.listed("marital"),
    "person.nationality": kinds.listed("nationality", 40),
    "person.ethnicity": kinds.listed("ethnicity", 10),
    "person.religion": kinds.listed("religion", 12),
    "person.sexual_orientation": kinds.listed("orientation"),
    "person.political_opinion": kinds.listed("politics", 10),
    "person.trade_union": kinds.listed("union"),
    "person.criminal_record": kinds.listed("crime", 20),
    "location.street_address": people.street,
    "location.postal_code": kinds.postal,
    "location.city": kinds.towns,
    "location.county": kinds.plates_of_county,
    "location.coordinates": kinds.coordinates,
    "financial.income": kinds.incomes,
    "network.ip_address": kinds.ips,
    "health.diagnosis_code": kinds.diagnosis_codes,
    "health.diagnosis": kinds.diagnoses,
    "health.medication": kinds.medications,
    "health.blood_type": kinds.listed("blood", 8),
    "health.allergy": kinds.listed("allergy", 20),
    "health.disability": kinds.listed("disability", 12),
    "person.salutation": kinds.listed("salutation", 6),
    "person.immigration_status": kinds.listed("immigration", 10),
    "financial.credit_score": lambda draw: kinds.of_numbers((300, 850, 0), draw),
    "health.event_date": lambda draw: people.days(draw, 2005, 2026),
}

# What tier 1 tells by forms that little else has. With all that has a check, the model learns that a column is one of
# these, not which; so it does of classes that the pack does not know.
_TELLING = frozenset(
    {
        *("contact.email", "network.ip_address", "network.mac_address", "network.url", "network.user_agent"),
        *("payment.card_masked", "payment.track_data", "financial.bic", "financial.crypto_address"),
        *("credential.aws_access_key", "credential.jwt", "credential.private_key", "credential.password_hash"),
        "credential.connection_string",
    }
)


@cache
def checked() -> frozenset[str]:
    """The classes of which the model makes no guess."""
    known = load_pack("training/columns/classes.yaml", Classes).value.root
    return frozenset({*numbers.CHECKED, *numbers.SPECIAL, *_TELLING, *(classes().keys() - known.keys())})


@cache
def learnt() -> tuple[str, ...]:
    """The classes that the model tells apart, in order."""
    return tuple(name for name in sorted(classes()) if name not in checked())
