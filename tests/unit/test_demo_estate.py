"""The demo's tables and files: the same for the same seed, and everything planted lies where the ground truth says."""

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cluster.detectors.taxonomy import load_taxonomy
from cluster.errors import Conflict
from serve.demo import estate, planted
from serve.demo.expected import DATABASE, FILES
from serve.demo.files import MARK, build_files
from serve.demo.shape import Shape, Table, forget

SHAPE = Shape(2_000, 7)
FRAMES = {table.name: table.frame(SHAPE) for table in estate.TABLES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("estate") / "files"
    build_files(path, rows=2_000)
    return path


def read(path: Path) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False)
    return pl.read_ndjson(path, infer_schema_length=None)


@pytest.mark.parametrize("table", estate.TABLES, ids=lambda t: t.name)
def test_a_seed_always_gives_the_same_rows(table: Table) -> None:
    forget()
    again = table.frame(SHAPE)
    assert_frame_equal(again, FRAMES[table.name])
    if not table.name.startswith("flights.") and len(again):
        assert not again.equals(table.frame(Shape(2_000, 8)))


def test_ground_truth_names_every_table_and_only_columns_that_are_there() -> None:
    assert set(DATABASE) == set(FRAMES)
    for name, columns in DATABASE.items():
        assert set(columns) <= set(FRAMES[name].columns), name


@pytest.mark.parametrize("fact", planted.PLANTED, ids=lambda f: f.key)
def test_each_planted_value_is_in_exactly_one_row_of_its_place(fact: planted.Planted, folder: Path) -> None:
    frame = FRAMES[fact.asset] if fact.asset in FRAMES else read(folder / fact.asset)
    assert frame[fact.column].cast(pl.String).str.contains(fact.value, literal=True).sum() == 1


def test_planted_values_are_distinct_and_agree_with_the_expected_classes() -> None:
    assert len(set(planted.PLANTED_VALUES)) == len(planted.PLANTED_VALUES) >= 20
    for fact in planted.PLANTED:
        mentioned = planted.MENTIONS.get(fact.asset, {}).get(fact.column, frozenset())
        assert fact.data_class in mentioned or planted.EXPECTED[fact.asset][fact.column] == fact.data_class


def test_the_needle_is_the_only_social_security_number_of_the_event_table() -> None:
    notes = FRAMES["support.events"]["note"]
    shaped = notes.filter(notes.str.contains(r"\b\d{3}-\d{2}-\d{4}\b"))
    assert len(shaped) > 1  # part numbers look alike
    assert shaped.str.contains(r"\b[0-8]\d{2}-\d{2}-\d{4}\b").sum() == 1


def test_files_are_those_of_the_ground_truth_with_its_columns(folder: Path) -> None:
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MARK}
    assert found == set(FILES)
    for name, columns in FILES.items():
        frame = read(folder / name)
        assert len(frame)
        nested = {f"{c}.{f.name}" for c, t in frame.schema.items() if isinstance(t, pl.Struct) for f in t.fields}
        assert set(columns) <= set(frame.columns) | nested, name


def test_files_are_written_once_and_again_only_after_an_interruption(folder: Path) -> None:
    changed = folder / "marketing/leads.csv"
    before = changed.read_bytes()
    changed.write_bytes(b"mine")
    build_files(folder, rows=2_000)
    assert changed.read_bytes() == b"mine"
    (folder / MARK).write_text("unfinished")
    build_files(folder, rows=2_000)
    assert changed.read_bytes() == before
    assert json.loads((folder / MARK).read_text())["rows"] == 2_000


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(Conflict):
        build_files(tmp_path, rows=2_000)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_expected_classes_are_those_of_the_taxonomy() -> None:
    classes = load_taxonomy().value.classes
    named = {c for columns in planted.EXPECTED.values() for c in columns.values() if c}
    named |= {c for columns in planted.MENTIONS.values() for found in columns.values() for c in found}
    assert sorted(named - set(classes)) == []
