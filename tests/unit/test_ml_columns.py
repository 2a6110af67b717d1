"""Tier 2: generated tables are reproducible; the shipped column model says what it may, and nothing where it cannot."""

import json
import random
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cluster.errors import ModelUnusable
from cluster.kernels.lexicon import load_lexicon
from cluster.ml import column_makers as makers
from cluster.ml.column_decisions import DecidedColumn, examples_of_decisions, read_decisions
from cluster.ml.column_examples import table
from cluster.ml.column_features import features_of
from cluster.ml.column_forms import Draw
from cluster.ml.column_matrix import names_for, truth_of
from cluster.ml.column_model import ColumnModel, margins_of
from cluster.ml.column_names import CHECKED, NONE, says_something
from cluster.ml.column_scanning import scanned
from cluster.ml.guess import Guess
from cluster.ml.packaged import shipped
from tests.unit.detection_columns import evidence_of, rules

GIVEN = ["Martha", "Jonas", "Ingrid", "Oliver", "Chiara", "Mateo", "Fatima", "Lukas", "Grace", "Henrik", "Zoe", "Pavel"]


@cache
def model() -> ColumnModel:
    return ColumnModel.load()


def guesses_of(columns: dict[str, list[object]], table_name: str = "") -> dict[str, tuple[Guess, ...]]:
    evidence = evidence_of(columns).columns
    return dict(zip(columns, model().guess_all(evidence, table_name), strict=True))


def test_equal_seeds_make_equal_tables_and_others_do_not() -> None:
    assert table(3, 14, held_out=False) == table(3, 14, held_out=False)
    assert table(3, 14, held_out=False) != table(4, 14, held_out=False)


def test_nothing_of_held_out_tables_is_among_the_names_and_locales_of_training() -> None:
    training, held_out = ([table(1, place, held_out=each) for place in range(8)] for each in (False, True))
    locales = [{column.locale for each in some for column in each.columns} for some in (training, held_out)]
    assert not locales[0] & locales[1]
    assert all(len({len(column.values) for column in each.columns}) == 1 for each in training)


@pytest.mark.parametrize("name", sorted(makers.classes()))
def test_every_class_has_values_and_names(name: str) -> None:
    make = makers.of_class(name, Draw(random.Random(2), ("en_GB",)))
    assert all(value is not None and str(value).strip() for value in (make() for _ in range(5)))
    assert makers.classes()[name].names


@pytest.mark.parametrize("name", sorted(makers.things()))
def test_every_thing_of_no_class_has_values(name: str) -> None:
    draw = Draw(random.Random(2), ("fr_FR",))
    make = makers.of_thing(name, draw)
    assert all(value is not None for value in (make() for _ in range(5)))
    assert not any(set("{}#^~$*%") & set(draw.filled(form)) for form in makers.things()[name].unknown)


def test_numbers_of_checked_classes_pass_the_detectors() -> None:
    for name in ("government.nl_bsn", "government.us_ssn", "financial.iban", "vehicle.vin"):
        make = makers.of_class(name, Draw(random.Random(1), ("en_GB",)))
        title = name.partition(".")[2].rpartition("_")[2]
        found = evidence_of({title: [str(make()) for _ in range(20)]}).columns[0].classes
        assert max(item.prevalence for item in found if item.data_class == name) > 0.9, name


def test_columns_of_held_out_tables_are_told() -> None:
    """A floor under a small sample; the model card has the figures of the large one."""
    right = told = wrong = nothing = 0
    for place in range(12):
        generated = table(990, place, held_out=True)
        evidence = scanned(generated, rules(), load_lexicon())
        for column, guesses in zip(generated.columns, model().guess_all(evidence, generated.name), strict=True):
            sure = next((guess.data_class for guess in guesses if guess.sure), NONE)
            best = guesses[0].data_class if guesses else NONE
            if truth_of(column) in {NONE, CHECKED}:
                nothing, wrong = nothing + 1, wrong + (sure != NONE)
            else:
                told, right = told + 1, right + (best == column.truth)
    assert right / told >= 0.75
    assert wrong / nothing <= 0.03


def test_values_without_a_header_are_known_by_their_traits() -> None:
    medication = [
        "Metformin 500 mg",
        "Lisinopril 10mg",
        "Atorvastatin 20 mg",
        "Omeprazole",
        "Ibuprofen 400 mg",
        "Warfarin",
    ]
    told = guesses_of({"": GIVEN * 3, "col2": medication * 6})
    assert told[""][0].data_class == "person.given_name"
    assert told["col2"][0].data_class == "health.medication"


def test_things_get_no_sure_class() -> None:
    columns: dict[str, list[object]] = {
        "email_verified": [True, False] * 15,
        "order_number": [f"PO-{n:07}" for n in range(30)],
        "version": [f"{n % 4}.{n % 7}.{n % 9}" for n in range(30)],
        "fiscal_year": [2010 + n % 14 for n in range(30)],
        "phone_type": ["home", "mobile", "work"] * 10,
        "station_name": [f"{name} Station" for name in GIVEN] * 2 + ["Central Station"] * 6,
    }
    told = guesses_of(columns, "inventory")
    assert [name for name, guesses in told.items() if any(guess.sure for guess in guesses)] == []


def test_reasons_are_figures_and_hold_no_value() -> None:
    told = guesses_of({"vorname": GIVEN * 3})["vorname"]
    assert told[0].data_class == "person.given_name"
    assert told[0].reasons
    words = " ".join(reason for guess in told for reason in guess.reasons)
    assert not any(value in words for value in GIVEN)


def test_guesses_depend_on_the_columns_of_the_table_alone_and_never_on_their_order() -> None:
    first, second = evidence_of({"vorname": GIVEN, "n": list(range(12))}).columns
    assert model().guess_all([first, second], "t")[0] == model().guess_all([second, first], "t")[1]
    assert model().guess_all([]) == []


def test_evidence_of_before_traits_and_columns_without_a_value_do_not_disturb() -> None:
    column = evidence_of({"vorname": GIVEN}).columns[0].model_copy(update={"traits": None})
    empty = evidence_of({"vorname": [None, None, ""]}).columns[0]
    told, nothing = model().guess_all([column, empty])
    assert told
    assert nothing == ()


def test_contributions_add_up_to_what_the_trees_say() -> None:
    columns = evidence_of({"vorname": GIVEN}).columns
    features = model().features(columns)
    told = model().contributions(features, "person.given_name")[0]
    margins = margins_of(model()._booster, features)[0]
    assert sum(told.values()) == pytest.approx(margins[model().labels.classes.index("person.given_name")], abs=1e-2)
    groups = model().explain(columns, "", "vorname", "person.given_name")
    assert sum(groups.values()) == pytest.approx(sum(told.values()) - told["bias"], abs=1e-2)
    assert sum(model().importance().values()) == pytest.approx(1)


def test_a_model_that_is_corrupt_or_of_other_features_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "columns"
    shutil.copytree(shipped("columns"), folder)
    trees = bytearray((folder / "model.ubj").read_bytes())
    trees[len(trees) // 2] ^= 1
    (folder / "model.ubj").write_bytes(trees)
    with pytest.raises(ModelUnusable):
        ColumnModel.load(folder)
    with pytest.raises(ModelUnusable):
        ColumnModel.load(tmp_path / "nowhere")
    labels = model().labels.model_copy(update={"features": model().labels.features[:-1]})
    (folder / "labels.json").write_text(labels.model_dump_json())
    with pytest.raises(ModelUnusable):
        ColumnModel.load(folder)


def test_without_an_embedder_names_count_as_unknown() -> None:
    columns = evidence_of({"vorname": GIVEN}).columns
    features = features_of(columns, "kunden", model().layout, model()._known, None)
    near = [name.startswith("name:") and not name.endswith("silent") for name in model().labels.features]
    assert np.isnan(features[:, near]).all()


@pytest.mark.parametrize("name", ["", "7", "col3", "c_17", "field_7", "Column 2", "Unnamed: 0", "_c4"])
def test_names_that_say_nothing(name: str) -> None:
    assert not says_something(name)
    assert says_something("c_name")


def test_names_of_training_leave_some_out() -> None:
    training, shipped_names = names_for(training=True), names_for(training=False)
    assert training.keys() == shipped_names.keys()
    assert sum(map(len, training.values())) < 0.7 * sum(map(len, shipped_names.values()))


def test_decisions_become_examples(tmp_path: Path) -> None:
    evidence = evidence_of({"rufname": GIVEN}).columns[0]
    line = {"asset": "public.kunden", "approved": True, "neighbours": ["plz"], "evidence": evidence.model_dump()}
    file = tmp_path / "decisions.jsonl"
    classes = ("person.given_name", "contact.email", "no.such_class")
    file.write_text("\n".join(json.dumps(line | {"data_class": name}) for name in classes))
    decided = read_decisions(file)
    examples = examples_of_decisions(decided, model().layout, model()._known, None)
    assert examples is not None
    assert [model().labels.classes[truth] for truth in examples.truths] == ["person.given_name", CHECKED]
    rejected = DecidedColumn.model_validate(line | {"data_class": "person.given_name", "approved": False})
    assert examples_of_decisions([rejected], model().layout, model()._known, None) is None
