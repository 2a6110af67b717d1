"""What every connector and every format must do, on the real thing (`contract_targets`)."""

from collections import Counter
from collections.abc import Iterator

import pytest
from contract_rows import ROWS, canonical, rows_of_main
from contract_targets import TARGET, TARGETS, Target
from places import Places
from source_targets import Open, asset_of, cells_of

from cluster.connectors.files import stores
from cluster.connectors.interface import Connector
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable


@pytest.fixture(scope="module", params=TARGETS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def places(kind: str, request: pytest.FixtureRequest) -> Iterator[Places]:
    """Where the targets of a kind are made; gone before those of the next, since some list all that a server has."""
    with Places(request) as made:
        yield made


@pytest.fixture(scope="module")
def shared(kind: str, places: Places) -> Target:
    """The target of a kind, for all tests that leave it as it is."""
    return TARGETS[kind](places)


@pytest.fixture
def target(shared: Target, request: pytest.FixtureRequest) -> Target:
    return _expected(shared, request)


@pytest.fixture
def changing(kind: str, places: Places, request: pytest.FixtureRequest) -> Target:
    """A target of the test's own, which it may change."""
    return _expected(TARGETS[kind](places), request)


def _expected(target: Target, request: pytest.FixtureRequest) -> Target:
    if (reason := target.gaps.get(request.node.originalname)) is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return target


@pytest.fixture
def connector(target: Target, opened: Open) -> Connector:
    return opened(target.url)


def test_enumeration_lists_all_with_columns_and_is_complete(connector: Connector, target: Target) -> None:
    found = connector.enumerate()
    assert found.complete
    assert not found.problems
    assert {asset.path: asset.kind for asset in found.assets} == dict.fromkeys((target.main, target.empty), target.kind)
    main = asset_of(connector, target.main)
    assert [column.name for column in main.columns] == ["id", "name", "amount", "born", "note"]
    assert [column.type for column in main.columns] == ["integer", "string", "number", "date", "string"]
    assert [column.ordinal for column in main.columns] == [0, 1, 2, 3, 4]


def test_each_row_is_read_exactly_once(connector: Connector, target: Target) -> None:
    partitions = connector.plan(asset_of(connector, target.main), TARGET)
    assert (len(partitions) > 2) is target.splits
    assert [partition.number for partition in partitions] == list(range(len(partitions)))
    rows = cells_of(connector, partitions)
    assert Counter(map(canonical, rows)) == Counter(map(canonical, rows_of_main()))


def test_partitions_can_be_read_alone_in_any_order_and_by_another_connector(
    connector: Connector, target: Target, opened: Open
) -> None:
    partitions = connector.plan(asset_of(connector, target.main), TARGET)
    other = opened(target.url)
    rows = cells_of(other, [type(p).model_validate_json(p.model_dump_json()) for p in reversed(partitions)])
    assert Counter(map(canonical, rows)) == Counter(map(canonical, rows_of_main()))


def test_batches_are_bounded_in_rows_and_bytes(connector: Connector, target: Target) -> None:
    for partition in connector.plan(asset_of(connector, target.main), TARGET):
        for batch in connector.read(partition, 100, 1 << 20):
            assert 0 < batch.num_rows <= 100
            assert batch.schema.names == list(partition.columns)
        for batch in connector.read(partition, 100_000, 1 << 16):
            assert batch.nbytes <= 1 << 16


def test_an_asset_without_rows_has_no_partitions(connector: Connector, target: Target) -> None:
    assert not cells_of(connector, connector.plan(asset_of(connector, target.empty), TARGET))


def test_unchanged_content_keeps_its_plan_and_fingerprints(connector: Connector, target: Target, opened: Open) -> None:
    before = asset_of(connector, target.main)
    again = asset_of(opened(target.url), target.main)
    assert before == again
    assert before.fingerprint
    first, second = connector.plan(before, TARGET), opened(target.url).plan(again, TARGET)
    assert first == second
    assert len({partition.fingerprint for partition in first}) == len(first)


def test_a_write_changes_the_fingerprints(changing: Target, opened: Open) -> None:
    connector = opened(changing.url)
    before = asset_of(connector, changing.main)
    planned = connector.plan(before, TARGET)
    changing.append()
    after = asset_of(connector, changing.main)
    assert after.fingerprint != before.fingerprint
    again = connector.plan(after, TARGET)
    assert {p.fingerprint for p in planned} != {p.fingerprint for p in again}
    assert len(cells_of(connector, again)) == ROWS + 1


def test_what_is_removed_after_it_was_planned_is_gone(changing: Target, opened: Open) -> None:
    connector = opened(changing.url)
    asset = asset_of(connector, changing.main)
    partition = connector.plan(asset, TARGET)[0]
    changing.remove()
    with pytest.raises(SourceObjectGone):
        list(connector.read(partition, 1000, 1 << 20))
    with pytest.raises(SourceObjectGone):
        connector.plan(asset, TARGET)
    assert changing.main not in {found.path for found in connector.enumerate().assets}


def test_the_connection_test_passes_its_steps(connector: Connector) -> None:
    steps = list(connector.test())
    assert steps[0].name == "CheckAccess"
    assert steps[0].category == "gate"
    assert steps[-1].name == "SampleRead"
    assert not [step for step in steps if step.status in ("failed", "skipped")]


def test_a_place_that_is_not_there_fails_the_gate_and_says_what_to_do(
    target: Target, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores._RETRY, "max_retries", 0)  # which would only wait
    connector = opened(target.nowhere)
    first, *rest = connector.test()
    assert (first.name, first.status, first.code) == ("CheckAccess", "failed", SourceUnreachable.code)
    assert first.remedy
    assert {step.status for step in rest} == {"skipped"}
    with pytest.raises(SourceError):
        connector.enumerate()


def test_facts_hold_what_is_declared_and_nothing_that_is_not_known(target: Target, opened: Open) -> None:
    plain = opened(target.url).facts()
    assert plain.encrypted_at_rest is None
    assert plain.environment is None
    joint = "&" if "?" in target.url else "?"
    told = opened(f"{target.url}{joint}encrypted_at_rest=true&environment=production&region=eu-west-1").facts()
    assert (told.encrypted_at_rest, told.environment, told.region) == (True, "production", "eu-west-1")
    assert "encrypted_at_rest" in told.extra["declared"]
