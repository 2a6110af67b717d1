"""Whatever the order of leasing, committing, failing, losing and cancelling: each partition counts once or is named."""

from collections.abc import Iterator

import pytest
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from scan_desk import Desk
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import CancelScan, Lease, RenewLeases, RetryScan
from actors.scans.tables import Report
from cluster.errors import Conflict
from cluster.store.engine import make_engine

PARTS = 4
LEASE_SECONDS = 30


class Leasing(RuleBasedStateMachine):
    """`current` holds the leases that nothing has ended yet; every other lease ever given must be refused."""

    store: Engine

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.store, expire_on_commit=False)
        self.desk = Desk(self.session)
        self.scan = self.desk.start()
        self.desk.plan(self.scan, "a", [f"f{number}" for number in range(PARTS)])
        self.given: list[Lease] = []
        self.current: dict[int, Lease] = {}
        self.done: set[int] = set()
        self.active = True

    def teardown(self) -> None:
        self.session.rollback()
        self.session.close()

    @rule(limit=st.integers(1, PARTS))
    def lease(self, limit: int) -> None:
        leases = self.desk.lease(limit, LEASE_SECONDS)
        assert self.active or not leases
        for lease in leases:
            assert lease.partition.number not in self.done
            self.current[lease.partition.number] = lease
        self.given += leases

    @precondition(lambda self: self.given)
    @rule(data=st.data(), how=st.sampled_from(["commit", "fail", "fail for good"]))
    def settle(self, data: st.DataObject, how: str) -> None:
        lease = data.draw(st.sampled_from(self.given))
        number = lease.partition.number
        accepted = self.active and self.current.get(number) == lease and self.state_of(number) == "leased"
        try:
            if how == "commit":
                self.desk.commit(lease)
                self.done.add(number)
            else:
                self.desk.fail(lease, retryable=how == "fail")
        except Conflict:
            assert not accepted
            return
        assert accepted
        del self.current[number]

    @rule(seconds=st.sampled_from([1, 10, LEASE_SECONDS, 100]))
    def time_passes(self, seconds: int) -> None:
        self.desk.later(seconds)

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def actor_restarts(self, data: st.DataObject) -> None:
        held = tuple(queries.leased(self.session))
        self.desk.do(RenewLeases(held=held, seconds=0))

    @precondition(lambda self: self.active)
    @rule()
    def cancel(self) -> None:
        self.desk.do(CancelScan(scan_id=self.scan.id))
        self.active = False

    @precondition(lambda self: not self.active)
    @rule()
    def retry(self) -> None:
        try:
            self.active = self.desk.do(RetryScan(scan_id=self.scan.id)).state == "running"
        except Conflict:
            assert len(self.done) == PARTS
        self.current = {}

    def state_of(self, number: int) -> str:
        return queries.partitions(self.session, self.scan.id)[number].state

    @invariant()
    def each_counts_once(self) -> None:
        parts = queries.partitions(self.session, self.scan.id)
        assert {part.number for part in parts if part.state == "done"} == self.done
        assert self.session.scalar(select(func.count()).select_from(Report)) == len(self.done)
        assert queries.get_scan(self.session, self.scan.id).rows == 10 * len(self.done)
        assert all(part.problem for part in parts if part.state == "failed")


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def test_each_partition_counts_exactly_once(store: Engine) -> None:
    machine = type("LeasingHere", (Leasing,), {"store": store})
    run_state_machine_as_test(machine, settings=limits(max_examples=15, stateful_step_count=25, deadline=None))
