"""The compliance group over a real database: facts by version, findings that change only with them, and replay."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from compliance_estates import SOURCE, asset, label, public, source
from compliance_store import NOW, Store
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from actors.compliance import queries
from actors.compliance.contract import AdviseSource, FactDraft
from actors.compliance.evaluation import WITHDRAWN
from actors.compliance.packs import load_frameworks
from actors.compliance.tables import FactVersion, Finding
from cluster.errors import Conflict, Internal, InvalidInput, NotFound
from cluster.store.engine import reading


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    yield made
    made.engine.dispose()


def payments(state: str = "automatic", **changes: Any) -> list[FactDraft]:
    return asset("payments", {"cvv": [label("pci.sad.code", state=state)]}, **changes)


def test_a_fact_keeps_its_version_while_it_is_equal_and_gets_the_next_when_it_changes(store: Store) -> None:
    assert store.record(source(), *payments()).changed == 4
    assert store.record(source(), *payments()).changed == 0
    assert store.events == []
    assert store.record(source(tls=False), *payments()).changed == 1
    with reading(store.engine) as session:
        (fact,) = queries.facts(session, SOURCE, "source")
        assert (fact.version, fact.value["tls"]) == (2, False)
        assert [fact.kind for fact in queries.facts(session, SOURCE, limit=2)] == ["asset", "coverage"]
        assert [fact.kind for fact in queries.facts(session, SOURCE, after="coverage/id-payments")] == [
            "labels",
            "source",
        ]
    with Session(store.engine) as session:
        kept = session.scalars(select(FactVersion.version).where(FactVersion.kind == "source")).all()
        assert sorted(kept) == [1, 2]


def test_only_a_complete_kind_drops_what_is_not_named_and_it_comes_back_as_it_was(store: Store) -> None:
    store.record(source(), *payments())
    assert store.record(source(), complete=("source",)).changed == 0
    assert store.record(source(), complete=("source", "asset")).changed == 1
    with reading(store.engine) as session:
        assert queries.facts(session, SOURCE, "asset") == []
        assert len(queries.facts(session, SOURCE, "labels")) == 1
    assert store.record(source(), *payments()).changed == 1
    with reading(store.engine) as session:
        assert [fact.version for fact in queries.facts(session, SOURCE, "asset")] == [1]


def test_a_subject_with_two_facts_of_a_kind_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput):
        store.record(source(), source(tls=False))


def test_a_second_evaluation_of_equal_facts_changes_nothing(store: Store) -> None:
    store.record(source(), *payments(), *asset("orders"), *asset("logs", method=None))
    first = store.evaluate()
    assert first.changed > 0
    assert {"compliance.evaluated", "compliance.finding_opened"} <= store.kinds()
    with reading(store.engine) as session:
        before = [finding.model_dump() for finding in queries.findings(session, SOURCE, limit=10_000)]
    store.now += timedelta(days=1)
    store.record(source(), *payments(), *asset("orders"), *asset("logs", method=None))
    second = store.evaluate()
    assert (second.changed, second.digest, second.verdicts) == (0, first.digest, first.verdicts)
    assert store.events == []
    with reading(store.engine) as session:
        assert [finding.model_dump() for finding in queries.findings(session, SOURCE, limit=10_000)] == before


def test_a_finding_opens_resolves_and_opens_again_under_one_id(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    (opened,) = store.find("3.3.1.2")
    assert (opened.verdict, opened.state, opened.columns) == ("FAIL", "open", ("cvv",))
    store.now += timedelta(hours=2)
    store.record(source(), *payments("rejected"))
    store.evaluate("pci_dss")
    assert "compliance.finding_resolved" in store.kinds()
    (resolved,) = store.find("3.3.1.2")
    assert (resolved.id, resolved.verdict, resolved.state) == (opened.id, "PASS", "resolved")
    assert (resolved.first_seen, resolved.last_changed) == (NOW, store.now)
    store.record(source(), *payments())
    store.evaluate("pci_dss")
    assert "compliance.finding_opened" in store.kinds()


def test_losing_the_evidence_does_not_resolve_a_failure(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    store.record(source(), *asset("payments", {"cvv": []}, method="sample"))
    store.evaluate()
    (finding,) = store.find("3.3.1.2")
    assert (finding.verdict, finding.state) == ("INSUFFICIENT_EVIDENCE", "open")


def test_findings_of_an_asset_that_is_gone_are_resolved_and_leave_the_counts(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    store.record(source())
    evaluation = store.evaluate()
    (finding,) = store.find("3.3.1.2")
    assert (finding.verdict, finding.state, finding.reason) == ("NOT_APPLICABLE", "resolved", WITHDRAWN)
    assert evaluation.verdicts["FAIL"] == 0
    with reading(store.engine) as session:
        assert queries.replay(session, finding.id) == finding
        assert queries.failing(session, SOURCE) == []


def test_a_finding_is_replayed_from_the_versions_it_stands_on(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    (finding,) = store.find("3.3.1.2")
    store.record(source(), *payments("rejected"))
    with reading(store.engine) as session:
        assert queries.replay(session, finding.id) == finding


def test_replay_on_stale_facts_and_of_a_mixed_estate(store: Store) -> None:
    mixed = [source(tls=None), *payments(), *asset("a"), *asset("b", method="sample"), *asset("c", method=None)]
    mixed += [*asset("d", {"x": [label("personal", state="review")]}), *asset("v", method=None, kind="view")]
    store.record(*mixed)
    store.evaluate()
    store.now += timedelta(days=400)
    store.evaluate()
    with reading(store.engine) as session:
        findings = queries.findings(session, SOURCE, limit=10_000)
        assert any("last confirmed more than" in finding.reason for finding in findings)
        assert not any(finding.verdict == "PASS" for finding in findings)
        for finding in findings:
            assert queries.replay(session, finding.id) == finding


def test_an_altered_fact_is_noticed(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    (finding,) = store.find("3.3.1.2")
    with Session(store.engine) as session, session.begin():
        session.execute(update(FactVersion).where(FactVersion.kind == "labels").values(value={"columns": {}}))
    with reading(store.engine) as session, pytest.raises(Internal):
        queries.replay(session, finding.id)


def test_a_check_that_changed_since_is_not_passed_off_as_a_replay(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    (finding,) = store.find("3.3.1.2")
    with Session(store.engine) as session, session.begin():
        session.execute(text("UPDATE compliance.rule SET body = jsonb_set(body, '{check_version}', '99')"))
    with reading(store.engine) as session, pytest.raises(Conflict):
        queries.replay(session, finding.id)


def test_two_sources_with_equal_data_have_equal_digests(store: Store) -> None:
    store.record(source(), *payments(), *asset("orders"))
    other = source(name="copy", url="postgresql://elsewhere.example.org/shop")
    moved = [draft.model_copy(update={"subject": f"x-{draft.subject}"}) for draft in [*payments(), *asset("orders")]]
    store.record(other.model_copy(update={"subject": "source2"}), *moved, source_id="source2")
    one, two = store.evaluate(), store.evaluate(source_id="source2")
    assert one.digest == two.digest
    store.record(source(), *payments("rejected"), *asset("orders"))
    assert store.evaluate().digest != two.digest


def test_posture_is_honest_about_what_is_not_known(store: Store) -> None:
    store.record(source(environment=None), *asset("orders", method=None))
    store.evaluate()
    with reading(store.engine) as session:
        unscanned = queries.posture(session, SOURCE, "pci_dss")
        assert unscanned.coverage == 0
        assert {control.verdict for control in unscanned.controls} == {"INSUFFICIENT_EVIDENCE"}
    store.record(source(), *asset("orders"), *asset("items"))
    store.evaluate()
    with reading(store.engine) as session:
        known = {control.control: control for control in queries.posture(session, SOURCE, "pci_dss").controls}
        counted = queries.verdicts_by_framework(session, SOURCE)
        total = queries.verdicts(session, SOURCE)
    assert (known["3.3.1.2"].verdict, known["3.3.1.2"].passing) == ("PASS", 2)
    assert (known["7.2.6"].verdict, known["7.2.6"].not_applicable) == ("NOT_APPLICABLE", 2)
    assert (known["7.2.4"].verdict, known["7.2.4"].automation) == ("NOT_APPLICABLE", "partial")
    assert known["3.6.1"].verdict == "INSUFFICIENT_EVIDENCE"
    assert total == {verdict: sum(counts[verdict] for counts in counted.values()) for verdict in total}


def test_evaluating_one_framework_leaves_the_others_alone(store: Store) -> None:
    store.record(source(), *payments())
    whole = store.evaluate()
    assert store.evaluate("pci_dss").digest == whole.digest
    with pytest.raises(NotFound):
        store.evaluate("no_such_framework")


def test_findings_are_paged_and_filtered(store: Store) -> None:
    store.record(source(), *payments(grants=public("SELECT")))
    store.evaluate()
    with reading(store.engine) as session:
        whole = queries.findings(session, SOURCE, limit=10_000)
        first = queries.findings(session, SOURCE, limit=3)
        assert first + queries.findings(session, SOURCE, after=first[-1].id, limit=10_000) == whole
        failing = queries.findings(session, SOURCE, framework="pci_dss", verdict="FAIL", severity="critical")
        assert {finding.control for finding in failing} == {"3.3.1.2", "7.2.6"}
        assert queries.get_finding(session, whole[0].id) == whole[0]
        with pytest.raises(NotFound):
            queries.get_finding(session, "nothing")


def test_advice_ranks_by_risk_per_effort_and_rests_on_findings(store: Store) -> None:
    pan = asset("cards", {"pan": [label("pci.pan")]}, grants=public("SELECT"), has_owner=False, tags=["scope:cde"])
    people = asset("people", {"name": [label("personal")]}, has_owner=False)
    store.record(source(encrypted_at_rest=None), *payments(), *pan, *people, *asset("logs", method=None))
    store.evaluate()
    receipt = store.do(AdviseSource(source_id=SOURCE))
    assert "compliance.advised" in store.kinds()
    with reading(store.engine) as session:
        advice = queries.recommendations(session, SOURCE)
        titles = [one.title for one in advice]
        assert [one.rank for one in advice] == list(range(1, len(advice) + 1))
        assert receipt.recommendations == len(advice)
        assert "Mask, tokenise or drop card security codes in shop.payments (cvv)" in titles
        assert "Revoke SELECT from PUBLIC on shop.cards" in titles
        assert "Scan 1 asset not fully read" in titles
        assert any(title.startswith("Name an owner for 2 assets") for title in titles)
        assert any(title.startswith("Declare 'encrypted_at_rest'") for title in titles)
        assert titles.index("Revoke SELECT from PUBLIC on shop.cards") < titles.index("Scan 1 asset not fully read")
        for one in advice:
            cited = [queries.get_finding(session, finding) for finding in one.findings]
            assert cited
            assert all(finding.facts for finding in cited)
            assert {f"{finding.framework} {finding.control}" for finding in cited} <= set(one.controls)
    assert store.do(AdviseSource(source_id=SOURCE)).changed == 0
    assert store.events == []


def test_advice_that_was_followed_goes_away(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    store.do(AdviseSource(source_id=SOURCE))
    store.record(source(), *payments("rejected"))
    store.evaluate()
    assert store.do(AdviseSource(source_id=SOURCE)).changed > 0
    with reading(store.engine) as session:
        assert not any("cvv" in one.title for one in queries.recommendations(session, SOURCE))


def test_stored_findings_hold_no_fact_values(store: Store) -> None:
    store.record(source(), *payments())
    store.evaluate()
    with Session(store.engine) as session:
        for row in session.scalars(select(Finding)):
            assert "db.example.org" not in f"{row.reason}{row.facts}{row.columns}"


def test_names_with_any_characters_are_stored_and_replayed(store: Store) -> None:
    odd = 'a\\b\t"c"\n\\N é 牛 {x}'
    store.record(source(), *asset(odd, {odd: [label("pci.sad.code")]}))
    store.evaluate()
    assert store.do(AdviseSource(source_id=SOURCE)).recommendations > 0
    (finding,) = store.find("3.3.1.2")
    assert (finding.subject_name, finding.columns) == (f"shop.{odd}", (odd,))
    with reading(store.engine) as session:
        assert queries.replay(session, finding.id) == finding
    assert store.evaluate().changed == 0


def test_many_findings_open_with_a_bounded_number_of_events(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.compliance.news.EVENTS", 2)
    store.record(source(), *payments(), *asset("cards", {"pan": [label("pci.pan")]}, grants=public("SELECT")))
    store.evaluate()
    (evaluated,) = [event for event in store.events if event.kind == "compliance.evaluated"]
    assert len([event for event in store.events if event.kind == "compliance.finding_opened"]) == 2
    with reading(store.engine) as session:
        assert evaluated.after["opened"] == len(queries.failing(session, SOURCE)) > 2


def test_a_framework_whose_pack_is_gone_has_no_standing_findings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.record(source(), *payments())
    store.evaluate()
    fewer = {key: framework for key, framework in load_frameworks().items() if key != "pci_dss"}
    monkeypatch.setattr("actors.compliance.frameworks.load_frameworks", lambda: fewer)
    store.evaluate()
    (finding,) = store.find("3.3.1.2")
    assert (finding.verdict, finding.reason) == ("NOT_APPLICABLE", WITHDRAWN)
