"""Duty: a process takes no more than its share of a CPU, whatever its pieces of work are."""

import gc
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scans import worker
from actors.scans.contract import ScanRules
from cluster.connectors import open_connector
from cluster.connectors.interface import Partition, SourceAccess
from cluster.connectors.pace import Pace
from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
from cluster.kernels import scan_batches
from cluster.kernels.duty import Duty


class Machine:
    """A clock and the CPU time of a process that works or sleeps."""

    def __init__(self) -> None:
        self.now, self.used = 50.0, 3.0

    def work(self, seconds: float, slowed: float) -> None:
        self.used += seconds
        self.now += seconds * slowed  # others run too

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(
    share=st.floats(0.01, 1.0),
    pieces=st.lists(st.tuples(st.floats(0, 0.05), st.floats(1, 5)), min_size=1, max_size=50),
)
def test_the_share_holds_after_every_slice(share: float, pieces: list[tuple[float, float]]) -> None:
    machine = Machine()
    duty = Duty(share, lambda: machine.now, lambda: machine.used, machine.sleep)
    began, cpu = machine.now, machine.used
    for seconds, slowed in pieces:
        machine.work(seconds, slowed)
        duty.rest()
        unpaid = 0.002  # a slice that is too short to be worth a switch
        assert machine.used - cpu <= share * (machine.now - began) + unpaid
    assert duty.rested <= machine.now - began


def test_what_was_not_used_is_not_saved() -> None:
    machine = Machine()
    duty = Duty(0.5, lambda: machine.now, lambda: machine.used, machine.sleep)
    machine.work(0.01, 1)
    duty.rest()
    machine.sleep(100)
    machine.work(0.01, 1)
    duty.rest()
    before = duty.rested
    machine.work(0.01, 1)
    duty.rest()
    assert duty.rested - before == pytest.approx(0.01)


def test_a_worker_under_a_share_rests_and_reports_the_same(tmp_path: Path) -> None:
    lines = "".join(f"{number},n{number * 7919}@example.org\n" for number in range(6_000))
    (tmp_path / "t.csv").write_text("id,mail\n" + lines)
    spec = load_rule_set().value
    rules = ScanRules(name="default", version=1, digest=compile(spec, load_detector_packs()).digest, spec=spec)
    access = SourceAccess(source_id="s", url=tmp_path.as_uri())
    (asset,) = open_connector(access, {}).enumerate().assets
    (planned,) = worker.plan_assets(access, [asset], 1 << 22)
    gc.unfreeze()
    worker._settle.cache_clear()
    free = worker.scan_partition(access, planned.partitions[0], rules)
    assert gc.get_freeze_count() > 10_000, "the rules, which no collection has to look through again"
    held = worker.scan_partition(access, planned.partitions[0], rules, Pace(cpu_share=0.3))
    assert held.columns == free.columns
    assert held.cpu_seconds <= 0.5 * held.seconds, "it would be nearly all of it"


def test_a_scan_pauses_after_each_column_and_finds_the_same() -> None:
    batches = [pa.record_batch({"a": ["x@example.org", "y"], "b": [1, 2]}), pa.record_batch({"a": ["z"], "b": [3]})]
    part = Partition(asset="t", number=0, kind="k", spec={}, columns=("a", "b"), fingerprint="f")
    rules = compile(load_rule_set().value, load_detector_packs())
    pauses: list[None] = []
    held = scan_batches(iter(batches), part, rules, b"salt", between=lambda: pauses.append(None))
    free = scan_batches(iter(batches), part, rules, b"salt")
    assert held.model_copy(update={"detector_seconds": {}}) == free.model_copy(update={"detector_seconds": {}})
    assert len(pauses) == 2 * len(batches) + 2
