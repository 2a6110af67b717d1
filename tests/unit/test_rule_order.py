"""The order of detectors follows what they found for their cost, and never loses one."""

from hypothesis import given
from hypothesis import strategies as st

from actors.rulesets.contract import DetectorCost
from actors.rulesets.service import ranked

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
COSTS = st.builds(
    DetectorCost,
    seconds=st.floats(0, 10),
    scanned=st.integers(0, 1000),
    validated=st.integers(0, 1000),
)


def test_what_finds_most_for_its_time_goes_first() -> None:
    costs = {
        "slow": DetectorCost(seconds=2.0, scanned=100, validated=50),
        "fast": DetectorCost(seconds=1.0, scanned=100, validated=50),
        "dear": DetectorCost(seconds=3.0, scanned=100, validated=0),
        "cheap": DetectorCost(seconds=1.0, scanned=100, validated=0),
    }
    assert ranked(["unseen", "dear", "cheap", "slow", "fast"], costs) == ["fast", "slow", "cheap", "dear", "unseen"]


@given(st.lists(NAMES, unique=True), st.dictionaries(NAMES, COSTS))
def test_every_detector_stays_and_ranking_is_stable(order: list[str], costs: dict[str, DetectorCost]) -> None:
    once = ranked(order, costs)
    assert sorted(once) == sorted(order)
    assert ranked(once, costs) == once
