"""What policies say of a request, and where they contradict or include each other."""

from datetime import UTC, datetime
from typing import Any

import pytest
from compliance_estates import NOW, SOURCE, asset, fact_set, label, source
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.compliance.contract import AccessRequest, Effect, Policy, RowFilter, Selector
from actors.compliance.contract.policies import Condition
from actors.compliance.policy_rules import contradictions, decide, included
from cluster.errors import InvalidInput

PAN = Selector(tags=("pci.pan",))
ESTATE = fact_set(
    [
        source(),
        *asset("cards", {"pan": [label("pci.pan")], "city": [label("personal")]}, tags=["domain:pay"]),
        *asset("logs"),
    ]
)
MASK = Effect(kind="mask", method="last4")


def policy(rule: Any, **changes: Any) -> Policy:
    return Policy(**{"name": rule, "targets": PAN, "rule": rule} | changes)


def ask(known: dict[str, Policy], asset_id: str = "id-cards", **changes: Any) -> Any:
    return decide(known, AccessRequest(source_id=SOURCE, asset_id=asset_id, **changes), ESTATE, NOW)


def test_what_no_policy_is_about_is_permitted_and_said_not_to_be_governed() -> None:
    decision = ask({"p": policy("prohibition")}, "id-logs")
    assert (decision.outcome, decision.governed) == ("permit", False)


def test_what_a_permission_governs_is_denied_to_all_others() -> None:
    known = {"p": policy("permission", condition=Condition(roles=("billing",), purposes=("payment",)))}
    assert ask(known, roles=("billing",), purpose="payment").outcome == "permit"
    assert ask(known, roles=("billing",), purpose="advertising").outcome == "deny"
    assert ask(known, roles=("analyst",), purpose="payment").outcome == "deny"
    assert ask(known, roles=("analyst",), action="export").outcome == "permit"


def test_a_prohibition_wins_at_equal_rank_and_the_higher_rank_at_others() -> None:
    known = {"a": policy("permission"), "b": policy("prohibition")}
    assert ask(known).policies == ("b",)
    assert ask(known | {"a": policy("permission", priority=1)}).outcome == "permit"


def test_masks_and_duties_follow_and_only_the_columns_named_are_concerned() -> None:
    duty = policy("obligation", effects=(Effect(kind="log"), Effect(kind="notify", to="dpo")))
    known = {"m": policy("prohibition", effects=(MASK,)), "o": duty}
    decision = ask(known, column="pan")
    assert (decision.outcome, decision.method) == ("mask", "last4")
    assert {effect.kind for effect in decision.obligations} == {"log", "notify"}
    assert ask(known, column="city").outcome == "permit"
    rows = RowFilter(column="country", values=("de",))
    assert ask({"r": policy("permission", rows=rows)}).rows == (rows,)


def test_hours_are_of_the_day_in_utc() -> None:
    known = {"p": policy("prohibition", condition=Condition(from_hour=18, until_hour=24))}
    assert ask(known, at=datetime(2026, 1, 1, 18, tzinfo=UTC)).outcome == "deny"
    assert ask(known, at=datetime(2026, 1, 1, 17, 59, tzinfo=UTC)).outcome == "permit"


def test_a_policy_that_includes_another_is_narrowed_by_it() -> None:
    known = {"base": policy("permission", targets=Selector(domains=("pay",)), priority=0)}
    known["own"] = policy("prohibition", includes=("base",))
    assert ask(known).outcome == "deny"
    known["base"] = policy("permission", targets=Selector(domains=("other",)))
    assert ask(known).governed is False
    with pytest.raises(InvalidInput, match="no policy"):
        included("x", policy("permission", includes=("gone",)), known)


def test_contradictory_policies_are_reported_with_both_unless_one_ranks_higher() -> None:
    known = {"a": policy("permission", name="All may"), "b": policy("prohibition", name="None may")}
    (found,) = contradictions(known, [ESTATE])
    assert (found.permission, found.prohibition, found.assets) == ("a", "b", ("shop.cards",))
    assert "All may" in found.reason
    assert "None may" in found.reason
    apart = {
        "rank": {"a": policy("permission", priority=1)},
        "role": {
            "a": policy("permission", condition=Condition(roles=("x",))),
            "b": policy("prohibition", condition=Condition(roles=("y",))),
        },
        "hours": {
            "a": policy("permission", condition=Condition(from_hour=8, until_hour=18)),
            "b": policy("prohibition", condition=Condition(from_hour=18, until_hour=24)),
        },
        "action": {"a": policy("permission", actions=("export",))},
        "masked": {"b": policy("prohibition", effects=(MASK,))},
        "place": {"a": policy("permission", targets=Selector(paths=("shop.logs",)))},
    }
    for name, changes in apart.items():
        assert contradictions(known | changes, [ESTATE]) == [], name


@pytest.mark.parametrize(
    "wrong",
    [
        {"targets": {}},
        {"rule": "obligation"},
        {"rule": "permission", "effects": [{"kind": "deny"}]},
        {"condition": {"from_hour": 5}},
        {"condition": {"from_hour": 9, "until_hour": 9}},
        {"effects": [{"kind": "delete_after"}]},
        {"targets": {"everything": True, "tags": ["personal"]}},
    ],
)
def test_a_policy_that_says_nothing_or_too_much_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate({"name": "x", "rule": "prohibition", "targets": {"tags": ["personal"]}} | wrong)


RULES = st.sampled_from(["permission", "prohibition"])
ROLES = st.sets(st.sampled_from(["a", "b", "c"]), max_size=2).map(lambda roles: Condition(roles=tuple(sorted(roles))))
POLICIES = st.builds(policy, RULES, condition=ROLES, priority=st.integers(0, 2))


@given(st.lists(POLICIES, min_size=1, max_size=5), st.sampled_from(["a", "b", "c"]))
def test_an_added_prohibition_never_gives_more(policies: list[Policy], role: str) -> None:
    known = {str(number): one for number, one in enumerate(policies)}
    more = known | {"x": policy("prohibition", priority=2)}
    assert ask(more, roles=(role,)).outcome == "deny"
    assert ask(known, roles=(role,)) == ask(dict(reversed(known.items())), roles=(role,))
