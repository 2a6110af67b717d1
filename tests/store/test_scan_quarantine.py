"""What takes its workers with it is given up with its reason; what died with its actor is not charged for it."""

from collections.abc import Iterator

import pytest
from scan_desk import PASSING, Control, held, opened

from actors.scans import queries
from actors.scans.contract import (
    Budget,
    FailPartition,
    RenewLeases,
    RetryScan,
    SetBudget,
)
from actors.scans.leases import ATTEMPTS, GIVEN_BACK, PUT_OFF
from cluster.naming import asset_id


@pytest.fixture
def desk(database_url: str) -> Iterator[Control]:
    yield from opened(Control, database_url)


def test_a_partition_whose_workers_are_lost_is_quarantined_with_its_reason(desk: Control) -> None:
    scan = desk.scan("s1", 2)
    lost = PASSING.model_copy(update={"code": "unavailable", "detail": "A worker was lost."})
    (poison, sound) = desk.ask()
    desk.commit(sound)
    for attempt in range(1, ATTEMPTS + 1):
        assert (poison.attempt, poison.last) == (attempt, attempt == ATTEMPTS)
        desk.do(FailPartition(**held(poison), problem=lost, retryable=True, lost=True))
        desk.later(60)
        again = desk.ask()
        poison = again[0] if again else poison
    assert again == []
    view = desk.view(scan)
    assert view.partitions == {"done": 1, "quarantined": 1}
    assert [problem.detail for problem in view.problems] == ["A worker was lost."]
    (found,) = queries.partitions(desk.session, scan.id, "quarantined")
    assert found.problem == lost
    assert desk.kinds().count("partition_quarantined") == 1
    assert desk.finish(scan).state == "partial"
    whole = queries.coverage(desk.session, "s1")[asset_id("s1", "a")]
    assert (whole["method"], whole["partitions_failed"]) == ("sample", 1)
    evidence = queries.evidence_of(desk.session, scan.id, asset_id("s1", "a"))
    assert evidence is not None
    assert (evidence.partitions, evidence.partitions_read, evidence.method) == (2, 1, "sample")
    retried = desk.do(RetryScan(scan_id=scan.id))
    assert retried.partitions == {"done": 1, "pending": 1}


def test_a_scan_of_which_all_is_quarantined_has_failed(desk: Control) -> None:
    scan = desk.scan("s1", 1)
    for _ in range(ATTEMPTS):
        desk.ask()
        desk.later(31)
    assert desk.ask() == []
    assert desk.finish(scan).state == "failed"


def test_a_dead_actors_leases_are_free_at_once_and_cost_no_attempt(desk: Control) -> None:
    desk.scan("s1", 3)
    for fence in range(1, 2 * ATTEMPTS):
        leases = desk.ask()
        assert [(lease.attempt, lease.fence) for lease in leases] == [(1, fence)] * 3
        assert desk.ask() == []
        desk.do(RenewLeases(held=tuple(queries.leased(desk.session)), seconds=0))


def test_waiting_for_a_source_costs_no_attempt_and_ends_in_the_end(desk: Control) -> None:
    scan = desk.scan("s1", 1)
    leased = 0
    while leases := desk.ask():
        leased += 1
        desk.do(FailPartition(**held(leases[0]), problem=PASSING, retryable=True, charged=False))
        desk.later(60)
    assert ATTEMPTS + PUT_OFF - 1 <= leased <= ATTEMPTS + PUT_OFF
    assert desk.view(scan).partitions == {"failed": 1}


def test_budgets_and_retries_are_no_deaths_of_the_actor(desk: Control) -> None:
    scan = desk.scan("s1", 1)
    for number in range(GIVEN_BACK + 1):
        assert len(desk.ask()) == 1
        desk.do(SetBudget(source_id="s1", content=Budget(bytes_per_second=50_000_000 + number)))
    for _ in range(GIVEN_BACK // ATTEMPTS):
        for _ in range(ATTEMPTS):
            (lease,) = desk.ask()
            desk.do(FailPartition(**held(lease), problem=PASSING, retryable=True))
            desk.later(3_600)
        assert desk.finish(scan).state == "failed"
        desk.do(RetryScan(scan_id=scan.id))
    (lease,) = desk.ask()
    desk.do(RenewLeases(held=tuple(queries.leased(desk.session)), seconds=0))
    assert [each.attempt for each in desk.ask()] == [lease.attempt] == [1]


def test_a_partition_that_takes_the_actor_with_it_is_quarantined_in_the_end(desk: Control) -> None:
    scan = desk.scan("s1", 1)
    for _ in range(GIVEN_BACK + ATTEMPTS):
        assert len(desk.ask()) == 1
        desk.do(RenewLeases(held=tuple(queries.leased(desk.session)), seconds=0))
    assert desk.ask() == []
    assert desk.view(scan).partitions == {"quarantined": 1}
