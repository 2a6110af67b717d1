"""Tiers 2 and 3 in scans: asked once about what tier 1 leaves unsure, and refuted by values."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy.orm import Session

from actors.classification import queries
from actors.classification.contract import Answers, ClassifyAssets, ClassifyReceipt, GuessTier
from actors.classification.joining import SURE_AUTOMATIC
from actors.classification.oracles import ColumnOracle, NameOracle
from actors.classification.realtime import default_rules, evidence_of_batches
from actors.classification.worker import Questions, ask
from actors.orchestrator.questions import answered, told, with_answers
from actors.scans.contract import ScanRules
from actors.scans.worker import scan_partition
from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.detectors.compile import load_rule_set
from cluster.errors import Unavailable
from cluster.kernels.merge import fold
from cluster.kernels.report import AssetEvidence
from cluster.ml.packaged import shipped
from cluster.naming import asset_id, table_of
from cluster.store.engine import make_engine
from tests.store.test_classification import carried_out

PAY = "yearly_earned_money"  # in words that no rule knows
KUNDEN: dict[str, list[Any]] = {
    PAY: [30_000 + 137 * n for n in range(16)],
    "rufnummer": [f"0234 55{n:04}" for n in range(16)],
    "mail": [f"kunde{n}@example.org" for n in range(16)],
    "anzahl": list(range(16)),
    "leer": [None] * 16,
    "land": ["DE"] * 16,
}


def evidence_of(columns: dict[str, list[Any]], asset: str = "shop.kunden", rules: str = "r1") -> AssetEvidence:
    found = evidence_of_batches([pa.RecordBatch.from_pydict(columns)], default_rules())
    rows = len(next(iter(columns.values())))
    return AssetEvidence(
        asset=asset, method="census", partitions=1, partitions_read=1, rows=rows, bytes=1, rules_digest=rules,
        columns=tuple(found.values()),
    )  # fmt: skip


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


class Site:
    """The step of a workflow that asks and classifies, with the worker in this process."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.folders: dict[GuessTier, Path] = {}

    def classify(self, *evidence: AssetEvidence) -> tuple[ClassifyReceipt, Answers, list[Any]]:
        command = ClassifyAssets(source_id="s1", evidence=evidence)
        known = tuple(queries.guesses(self.session, [asset_id("s1", one.asset) for one in evidence]))
        asked = Questions(
            evidence=evidence,
            rules=load_rule_set().value,
            known=known,
            folders={one.asset: self.folders for one in evidence},
        )
        answers: Answers = asyncio.run(answered(asked, here))
        completed, figures = with_answers(command, answers)
        receipt, events = carried_out(self.session, completed)
        return receipt, figures, events

    def labels(self) -> dict[str, Any]:
        return {label.column: label for label in queries.labels_of_source(self.session, "s1")}


async def here(work: Callable[[Any], Any], given: Any, **options: Any) -> Any:
    return work(given)


@pytest.fixture
def site(session: Session) -> Site:
    return Site(session)


def test_what_a_name_means_labels_a_column_and_says_by_which_model(site: Site) -> None:
    receipt, answers, _ = site.classify(evidence_of(KUNDEN))
    labels = site.labels()
    pay = labels[PAY]
    assert (pay.data_class, pay.detector) == ("financial.income", None)
    assert pay.tier in {"model", "language"}  # whichever of the two counts most
    assert (pay.prevalence, pay.low, pay.high, pay.matched) == (None, None, None, None)
    assert len(pay.model) == 64
    assert f"the {'column' if pay.tier == 'model' else 'language'} model gives it" in " ".join(pay.reasons)
    assert (labels["mail"].tier, labels["mail"].model) == ("rules", None)
    assert {"anzahl", "leer", "land"}.isdisjoint(labels)
    # Neither what tier 1 is sure of is asked nor what holds no value, or the same one everywhere.
    settled = sum((label.tier, label.state) == ("rules", "automatic") for label in labels.values())
    assert 0 < answers.asked["language"] <= len(KUNDEN) - 2 - settled
    assert receipt.created == len(labels)


def test_the_same_is_not_asked_again_and_changes_nothing(site: Site) -> None:
    site.classify(evidence_of(KUNDEN))
    before = queries.digest(site.session, "s1")
    receipt, answers, events = site.classify(evidence_of(KUNDEN))
    assert (receipt.created, receipt.changed, receipt.withdrawn, events) == (0, 0, 0, [])
    assert (answers.asked, answers.reused["language"] > 0) == ({}, True)
    assert queries.digest(site.session, "s1") == before
    # Other figures are another question to the column model, and none to the one of names; a neighbour is one to both.
    longer = {name: values * 2 for name, values in KUNDEN.items()}
    assert site.classify(evidence_of(longer))[1].asked.keys() == {"model"}
    # One value everywhere is not asked about itself: what is asked again is what stands beside it.
    assert site.classify(evidence_of(KUNDEN | {"plz": ["44787"] * 16}))[1].asked["language"] > 0


def test_the_column_model_is_asked_first_and_its_answers_are_kept(site: Site) -> None:
    _, answers, _ = site.classify(evidence_of(KUNDEN))
    found = list(queries.guesses(site.session, [asset_id("s1", "shop.kunden")]))
    models = {answer.tier: answer.model for answer in found}
    assert models == {"model": ColumnOracle().digest, "language": NameOracle().digest}
    assert answers.asked["model"] >= answers.asked["language"]
    sure = {
        answer.column
        for answer in found
        if any(guess.sure and guess.probability >= SURE_AUTOMATIC for guess in answer.guesses)
    }
    assert not sure & {answer.column for answer in found if answer.tier == "language"}


def test_a_column_that_tier_1_comes_to_settle_is_its_alone(site: Site) -> None:
    site.classify(evidence_of(KUNDEN))
    assert site.labels()[PAY].tier in {"model", "language"}
    site.classify(evidence_of(KUNDEN | {PAY: KUNDEN["mail"]}))
    assert (site.labels()[PAY].data_class, site.labels()[PAY].tier) == ("contact.email", "rules")


def test_values_refute_what_a_name_promises(site: Site) -> None:
    liar = {PAY: [True, False] * 8, "kundenmail": ["none of the kind", "nor this"] * 8, "anzahl": list(range(16))}
    site.classify(evidence_of(liar))
    assert {label.data_class for label in site.labels().values()}.isdisjoint({"financial.income", "contact.email"})


@pytest.mark.parametrize("harm", ["missing", "corrupt", "no manifest"])
@pytest.mark.parametrize(("tier", "kind"), [("language", "embedding"), ("model", "columns")])
def test_a_model_that_cannot_be_used_is_named_and_labels_nothing(
    site: Site, tmp_path: Path, tier: GuessTier, kind: str, harm: str
) -> None:
    folder = site.folders[tier] = tmp_path / kind
    if harm != "missing":
        shutil.copytree(shipped(kind), folder)
    if harm == "corrupt":
        with next(folder.glob("model.*")).open("r+b") as file:
            file.seek(10_000)
            file.write(b"\0\1\2\3")
    if harm == "no manifest":
        (folder / "manifest.json").unlink()
    _, answers, _ = site.classify(evidence_of(KUNDEN))
    assert "rules" in {label.tier for label in site.labels().values()}
    assert tier not in {label.tier for label in site.labels().values()}
    assert tier not in {answer.tier for answer in queries.guesses(site.session, [asset_id("s1", "shop.kunden")])}
    counters, problem = told([answers])
    assert counters["tiers_skipped"] == [tier]
    assert problem is not None
    assert "cannot be used" in problem


def scanned(folder: Path, text_model: Path | None) -> AssetEvidence:
    """The evidence of the file in a folder, as a worker brings it."""
    access, rules = SourceAccess(source_id="s1", url=folder.as_uri()), default_rules()
    given = ScanRules(name="default", version=1, digest=rules.digest, spec=rules.spec, text_model=text_model)
    connector = open_connector(access, {})
    (asset,) = connector.enumerate().assets
    parts = connector.plan(asset, 1 << 26)
    connector.close()
    return fold([scan_partition(access, part, given) for part in parts], len(parts), 0)


@pytest.mark.parametrize("harm", [None, "corrupt", "missing"])
def test_prose_in_a_file_is_read_and_a_model_that_cannot_be_used_is_named(
    site: Site, tmp_path: Path, harm: str | None
) -> None:
    (tmp_path / "in").mkdir()
    lines = [f"{n},Spoke to Margaret Osgood about claim {n}; write to m{n}@example.org by friday" for n in range(30)]
    (tmp_path / "in" / "calls.csv").write_text("\n".join(["id,remarks", *lines]))
    folder = tmp_path / "entities" if harm else None
    if folder is not None and harm == "corrupt":
        shutil.copytree(shipped("entities"), folder)
        (folder / "labels.json").write_text("{}")
    _, answers, _ = site.classify(scanned(tmp_path / "in", folder))
    labels = {label.data_class: label for label in queries.labels_of_source(site.session, "s1")}
    counters, problem = told([answers])
    assert (labels["contact.email"].tier, labels["contact.email"].column) == ("rules", "remarks")
    if harm:
        assert {label.tier for label in labels.values()} == {"rules"}
        assert "The model entities cannot be used" in str(problem)
        assert "language" in counters["tiers_skipped"]
        assert "texts_language" not in counters
        return
    assert problem is None
    assert (counters["texts_language"], counters["cells"]) == (8, 60)
    assert (labels["person.full_name"].tier, labels["person.full_name"].whole_column) == ("language", False)
    (seen,) = queries.evidence(site.session, labels["contact.email"].asset_id, "remarks")
    assert seen.texts is not None
    assert (seen.texts.rules, seen.texts.language) == (30, 8)


def test_what_was_answered_stays_while_the_model_is_away(site: Site, tmp_path: Path) -> None:
    site.classify(evidence_of(KUNDEN))
    before = queries.digest(site.session, "s1")
    site.folders = {"language": tmp_path / "gone", "model": tmp_path / "away"}
    receipt, answers, events = site.classify(evidence_of(KUNDEN))
    assert (answers.skipped.keys(), events, receipt.changed) == ({"language", "model"}, [], 0)
    assert queries.digest(site.session, "s1") == before
    site.classify(evidence_of(KUNDEN, asset="shop.renamed"))
    assert len(site.labels()) == len({label.column for label in site.labels().values()})


def test_a_worker_that_dies_keeps_nobody_from_being_classified(site: Site) -> None:
    async def lost(*given: Any, **options: Any) -> Any:
        raise Unavailable("A worker was lost.", "The work is tried again.")

    evidence = (evidence_of(KUNDEN),)
    answers = asyncio.run(answered(Questions(evidence=evidence, rules=load_rule_set().value), lost))
    command = ClassifyAssets(source_id="s1", evidence=evidence)
    assert with_answers(command, answers) == (command, answers)
    carried_out(site.session, command)
    assert site.labels()["mail"].tier == "rules"
    assert "took no part: A worker was lost." in str(told([answers])[1])


def test_answers_do_not_depend_on_what_else_is_asked() -> None:
    alone = ask(Questions(evidence=(evidence_of(KUNDEN),), rules=load_rule_set().value))
    other = evidence_of({"vorname": ["Ada", "Bob"] * 8, "strasse": ["Am Rain 3"] * 16}, asset="shop.leute")
    both = ask(Questions(evidence=(other, evidence_of(KUNDEN)), rules=load_rule_set().value))
    assert [answer for answer in both.guesses if answer.asset == "shop.kunden"] == list(alone.guesses)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("crm.customers", "customers"), ("exports/customers/part-0.parquet", "customers"), ("leads.csv", "leads"),
        ("hr/employees_2026-03.csv.gz", "employees"), ("kundenStamm", "kundenStamm"), ("2026/01.csv", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_table_is_called_by_what_its_path_says(path: str, words: str) -> None:
    assert table_of(path) == words
