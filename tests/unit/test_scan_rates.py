"""Rates: learned from few portions they foretell others, and they forget. Costs are made up, exact but for noise."""

import gzip
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.scans import pilot, worker
from actors.scans.contract import ScanRules
from actors.scans.learning import Rates, portion
from actors.scans.pilots import Pilot, Step
from actors.scans.rates import FACTS, OF_PILOTS, SHIPPED, Ledger, Portion, facts, family_of, fitted, rows_of
from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
from cluster.detectors.spans import Span
from cluster.kernels.text_reader import TextReader

KINDS = ("parquet", "csv", "jsonl", "sql")


def drawn(rng: random.Random) -> Portion:
    """A portion as planning describes it, with its pilot."""
    columns, texts = rng.randint(2, 60), rng.random()
    per_row, rows = rng.uniform(6, 60) * columns, 10 ** rng.uniform(4, 6.5)
    piloted = 8_192
    batch = rng.uniform(0.4e-6, 4e-6) * columns * piloted
    pilot = Pilot(
        steps=tuple(
            Step(rows=piloted // 2, read_seconds=batch * rng.uniform(0.1, 0.3), seconds=batch * share)
            for share in (0.6, 0.4)
        ),
        bytes=round(per_row * piloted), columns=columns, report_seconds=batch * rng.uniform(0.1, 0.3),
    )  # fmt: skip
    types = round(columns * (1 - texts)), columns - round(columns * (1 - texts))
    family = rng.choice(KINDS)
    return Portion(family, False, rng.randint(1, 9), rows * per_row * 0.8, rows, types, 32_768, 16 << 20, pilot)


def truth(machine: dict[str, float], part: Portion) -> float:
    return sum(machine[name] * value for name, value in zip(FACTS, facts(part), strict=True))


def a_machine(rng: random.Random) -> dict[str, float]:
    """One of another speed than the one the shipped rates are of, and other proportions. A pilot has its speed."""
    speed = rng.choice((0.4, 1.0, 3.0))
    return {
        name: (1.0 if name in OF_PILOTS else speed) * rate * rng.uniform(0.7, 1.4)
        for name, (rate, _) in SHIPPED.items()
    }


def learned(parts: list[Portion], machine: dict[str, float], rng: random.Random, noise: float = 0.05) -> Rates:
    rates = Rates(Ledger(), {})
    for number, part in enumerate(parts):
        took = truth(machine, part) * math.exp(rng.gauss(0, noise))
        rates.take_in(f"s{number}", f"a{number}", facts(part), took, took)
    return rates


@pytest.mark.parametrize("seed", range(8))
def test_five_portions_foretell_twenty_others(seed: int) -> None:
    rng = random.Random(seed)
    machine = a_machine(rng)
    rates = learned([drawn(rng) for _ in range(5)], machine, rng)
    others = [drawn(rng) for _ in range(20)]
    errors = [rates.cpu_seconds("new", "new", facts(part)) / truth(machine, part) - 1 for part in others]
    assert sum(abs(error) <= 0.25 for error in errors) >= 18
    said = sum(rates.cpu_seconds("new", "new", facts(part)) for part in others)
    assert said == pytest.approx(sum(truth(machine, part) for part in others), rel=0.25)


def test_more_evidence_makes_rates_better_than_shipped_ones() -> None:
    rng = random.Random(3)
    machine = a_machine(rng)
    tests = [drawn(rng) for _ in range(40)]

    def worst(rates: Rates) -> float:
        return max(abs(rates.cpu_seconds("n", "n", facts(part)) / truth(machine, part) - 1) for part in tests)

    few, many = (learned([drawn(rng) for _ in range(count)], machine, rng, 0.0) for count in (1, 120))
    assert worst(many) < min(0.1, worst(few))


def test_what_an_asset_took_itself_counts_most_and_its_source_next() -> None:
    rng = random.Random(5)
    machine = a_machine(rng)
    rates = learned([drawn(rng) for _ in range(30)], machine, rng)
    dear = [drawn(rng) for _ in range(6)]
    for number, part in enumerate(dear[:5]):  # all of this source takes twice of what its figures say
        rates.take_in("dear", f"d{number}", facts(part), 2 * truth(machine, part), 1.0)
    odd = drawn(rng)
    for _ in range(6):
        rates.take_in("dear", "odd", facts(odd), 6 * truth(machine, odd), 1.0)
    assert rates.cpu_seconds("dear", "odd", facts(odd)) / truth(machine, odd) == pytest.approx(6, rel=0.2)
    assert 1.4 < rates.cpu_seconds("dear", "new", facts(dear[5])) / truth(machine, dear[5]) < 3.5
    assert 0.7 < rates.cpu_seconds("other", "new", facts(dear[5])) / truth(machine, dear[5]) < 1.4


def test_an_old_machine_is_forgotten() -> None:
    rng = random.Random(6)
    old = {name: 3 * rate for name, (rate, _) in SHIPPED.items()}
    new = {name: rate for name, (rate, _) in SHIPPED.items()}
    rates = learned([drawn(rng) for _ in range(200)], old, rng)
    for number in range(1500):
        part = drawn(rng)
        rates.take_in(f"n{number}", f"n{number}", facts(part), truth(new, part), 1.0)
    part = drawn(rng)
    assert rates.ledger.seconds_of(facts(part)) == pytest.approx(truth(new, part), rel=0.15)


def test_one_mishap_does_not_spoil_what_was_learned() -> None:
    rng = random.Random(7)
    machine = a_machine(rng)
    rates = learned([drawn(rng) for _ in range(60)], machine, rng)
    part = drawn(rng)
    before = rates.ledger.seconds_of(facts(part))
    small = replace(part, rows=20_000.0)
    rates.take_in("x", "x", facts(small), 50 * truth(machine, small), 1.0)
    assert rates.ledger.seconds_of(facts(part)) == pytest.approx(before, rel=0.1)


def test_the_doubt_is_as_wide_as_the_errors_were() -> None:
    rng = random.Random(8)
    machine = a_machine(rng)
    narrow = learned([drawn(rng) for _ in range(150)], machine, rng, 0.05)
    wide = learned([drawn(rng) for _ in range(150)], machine, rng, 0.5)
    assert narrow.ledger.spread(known=False) < 0.15 < 0.4 < wide.ledger.spread(known=False) < 0.8


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=len(FACTS), max_size=len(FACTS)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_no_rate_is_below_zero_or_infinite(rows: list[list[float]]) -> None:
    ledger = Ledger()
    for row in rows:
        ledger.learn(row, 0.5)
    assert all(rate >= 0 and math.isfinite(rate) for rate in fitted(ledger.gram, ledger.moment))


def test_facts_add_up() -> None:
    part = drawn(random.Random(9))
    double = replace(part, partitions=2 * part.partitions, bytes=2 * (part.bytes or 0), rows=2 * (part.rows or 0))
    assert facts(double) == pytest.approx([2 * value for value in facts(part)])


def test_a_pilot_foretells_what_later_batches_cost_by_its_own_later_ones() -> None:
    steps = tuple(
        Step(rows=1000, read_seconds=read, seconds=took) for read, took in ((3.0, 8.0), (1.0, 4.0), (1.0, 2.0))
    )
    pilot = Pilot(steps=steps, bytes=1, columns=1, report_seconds=0.5)
    assert [pilot.seconds(rows) for rows in (1000, 2000, 3000, 5000)] == [8.0, 11.0, 14.0, 20.0]
    assert 4.0 < pilot.seconds(500) < 8.0, "half a batch costs more than half of it"
    assert pilot.read_seconds(4000) == 4.0
    torn = Pilot(steps=(*steps, Step(rows=10, read_seconds=0.5, seconds=0.5)), bytes=1, columns=1, report_seconds=0.5)
    assert torn.seconds(1e6) == pytest.approx(pilot.seconds(1e6), rel=0.3), "a few rows say little"
    alone = Pilot(steps=steps[:1], bytes=1, columns=1, report_seconds=0.5)
    assert 8.0 < alone.seconds(2000) < 16.0


def test_what_the_plan_does_not_tell_is_estimated() -> None:
    info = {
        "path": "a.csv",
        "rows_estimate": 1000,
        "bytes": 50_000,
        "columns": [{"type": "integer"}, {"type": "string"}],
    }
    part = portion(info, "files.csv.range", 1, (25_000.0, None), None)
    assert (part.rows, part.types, part.family) == (500.0, (0, 2), "csv")
    packed = portion({**info, "path": "a.CSV.gz"}, "files.csv.whole", 1, (25_000.0, None), None)
    assert rows_of(packed) == 0
    step = Step(rows=100, read_seconds=0.1, seconds=0.1)
    pilot = Pilot(steps=(step,), bytes=5_000, columns=2, report_seconds=0.1, stored_bytes=1_000)
    assert rows_of(replace(packed, pilot=pilot)) == 2_500
    assert rows_of(replace(packed, pilot=None, bytes=None)) == 0
    assert all(map(math.isfinite, facts(replace(packed, bytes=None))))
    parquet = portion(info, "lakehouse.delta", 1, (None, None), None)
    assert (parquet.types, parquet.family) == ((1, 1), "parquet")
    assert [family_of(kind) for kind in ("files.jsonl.range", "postgresql.blocks", "mysql.keys")] == [
        "jsonl",
        "sql",
        "sql",
    ]


def test_a_scan_that_is_planned_to_see_its_cost_tries_a_batch_of_each_asset(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": range(5_000), "mail": [f"n{n}@example.org" for n in range(5_000)]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "b.csv")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress((tmp_path / "b.csv").read_bytes()))
    (tmp_path / "d.csv").write_text("x,y\n")
    spec = load_rule_set().value
    rules = ScanRules(name="default", version=1, digest=compile(spec, load_detector_packs()).digest, spec=spec)
    access = SourceAccess(source_id="s", url=tmp_path.as_uri())
    assets = list(open_connector(access, {}).enumerate().assets)
    plain = worker.plan_assets(access, assets, 1 << 20)
    tried = worker.plan_assets(access, assets, 1 << 20, rules)
    assert all(plan.pilot is None for plan in plain)
    assert [plan.partitions for plan in plain] == [plan.partitions for plan in tried]
    pilots = {asset.path: plan.pilot for asset, plan in zip(assets, tried, strict=True)}
    for path in ("a.parquet", "b.csv", "c.csv.gz"):
        pilot = pilots[path]
        assert pilot is not None
        assert (pilot.rows, pilot.columns) == (5_000, 2)
        assert min(pilot.steps[0].seconds, pilot.report_seconds) > 0
        if path != "a.parquet":
            assert pilot.stored_bytes == pytest.approx((tmp_path / path).stat().st_size, rel=0.01)
    assert pilots["d.csv"] is None
    (packed,) = tried[[asset.path for asset in assets].index("c.csv.gz")].partitions
    info = next(asset for asset in assets if asset.path == "c.csv.gz").model_dump(mode="json")
    part = portion(info, packed.kind, 1, (packed.bytes, packed.rows_estimate), pilots["c.csv.gz"])
    assert part.packed
    assert rows_of(part) == pytest.approx(5_000, rel=0.4)


def test_a_pilot_tries_several_batches_but_not_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pl.DataFrame({"x": range(200_000)}).write_parquet(tmp_path / "a.parquet")
    spec = load_rule_set().value
    rules = compile(spec, load_detector_packs())
    connector = open_connector(SourceAccess(source_id="s", url=tmp_path.as_uri()), {})
    (asset,) = connector.enumerate().assets
    parts = connector.plan(asset, 64 << 20)
    found = pilot.pilot_of(connector, asset, parts, rules)
    assert found is not None
    assert 3 <= len(found.steps) <= 8
    monkeypatch.setattr(pilot, "_PATIENCE_SECONDS", -1.0)
    short = pilot.pilot_of(connector, asset, parts, rules)
    assert short is not None
    assert len(short.steps) == 1
    assert short.rows <= found.steps[0].rows


def test_a_pilot_reads_the_texts_of_a_column_of_prose_once(tmp_path: Path) -> None:
    notes = [f"Please call the customer back about order number {n} before noon" for n in range(3_000)]
    pl.DataFrame({"n": range(3_000), "note": notes}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"n": range(3_000), "code": [f"A{n}" for n in range(3_000)]}).write_parquet(tmp_path / "b.parquet")
    rules = compile(load_rule_set().value, load_detector_packs())
    connector = open_connector(SourceAccess(source_id="s", url=tmp_path.as_uri()), {})
    prose, codes = connector.enumerate().assets
    asked = _Reads()
    pilot.pilot_of(connector, prose, connector.plan(prose, 64 << 20), rules, TextReader(rules, lambda: asked))
    assert asked.texts == 30  # one for each 200 cells
    pilot.pilot_of(connector, codes, connector.plan(codes, 64 << 20), rules, TextReader(rules, lambda: asked))
    assert asked.texts == 30


class _Reads:
    """Counts the texts that a language model is given."""

    digest = "counts"
    texts = 0

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        self.texts += sum(len(text) > 1 for text in texts)
        return [[] for _ in texts]
