"""What the texts of a column hold becomes its labels, of the machine and on the spot, and never what it is itself."""

from functools import cache
from typing import Any

import pytest

from actors.classification.answers import Told
from actors.classification.free_text import occurrences
from actors.classification.machine import machine_labels
from actors.classification.observing import Observed
from actors.classification.realtime import classify_columns, default_rules, evidence_of
from actors.classification.tiers import Models
from cluster.detectors.compile import RuleSetSpec, compile
from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels.report import ColumnEvidence, TextEvidence, TextFindings
from cluster.ml.entities import TextEntities

PEOPLE = ("Margaret Osgood", "Tobias Lindqvist", "Priya Raghunathan", "Helen Achebe", "Duncan MacAskill", "Rosa Vela")
NOTES = [
    f"Spoke to {PEOPLE[n % 6]} this morning about claim {n}, wants a call back on 0161 496 0{100 + n} before friday"
    for n in range(40)
]
REPORTS = [f"Restarted the pump of line {n} twice today, pressure is back at {n + 3} bar and stable" for n in range(40)]


@cache
def models() -> Models:
    return Models(entities=TextEntities.load())


def ranked(values: list[Any], tiers: list[Any] | None = None) -> dict[str, Any]:
    columns = {"remarks": values, "n": list(range(len(values)))}
    found = classify_columns(columns, "visits", tiers or ["rules", "language"], models=models())
    return {one.data_class: one for one in found["remarks"]}


def test_prose_is_found_to_hold_persons_and_contact_data_with_an_interval_and_the_method_said() -> None:
    found = ranked(NOTES)
    name = found["person.full_name"]
    assert (name.tier, name.whole_column, name.state) == ("language", False, "automatic")
    assert 0 < name.interval[0] < name.prevalence <= name.interval[1] <= 1
    assert name.reasons[0].startswith("found in free text: in 8 of 8 texts drawn at random, by rules and language")
    assert found["contact.phone"].whole_column is False


def test_a_tier_that_is_not_wanted_reads_nothing() -> None:
    assert "person.full_name" not in ranked(NOTES, ["rules"])
    assert {one.tier for one in ranked(NOTES, ["language"]).values()} == {"language"}


def test_texts_that_name_nobody_get_no_label() -> None:
    assert ranked(REPORTS) == {}


def labels(values: list[Any], using: Any = None) -> dict[str, Any]:
    taxonomy, chosen = load_taxonomy().value, using or default_rules()
    told: Told = {}
    seen = [
        Observed(column, True, frozenset())
        for column in evidence_of(
            {"remarks": values, "n": list(range(len(values)))}, default_rules(), models()
        ).values()
    ]
    return machine_labels("crm.visits", seen, told, taxonomy, chosen)["remarks"]


def test_a_label_of_texts_says_how_many_were_read_and_by_which_model() -> None:
    name = labels(NOTES)["person.full_name"]
    assert (name.tier, name.method, name.whole_column, name.detector) == ("language", "sample", False, None)
    assert (name.matched, name.scanned, name.model) == (8, 8, models().entities.digest if models().entities else "")
    assert name.sensitivity == "Confidential"
    assert labels(REPORTS) == {}


def test_a_class_outside_the_rule_set_gives_no_label() -> None:
    assert labels(NOTES, compile(RuleSetSpec(include=("contact.*",)))).keys() == {"contact.phone"}


def column(*found: TextEvidence) -> ColumnEvidence:
    (one,) = evidence_of({"remarks": ["x"]}, default_rules()).values()
    return one.model_copy(update={"texts": TextFindings(rules=64, language=64, classes=found)})


def inside(matched: int, data_class: str = "person.full_name", **more: Any) -> TextEvidence:
    return TextEvidence(
        data_class=data_class, tier=more.get("tier", "language"), matched=matched, read=64, prevalence=matched / 64,
        low=0.0, high=1.0,
    )  # fmt: skip


def sure(found: TextEvidence, *known: tuple[str, float, bool]) -> list[float]:
    told = occurrences(column(found), known, load_taxonomy().value, default_rules())
    return [one.confidence for one in told]


@pytest.mark.parametrize(
    ("matched", "expected"), [(1, []), (3, []), (4, [0.55]), (5, [0.7]), (7, [0.9]), (64, [0.9])]
)  # fmt: skip
def test_no_more_than_a_reader_errs_is_no_evidence(matched: int, expected: list[float]) -> None:
    assert sure(inside(matched)) == expected


def test_given_names_are_believed_less_and_forms_more() -> None:
    assert sure(inside(7, "person.given_name")) == [0.55]
    assert sure(inside(3, "contact.email", tier="rules")) == [0.7]


def test_what_the_column_is_leaves_no_room_for_what_is_inside() -> None:
    assert sure(inside(60), ("location.street_address", 0.8, True)) == []
    assert sure(inside(60), ("contact.email", 0.8, False)) == [0.9]
    assert sure(inside(60), ("person.full_name", 0.95, False)) == [], "it is known already, and surer"
    assert sure(inside(60, "organisation.name")) == [], "the taxonomy does not report it"
