"""Detectors and classes of a rule set's own: linted at the door, scanned, judged; an edit touches what it must.

Real folder, kernels, scans and classification on PostgreSQL.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification import queries as classification
from actors.classification.contract import ClassifyAssets, DecideLabel
from actors.classification.tables import Label
from actors.rulesets.contract import ReviseRuleSet
from actors.rulesets.service import service as rulesets
from actors.scans import queries as scans
from cluster.context import system
from cluster.detectors.compile import RuleSetSpec, compile
from cluster.detectors.detector import Detector, Examples
from cluster.detectors.taxonomy import OwnClass, countries_of
from cluster.errors import InvalidInput, NotFound
from cluster.runtime.commands import UnitOfWork
from cluster.store.engine import make_engine
from tests.store.test_classification import carried_out
from tests.store.test_scan_incremental import Scanner

BADGE = "company.badge"
CLASSES = (OwnClass(id=BADGE, title="Badge of an employee", sensitivity="Confidential", tags=("personal",)),)


def badge(pattern: str = "EMP-[0-9]{5}", **more: Any) -> Detector:
    fields = {
        "id": "own.badge", "data_class": BADGE, "title": "Badge of an employee", "pattern": pattern, "gate": "EMP-",
        "form": "distinctive", "examples": Examples(match=("EMP-12345",), reject=("EMP-1", "12345")),
    }  # fmt: skip
    return Detector.model_validate(fields | more)


def spec(*detectors: Detector, **more: Any) -> RuleSetSpec:
    return RuleSetSpec(detectors=detectors, classes=CLASSES, **more)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


@pytest.fixture
def scanner(session: Session, tmp_path: Path) -> Scanner:
    mails = [f"p{n}@example.org" for n in range(200)]
    staff = {"mail": mails, "pass": [f"EMP-{n:05}" for n in range(200)]}
    visits = {"pass": [f"VIS-{n:05}" for n in range(200)], "host": [f"10.0.0.{n}" for n in range(200)]}
    pl.DataFrame(staff).write_parquet(tmp_path / "staff.parquet")
    pl.DataFrame(visits).write_csv(tmp_path / "visits.csv")
    pl.DataFrame({"mail": mails, "n": list(range(200))}).write_csv(tmp_path / "other.csv")
    return Scanner(session, tmp_path)


def governed(scanner: Scanner, rules: RuleSetSpec) -> tuple[Any, list[Any], Any]:
    """A scan and what classification makes of its evidence: receipt, events, and what the scan had to read."""
    outcome = scanner.scan(rules)
    newest = scans.list_scans(scanner.session, source_id=scanner.access.source_id)
    scan_id = max(newest, key=lambda view: view.requested_at).id
    evidence = tuple(scans.evidence(scanner.session, scan_id))
    command = ClassifyAssets(source_id=scanner.access.source_id, evidence=evidence, rules=rules)
    return *carried_out(scanner.session, command), outcome


def rows(session: Session) -> dict[tuple[str, str, str], Any]:
    return {(row.asset, row.column, row.data_class): (row.id, row.updated_at) for row in session.scalars(select(Label))}


def test_an_own_detector_labels_its_class_and_people_decide_on_it(session: Session, scanner: Scanner) -> None:
    governed(scanner, spec(badge()))
    labels = {
        (label.asset, label.column): label
        for label in classification.labels_of_source(session, scanner.access.source_id)
    }
    label = labels["staff.parquet", "pass"]
    assert (label.data_class, label.sensitivity, label.tags, label.state) == (
        BADGE, "Confidential", ("personal",), "automatic",
    )  # fmt: skip
    assert labels["staff.parquet", "mail"].data_class == "contact.email"
    for column, decision in (("pass", "confirm"), ("mail", "assign")):
        decided = DecideLabel(asset_id=label.asset_id, column=column, data_class=BADGE, decision=decision)
        assert carried_out(session, decided)[0].sensitivity == "Confidential"
    unknown = DecideLabel(asset_id=label.asset_id, column="mail", data_class="company.nothing", decision="assign")
    with pytest.raises(NotFound):
        carried_out(session, unknown)


def test_editing_a_detector_relabels_the_affected_columns_and_nothing_else(session: Session, scanner: Scanner) -> None:
    governed(scanner, spec(badge()))
    before = rows(session)
    receipt, events, outcome = governed(scanner, spec(badge("(?:EMP|VIS)-[0-9]{5}", gate="EMP-|VIS-")))
    assert set(outcome.ran) == {("own.badge",)}  # nothing else was looked at again
    after = rows(session)
    made = {("visits.csv", "pass", BADGE)}
    assert after.keys() - before.keys() == made
    assert {key: after[key] for key in before} == before  # ids and times: no other row was touched
    assert (receipt.created, receipt.changed, receipt.withdrawn) == (1, 0, 0)
    assert [(event.kind, event.after["asset"]) for event in events] == [("classification.labelled", "visits.csv")]

    other = Examples(match=("VIS-12345",), reject=("EMP-12345",))
    receipt, events, outcome = governed(scanner, spec(badge("VIS-[0-9]{5}", gate="VIS-", examples=other)))
    assert before.keys() - rows(session).keys() == {("staff.parquet", "pass", BADGE)}
    assert (receipt.created, receipt.changed, receipt.withdrawn) == (0, 0, 1)
    assert [event.kind for event in events] == ["classification.withdrawn"]
    kept = {key: value for key, value in after.items() if key[2] != BADGE}
    assert {key: rows(session)[key] for key in kept} == kept


def test_a_shipped_detector_is_edited_by_one_of_its_id(session: Session, scanner: Scanner) -> None:
    _, _, outcome = governed(scanner, spec())
    shipped = next(each for each in compile(spec()).detectors if each.id == "network.ipv4")
    before = rows(session)
    edited = shipped.model_copy(update={"form": "common", "chance": 0.5})
    _, events, outcome = governed(scanner, spec(edited))
    assert set(outcome.ran) == {("network.ipv4",)}
    assert {event.after["asset"] for event in events if event.after} <= {"visits.csv"}
    assert {key: value for key, value in rows(session).items() if key[0] != "visits.csv"} == {
        key: value for key, value in before.items() if key[0] != "visits.csv"
    }


@pytest.mark.parametrize(
    ("detector", "words"),
    [
        (badge("(?:a+)+-EMP", gate="EMP", examples=Examples(match=("aa-EMP",), reject=("aab",))), "repetition"),
        (badge("(a+)+\\1"), "linear time"), (badge("(?=EMP-)EMP-[0-9]{5}"), "linear time"),
        (badge("(?<!x)EMP-[0-9]{5}"), "linear time"), (badge("EMP-[0-9"), "linear time"),
        (badge("(((EMP-[0-9]{5}){900}){900}){900}"), "linear time"), (badge(gate="(x"), "linear time"),
        (badge(gate="NOT"), "gate"), (badge(examples=Examples()), "examples"),
        (badge(examples=Examples(match=("EMP-1",), reject=("x",))), "examples.match.0"),
        (badge(validator="no_such"), "validator"), (badge(data_class="company.unknown"), "data_class"),
        (badge(examples=Examples(match=("EMP-12345",) * 101, reject=("x",))), "at most"),
    ],
)  # fmt: skip
def test_a_detector_that_is_not_sound_is_refused_at_the_door(session: Session, detector: Detector, words: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidInput) as refused:
        revised(session, spec(detector))
    assert words in refused.value.detail
    assert "own.badge" in refused.value.detail
    assert time.process_time() - started < 20
    with pytest.raises(InvalidInput):
        compile(spec(detector))


@pytest.mark.parametrize(
    "pattern",
    [
        r"\p{Lu}{3}-\d{5}", r"(?i)emp-[0-9]{5}", r"[[:alpha:]]{3}-[[:digit:]]{5}", r"EMP-(?:|x)[0-9]{5}",
        r"(?s)E.P-.{5}", r"(?:EMP|)-?[0-9]{5}", r"EMP-[0-9]{5}(?:y{0})", r"EMP\x2D[0-9--a]{5}",
    ],
)  # fmt: skip
def test_whatever_the_engine_understands_is_scanned(tmp_path: Path, session: Session, pattern: str) -> None:
    rules = spec(badge(pattern, examples=Examples(match=("EMP-12345",), reject=("none",))))
    revised(session, rules)
    staff = {"pass": [f"EMP-{n:05}" for n in range(200)] + ["nothing"] * 20}
    pl.DataFrame(staff).write_parquet(tmp_path / "staff.parquet")
    governed(Scanner(session, tmp_path), rules)
    assert {key[2] for key in rows(session)} == {BADGE}


def test_own_classes_are_of_known_tags_and_ids_are_their_own(session: Session) -> None:
    wrong = (CLASSES[0].model_copy(update={"tags": ("no.such",)}),)
    with pytest.raises(InvalidInput, match="unknown tags"):
        revised(session, RuleSetSpec(classes=wrong))
    with pytest.raises(InvalidInput, match="another one"):
        revised(session, spec(badge(), badge()))
    first = revised(session, spec(badge()))
    assert revised(session, spec(badge())).version == first.version
    assert revised(session, spec(badge(names=("badge",)))).digest != first.digest


def revised(session: Session, rules: RuleSetSpec) -> Any:
    work = UnitOfWork(session, system("rulesets"), "rulesets", datetime.now(UTC))
    return rulesets.carry_out(work, ReviseRuleSet(name="own", spec=rules))


def test_a_rule_set_of_some_countries_leaves_out_the_numbers_of_others() -> None:
    everywhere = {each.data_class for each in compile(RuleSetSpec()).detectors}
    here = {each.data_class for each in compile(RuleSetSpec(locales=("DE", "GB", "CZ"))).detectors}
    assert {"government.de_tax_id", "government.uk_nhs", "government.cz_sk_birth_number"} <= here
    assert {"contact.email", "financial.iban", "network.ip_address", "government.passport"} <= here
    assert {"government.us_ssn", "government.fr_nir", "financial.us_routing_number"} <= everywhere - here
    assert countries_of("government.cz_sk_birth_number") == {"CZ", "SK"}
    assert countries_of("network.ip_address") == countries_of("government.tax_id") == frozenset()
    with pytest.raises(ValidationError):
        RuleSetSpec(locales=("uk",))
