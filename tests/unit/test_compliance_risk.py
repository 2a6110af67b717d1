"""Risk: the formula, the shares that add up to it, and what imagined changes do to it and to verdicts."""

from typing import Any

import pytest
from compliance_estates import asset, entry, fact_set, label, on_record, policy, profile, public, source
from hypothesis import given
from hypothesis import strategies as st

from actors.compliance import risk
from actors.compliance.contract import Change, Selector
from actors.compliance.imagining import what_if
from actors.compliance.packs import load_frameworks
from cluster.errors import InvalidInput

PCI = [load_frameworks()["pci_dss"]]
CARDS = {"pan": [label("pci.pan")], "city": [label("personal", sensitivity="Internal")]}
ALL = Selector(everything=True)


def columns(drafts: list[Any]) -> dict[str, Any]:
    return {one.column: one for one in risk.of_columns(fact_set(drafts))}


def test_the_formula_is_that_of_the_documentation() -> None:
    told = source(encrypted_at_rest=False, tls=True, public_access=False, kind="postgresql")
    found = columns([told, *asset("t", {"c": [label("gdpr.special_category")]}, grants=public("SELECT"))])["c"]
    likelihood = 0.35 * 1 + 0.20 * 1 + 0.20 * 0.5 + 0.10 * 1 + 0.15 * 0
    impact = 0.50 * 1 + 0.30 * 0.5000723 + 0.20 * 1
    assert found.likelihood == pytest.approx(likelihood, abs=1e-4)
    assert found.impact == pytest.approx(impact, abs=1e-3)
    assert found.score == pytest.approx(100 * likelihood * impact, abs=0.05)


FLAGS = st.sampled_from([True, False, None])


@given(
    told=st.fixed_dictionaries({"tls": FLAGS, "encrypted_at_rest": FLAGS, "public_access": FLAGS}),
    sensitivity=st.sampled_from(["Public", "Internal", "Confidential", "Restricted"]),
    method=st.sampled_from(["census", "sample", "none"]),
    readers=st.integers(0, 40),
)
def test_shares_add_up_to_the_score_and_the_score_stays_in_its_bounds(
    told: dict[str, Any], sensitivity: str, method: str, readers: int
) -> None:
    grants = [{"grantee": f"r{one}", "privilege": "SELECT", "public": False} for one in range(readers)]
    labels = {"c": [label("personal", sensitivity=sensitivity)]}
    found = columns([source(**told), *asset("t", labels, method=method, grants=grants)])["c"]
    assert sum(factor.share for factor in found.factors) == pytest.approx(found.score, abs=0.01)
    assert 0 <= found.score <= 100
    assumed = {factor.name for factor in found.factors if factor.assumed}
    assert ("unencrypted" in assumed) is (told["tls"] is None or told["encrypted_at_rest"] is None)


def test_what_makes_it_worse_raises_it_and_a_mask_in_force_lowers_it() -> None:
    plain = columns([source(), *asset("t", CARDS)])
    assert plain["pan"].score > plain["city"].score
    worse = columns([source(encrypted_at_rest=False), *asset("t", CARDS, grants=public("SELECT"))])
    assert worse["pan"].score > plain["pan"].score
    masked = columns([source(), *asset("t", CARDS), on_record(policies=[policy(columns=["pan"])])])
    assert masked["pan"].score < plain["pan"].score
    assert masked["city"].score == plain["city"].score
    not_applied = columns([source(), *asset("t", CARDS), on_record(policies=[policy(columns=["pan"], applied=False)])])
    assert not_applied["pan"].score == plain["pan"].score


def test_the_parts_of_a_source_add_up_and_what_was_not_read_is_in_no_figure() -> None:
    drafts = [source(), *asset("a", CARDS, tags=["domain:Pay"]), *asset("b", CARDS), *asset("c", method=None)]
    told = risk.of_source(fact_set(drafts))
    assert told.total == pytest.approx(sum(one.total for one in told.assets), abs=0.05)
    assert told.total == pytest.approx(sum(told.by_factor.values()), abs=0.1)
    assert told.score == max(one.score for one in told.assets)
    assert [(one.id, one.columns) for one in told.domains] == [("pay", 2)]
    assert (told.columns, told.unknown) == (4, 1)


def test_more_subjects_weigh_more() -> None:
    few = columns([source(), *asset("t", {"at": [label("personal")]}), profile(distinct=10)])["at"]
    many = columns([source(), *asset("t", {"at": [label("personal")]}), profile(distinct=1_000_000)])["at"]
    assert many.impact > few.impact


def changed(drafts: list[Any], *changes: Change) -> Any:
    return what_if(fact_set(drafts), changes, PCI)


def test_imagined_changes_lower_the_risk_and_turn_verdicts() -> None:
    drafts = [source(tls=False, extra={}), *asset("t", CARDS, grants=public("SELECT"), has_owner=False)]
    told = changed(drafts, Change(kind="source_fact", name="tls", value=True))
    assert told.risk_after < told.risk_before
    assert [(one.control, one.before, one.after) for one in told.controls if one.control == "4.2.1"] == [
        ("4.2.1", "FAIL", "PASS")
    ]
    told = changed(drafts, Change(kind="revoke_public", targets=ALL))
    assert {one.control for one in told.controls} >= {"7.2.6"}
    told = changed(drafts, Change(kind="mask", targets=Selector(tags=("pci.pan",))))
    assert {(one.control, one.after) for one in told.controls} >= {("3.4.1", "PASS")}
    told = changed(drafts, Change(kind="drop_columns", targets=Selector(tags=("pci.pan",))))
    assert {(one.control, one.after) for one in told.controls} >= {("3.5.1", "PASS")}
    assert told.total_after < told.total_before
    told = changed(drafts, Change(kind="tag", value="scope:cde", targets=ALL), Change(kind="name_owner", targets=ALL))
    assert told.risk_after == told.risk_before


def test_imagining_nothing_changes_nothing_and_what_is_no_change_is_refused() -> None:
    drafts = [source(), *asset("t", CARDS), on_record(activities=[entry()])]
    told = changed(drafts, Change(kind="name_owner", targets=Selector(paths=("nothing",))))
    assert (told.risk_before, told.total_before, told.controls) == (told.risk_after, told.total_after, ())
    with pytest.raises(InvalidInput):
        changed(drafts, Change(kind="source_fact", name="moon", value=True))
    with pytest.raises(InvalidInput):
        changed(drafts, Change(kind="mask"))
