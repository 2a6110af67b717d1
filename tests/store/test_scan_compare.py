"""Two runs compared: what differs is named with both figures, what is the same is not, and no value is shown."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from scan_desk import Desk, held
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actors.scans.compare import compare
from actors.scans.contract import CommitReport, Lease, ScanView
from cluster.detectors.compile import CompiledRules, compile, load_detector_packs, load_rule_set
from cluster.errors import NotFound
from cluster.kernels import scan_batches
from cluster.store.engine import make_engine

MAILS = [f"name{number}@example.org" for number in range(20)]
WORDS = ["plain"] * 20


class Readings(Desk):
    """Scans whose partitions hold the tables that a test gives, read by the real kernel."""

    rules: CompiledRules = compile(load_rule_set().value, load_detector_packs())

    def scan(self, key: str, tables: dict[str, dict[str, list[str]]]) -> ScanView:
        """A scan of one partition for each table; equal tables have equal fingerprints."""
        scan = self.start(key, tuple(tables), digest=self.rules.digest)
        for path, table in tables.items():
            self.plan(scan, path, [str(hash(str(table)))], tuple(table))
        for lease in self.lease(100):
            self.read(lease, tables[lease.partition.asset])
        return self.finish(scan)

    def read(self, lease: Lease, table: dict[str, list[str]]) -> None:
        batch = pa.RecordBatch.from_pydict(table)
        report = scan_batches(iter([batch]), lease.partition, self.rules, b"salt")
        self.do(CommitReport(**held(lease), report=report))
        self.later(1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Readings]:
    engine: Engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Readings(session)
        session.rollback()
    engine.dispose()


def test_equal_runs_have_no_difference(desk: Readings) -> None:
    tables = {"a": {"x": MAILS}, "b": {"x": WORDS}}
    one, two = desk.scan("1", tables), desk.scan("2", tables)
    found = compare(desk.session, one.id, two.id)
    assert (found.assets, found.same, found.next, found.same_rules) == ((), 2, None, True)
    assert (found.before.partitions, found.after.partitions) == ({"done": 2}, {"cached": 2})


def test_what_differs_is_named_with_both_figures(desk: Readings) -> None:
    one = desk.scan("1", {"a": {"x": WORDS, "old": WORDS}, "gone": {"x": WORDS}, "same": {"x": MAILS}})
    half = MAILS[:10] + WORDS[:10]
    two = desk.scan("2", {"a": {"x": half, "new": MAILS}, "more": {"x": WORDS}, "same": {"x": MAILS}})
    three = desk.scan("3", {"a": {"x": MAILS[:15] + WORDS[:5], "new": WORDS}})
    found = compare(desk.session, one.id, two.id)
    assert [(asset.asset, asset.change) for asset in found.assets] == [
        ("a", "changed"), ("gone", "gone"), ("more", "added"),
    ]  # fmt: skip
    assert found.same == 1
    changed = {column.column: column for column in found.assets[0].columns}
    assert {name: column.change for name, column in changed.items()} == {"x": "changed", "new": "added", "old": "gone"}
    assert (changed["x"].before_distinct, changed["x"].after_distinct) == (1, 11)
    assert (changed["old"].after_rows, changed["new"].before_rows, changed["new"].after_rows) == (None, None, 20)
    (mail,) = [item for item in changed["x"].classes if item.detector == "contact.email"]
    assert (mail.change, mail.before_validated, mail.after_validated, mail.after_prevalence) == (
        "appeared",
        None,
        10,
        0.5,
    )
    assert found.assets[0].after_read == 1
    (later,) = [asset for asset in compare(desk.session, two.id, three.id).assets if asset.asset == "a"]
    moved = {(column.column, item.change): item for column in later.columns for item in column.classes}
    assert (moved["x", "moved"].before_validated, moved["x", "moved"].after_validated) == (10, 15)
    assert moved["new", "vanished"].after_validated is None
    text = found.model_dump_json()
    assert not any(value in text for value in (*MAILS, *WORDS))


def test_a_comparison_comes_in_pages(desk: Readings) -> None:
    names = [f"t{number}" for number in range(5)]
    one = desk.scan("1", {name: {"x": WORDS} for name in names})
    two = desk.scan("2", {name: {"x": [name, *WORDS]} for name in names})
    seen, behind = [], None
    while True:
        page = compare(desk.session, one.id, two.id, behind, 2)
        seen += [asset.asset for asset in page.assets]
        if page.next is None:
            break
        behind = page.next
    assert seen == names


def test_runs_that_are_not_there_or_no_longer_kept(desk: Readings) -> None:
    runs = [desk.scan(str(number), {"a": {"x": WORDS[number:]}}) for number in range(5)]
    with pytest.raises(NotFound):
        compare(desk.session, runs[0].id, "none")
    with pytest.raises(NotFound):
        compare(desk.session, runs[0].id, runs[4].id)
    assert len(compare(desk.session, runs[3].id, runs[4].id).assets) == 1
