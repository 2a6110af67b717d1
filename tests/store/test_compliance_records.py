"""What people put on record: versions, what is refused, and what verdicts make of it; findings taken on and waived."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import yaml
from compliance_estates import SOURCE, asset, label, public, source
from compliance_store import NOW, Store, person
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.compliance import queries
from actors.compliance.contract import (
    Activity,
    AdviseSource,
    Assessment,
    Attestation,
    DecideOrder,
    DecideWaiver,
    EndRecord,
    EvaluateAssets,
    EvaluateSource,
    HandleFinding,
    Hold,
    ImportedFramework,
    Incident,
    KeepClocks,
    KeepRecord,
    NoteFollowed,
    OrderEnforcement,
    OrderRetention,
    OrderRollback,
    OrderSubject,
    Policy,
    RequestWaiver,
    Retention,
    Review,
    Selector,
    Vendor,
)
from actors.compliance.tables import Finding
from cluster.connectors.interface import SourceAccess
from cluster.errors import Conflict, Forbidden, InvalidInput, NotFound, PackInvalid, PreconditionFailed
from cluster.runtime.commands import Command
from cluster.security.tokens import issue_token, revoke_token
from cluster.store.engine import reading

ALL = Selector(everything=True)
PERSONAL = Selector(tags=("personal",))
PROOF = [{"title": "Minutes", "reference": "wiki/42"}]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    yield made
    made.engine.dispose()


def people(name: str = "people", **changes: Any) -> list[Any]:
    return asset(name, {"mail": [label("personal")]}, **changes)


def keep(store: Store, body: Any, record_id: str | None = None, version: int | None = None) -> Any:
    return store.do(KeepRecord(record_id=record_id, version=version, body=body), person("ada"))


def verdict(store: Store, control: str, framework: str = "gdpr") -> str:
    with reading(store.engine) as session:
        controls = queries.posture(session, SOURCE, framework, store.now).controls
    return next(one.verdict for one in controls if one.control == control)


def standing(store: Store) -> list[dict[str, Any]]:
    """The findings without when they changed."""
    with reading(store.engine) as session:
        found = queries.findings(session, SOURCE, limit=100_000)
    open_ones = [one for one in found if one.verdict != "NOT_APPLICABLE"]
    return [one.model_dump(exclude={"first_seen", "last_changed", "due_at"}) for one in open_ones]


def test_a_record_keeps_its_versions_and_ends_without_being_lost(store: Store) -> None:
    first = keep(store, Vendor(name="Bank", role="processor"))
    assert keep(store, Vendor(name="Bank", role="processor"), first.id).version == 1
    second = keep(store, Vendor(name="Bank", role="processor", contracts=("dpa",)), first.id, 1)
    assert (second.version, second.by) == (2, "ada")
    with pytest.raises(PreconditionFailed):
        keep(store, Vendor(name="Bank", role="third-party"), first.id, 1)
    with pytest.raises(InvalidInput, match="of kind 'vendor'"):
        keep(store, Hold(name="x", targets=ALL, reason="court"), first.id)
    ended = store.do(EndRecord(record_id=first.id), person("ada"))
    with reading(store.engine) as session:
        assert queries.list_records(session) == []
        assert queries.list_records(session, "vendor", ended=True) == [ended]
        assert [one.version for one in queries.record_history(session, first.id)] == [3, 2, 1]
    with pytest.raises(NotFound):
        store.do(EndRecord(record_id="nothing"))


ATTEST = Attestation(
    framework="gdpr", control="16", met=True, statement="Done", evidence=PROOF, expires_at=date(2026, 6, 30)
)
FUTURE = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ATTEST.model_copy(update={"control": "99"}), "no control"),
        (ATTEST.model_copy(update={"expires_at": date(2026, 1, 1)}), "run out"),
        (Review(name="x", reviewed="access", done_at=FUTURE.date(), result="passed", statement="x"), "future"),
        (Incident(name="x", targets=ALL, detected_at=FUTURE, severity="low"), "future"),
        (Policy(name="x", targets=ALL, rule="permission", includes=("nothing",)), "no policy"),
    ],
)
def test_what_cannot_be_so_is_refused(store: Store, body: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        keep(store, body)


def test_a_policy_that_would_include_itself_is_refused_with_the_way_round(store: Store) -> None:
    one = keep(store, Policy(name="one", targets=ALL, rule="permission"))
    two = keep(store, Policy(name="two", targets=ALL, rule="permission", includes=(one.id,)))
    with pytest.raises(InvalidInput, match="one -> two -> one"):
        keep(store, Policy(name="one", targets=ALL, rule="permission", includes=(two.id,)), one.id)


def test_the_register_of_processing_decides_the_controls_on_it(store: Store) -> None:
    store.record(source(), *people())
    store.evaluate("gdpr")
    assert verdict(store, "30(1)") == "INSUFFICIENT_EVIDENCE"
    entry = Activity(name="Billing", targets=PERSONAL, purposes=("billing",), legal_basis="contract")
    kept = keep(store, entry)
    store.evaluate("gdpr")
    assert (verdict(store, "6(1)"), verdict(store, "30(1)")) == ("PASS", "FAIL")
    full = entry.model_copy(
        update={
            "controller": "Shop Ltd", "contact": "privacy@shop.example", "data_subjects": ("customers",),
            "data_categories": ("personal",), "recipients": ("bank",), "retention_days": 365,
            "security_measures": "encryption", "vendors": ("Bank",), "assessment": "DPIA",
        }
    )  # fmt: skip
    keep(store, full, kept.id)
    store.evaluate("gdpr")
    assert (verdict(store, "30(1)"), verdict(store, "28")) == ("PASS", "FAIL")
    keep(store, Vendor(name="Bank", role="processor", contracts=("dpa",), expires_at=date(2027, 1, 1)))
    store.evaluate("gdpr")
    assert verdict(store, "28") == "PASS"
    store.now = datetime(2027, 2, 1, tzinfo=UTC)
    store.record(source(), *people())
    store.evaluate("gdpr")
    assert verdict(store, "28") == "FAIL"


def test_attestations_decide_manual_controls_until_they_run_out(store: Store) -> None:
    store.record(source(), *people())
    given = ATTEST
    keep(store, given)
    keep(store, given.model_copy(update={"control": "32(1)(d)"}))
    store.evaluate("gdpr")
    assert verdict(store, "16") == "PASS"
    with reading(store.engine) as session:
        known = {one.control: one for one in queries.posture(session, SOURCE, "gdpr", store.now).controls}
    assert (known["32(1)(d)"].verdict, known["32(1)(d)"].attested) == ("INSUFFICIENT_EVIDENCE", True)
    store.now = datetime(2026, 7, 1, tzinfo=UTC)
    store.evaluate("gdpr")
    assert verdict(store, "16") == "INSUFFICIENT_EVIDENCE"


def test_a_retention_without_ages_is_no_pass_and_a_hold_wins(store: Store) -> None:
    def profile(**told: Any) -> Any:
        value = {"rows": 10, "nulls": 0, "min": "2025-06", "max": "2025-12"} | told
        return people()[0].model_copy(update={"kind": "profile", "value": {"columns": {"at": value}}})

    keep(store, Retention(name="Year", targets=PERSONAL, days=365, clock="at", justification="needed"))
    outcomes = [
        ({}, "PASS"), ({"min": "2019-01"}, "FAIL"), ({"nulls": 2}, "INSUFFICIENT_EVIDENCE"),
        ({"max": "2031-01"}, "INSUFFICIENT_EVIDENCE"), ({"min": "2025-01"}, "INSUFFICIENT_EVIDENCE"),
        ({"min": None}, "INSUFFICIENT_EVIDENCE"),
    ]  # fmt: skip
    for told, expected in outcomes:
        store.record(source(), *people(), profile(**told))
        store.evaluate("gdpr")
        (found,) = [one for one in store.find("5(1)(e)") if one.check == "retention.kept"]
        assert found.verdict == expected, told
    keep(store, Retention(name="Month", targets=PERSONAL, days=30, justification="files age as a whole"))
    written = {"2026-01-10": "PASS", "2025-11-01": "FAIL", "2031-01-01": "INSUFFICIENT_EVIDENCE"}
    for day, expected in written.items():
        store.record(source(), *people(modified_at=day))
        store.evaluate("gdpr")
        (found,) = [one for one in store.find("5(1)(e)") if one.check == "retention.kept"]
        assert found.verdict == expected, day
    keep(store, Hold(name="Court", targets=PERSONAL, reason="a case"))
    store.evaluate("gdpr")
    (found,) = [one for one in store.find("5(1)(e)") if one.check == "retention.kept"]
    assert (found.verdict, found.reason) == ("NOT_APPLICABLE", "A legal hold keeps it from being deleted.")


PACK = {
    "key": "house_rules", "version": "1", "title": "House rules", "authority": "Us", "effective": "2026-01-01",
    "source": "wiki/rules",
    "controls": [{
        "id": "H1", "title": "No mail addresses are kept", "reference": "Rule 1", "automation": "full",
        "severity": "low", "remediation": "Delete the addresses.",
        "checks": [{"id": "content.absent", "parameters": {"tags": ["personal"], "data": "personal data"}}],
    }],
}  # fmt: skip


def test_a_framework_of_their_own_is_imported_as_one_file_and_evaluated(store: Store) -> None:
    kept = keep(store, ImportedFramework(name="house_rules", content=yaml.safe_dump(PACK)))
    store.record(source(), *people())
    store.evaluate("house_rules")
    assert verdict(store, "H1", "house_rules") == "FAIL"
    store.do(EndRecord(record_id=kept.id))
    store.evaluate()
    (finding,) = store.find("H1")
    assert (finding.verdict, finding.state) == ("NOT_APPLICABLE", "resolved")


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"key": "gdpr"}, Conflict, "shipped"),
        ({"source": ""}, PackInvalid, "source"),
        ({"controls": PACK["controls"] + deepcopy(PACK["controls"])}, PackInvalid, "used twice"),
        ({"controls": PACK["controls"] * 2}, PackInvalid, "aliases"),  # so YAML writes the second
        ({"controls": [PACK["controls"][0] | {"checks": [{"id": "no.such"}]}]}, PackInvalid, "no check 'no.such'"),
    ],
)
def test_an_unsound_framework_is_refused(store: Store, changes: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        keep(store, ImportedFramework(name="x", content=yaml.safe_dump(PACK | changes)))


def finding_of(store: Store, control: str = "7.2.6") -> str:
    pan = asset("cards", {"pan": [label("pci.pan")], "cvv": [label("pci.sad.code")]}, grants=public("SELECT"))
    store.record(source(), *pan)
    store.evaluate("pci_dss")
    return str(store.find(control)[0].id)


def signed(store: Store, name: str, roles: tuple[str, ...] = ("officer",), days: int | None = None) -> str:
    with Session(store.engine) as session, session.begin():
        return issue_token(session, name, list(roles), days).id


def ask(store: Store, finding: str, approver: str = "bob", ends: date = date(2026, 3, 1)) -> Any:
    return store.do(
        RequestWaiver(
            finding_id=finding, reason="The table moves next month", compensating_control="The network is closed",
            approver=approver, expires_at=ends,
        ),
        person("ada"),
    )  # fmt: skip


def decide(store: Store, waiver: Any, decision: Any, by: str) -> Any:
    return store.do(DecideWaiver(waiver_id=waiver.id, decision=decision, comment="As discussed"), person(by))


def test_a_waiver_is_decided_by_its_approver_and_expires_back_to_open(store: Store) -> None:
    finding = finding_of(store)
    signed(store, "bob")
    waiver = ask(store, finding)
    with pytest.raises(Forbidden):
        decide(store, waiver, "approve", "ada")
    decide(store, waiver, "approve", "bob")
    with reading(store.engine) as session:
        waived = queries.get_finding(session, finding, store.now)
        assert (waived.state, waived.verdict, waived.waiver_id) == ("waived", "FAIL", waiver.id)
        posture = queries.posture(session, SOURCE, "pci_dss", store.now)
        assert next(one.waived for one in posture.controls if one.control == "7.2.6") == 1
        assert queries.replay(session, finding, store.now) == waived
    with pytest.raises(Conflict, match="waived already"):
        ask(store, finding)
    store.now += timedelta(days=60)
    with reading(store.engine) as session:
        assert queries.get_finding(session, finding, store.now).state == "open"
    store.do(KeepClocks())
    assert store.kinds() == {"compliance.waiver_expired"}
    with pytest.raises(Conflict):
        decide(store, waiver, "approve", "bob")


def missed(store: Store, finding: str) -> list[Any]:
    """What is told of the deadline of a finding when deadlines are looked at now."""
    store.do(KeepClocks(deadlines=True))
    overdue = [one for one in store.events if one.kind == "compliance.finding_overdue"]
    return [one for one in overdue if one.entity == f"finding:{finding}"]


def test_a_missed_deadline_is_told_once_and_again_only_for_another_one(store: Store) -> None:
    finding = finding_of(store)
    signed(store, "bob")
    assert missed(store, finding) == []
    store.now += timedelta(days=8)
    told = missed(store, finding)
    assert {event.kind for event in store.events} == {"compliance.finding_overdue", "compliance.deadlines_missed"}
    assert (told[0].after["control"], told[0].after["due_at"]) == ("7.2.6", str(NOW.date() + timedelta(days=7)))
    assert missed(store, finding) == []
    store.do(
        HandleFinding(finding_id=finding, assignee="ada", due_at=store.now.date() + timedelta(days=2)), person("ada")
    )
    decide(store, ask(store, finding, ends=store.now.date() + timedelta(days=5)), "approve", "bob")
    store.now += timedelta(days=3)
    assert missed(store, finding) == [], "it is waived"
    store.now += timedelta(days=3)
    told = missed(store, finding)
    assert [event.after["assignee"] for event in told] == ["ada"]
    assert missed(store, finding) == []


def test_of_many_missed_deadlines_some_are_told_one_by_one_and_all_are_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding_of(store)
    store.now += timedelta(days=100)
    monkeypatch.setattr("actors.compliance.overdue.EVENTS", 2)
    store.do(KeepClocks(deadlines=True))
    told = [event for event in store.events if event.kind == "compliance.finding_overdue"]
    (counted,) = [event for event in store.events if event.kind == "compliance.deadlines_missed"]
    with reading(store.engine) as session:
        late = session.scalar(select(func.count()).select_from(Finding).where(Finding.state == "open"))
    assert len(told) == 2
    assert counted.after["missed"] == late == sum(counted.after["by_severity"].values())
    assert late > 2
    store.do(KeepClocks(deadlines=True))
    assert store.events == [], "nor are those told later that were counted alone"


def test_what_acts_on_all_assets_is_for_who_sees_all(store: Store) -> None:
    record, access = keep(store, Vendor(name="Bank", role="processor")), SourceAccess(source_id=SOURCE, url="file:///x")
    changed = Vendor(name="Bank", role="third-party")
    acts: tuple[Command[Any], ...] = (
        KeepRecord(body=changed), KeepRecord(record_id=record.id, body=changed), EndRecord(record_id=record.id),
        EvaluateSource(source_id=SOURCE), AdviseSource(source_id=SOURCE), OrderEnforcement(access=access),
        OrderRollback(order_id="x", access=access), OrderRetention(retention_id="x", access=access),
        OrderSubject(kind="access", keys=(SecretStr("ada@example.org"),), accesses=(access,)),
        DecideOrder(order_id="x", approve=True),
    )  # fmt: skip
    for act in acts:
        with pytest.raises(Forbidden, match="hidden from you"):
            store.do(act, person("ada").model_copy(update={"limited": True}))
    with reading(store.engine) as session:
        assert queries.list_records(session) == [record]


def test_some_controls_cannot_be_waived(store: Store) -> None:
    finding = finding_of(store, "3.3.1.2")
    signed(store, "bob")
    with pytest.raises(Conflict, match=r"No exception from pci_dss 3\.3\.1\.2"):
        ask(store, finding)


def test_an_approver_who_cannot_decide_is_refused(store: Store) -> None:
    finding = finding_of(store)
    signed(store, "ada")
    signed(store, "eve", ("auditor",))
    token = signed(store, "bob", days=30)
    for name in ("ada", "eve", "nobody"):
        with pytest.raises(InvalidInput):
            ask(store, finding, name)
    waiver = ask(store, finding)
    store.now = datetime.now(UTC) + timedelta(days=40)  # the token was issued by the clock of this machine
    with pytest.raises(Conflict, match="expired"):
        decide(store, waiver, "approve", "bob")
    with pytest.raises(InvalidInput, match="cannot decide"):
        ask(store, finding, "bob", store.now.date() + timedelta(days=20))
    with Session(store.engine) as session, session.begin():
        revoke_token(session, token)
    for ends in (store.now.date(), store.now.date() + timedelta(days=400)):
        with pytest.raises(InvalidInput, match="a day to a year"):
            ask(store, finding, "bob", ends)


def test_a_finding_is_taken_on_and_a_false_positive_ends_with_new_facts(store: Store) -> None:
    finding = finding_of(store)
    with reading(store.engine) as session:
        assert queries.get_finding(session, finding, store.now).due_at == NOW.date() + timedelta(days=7)
    taken = store.do(
        HandleFinding(finding_id=finding, handling="in_progress", assignee="ada", due_at=date(2026, 2, 1)),
        person("ada"),
    )
    assert (taken.state, taken.assignee, taken.due_at) == ("in_progress", "ada", date(2026, 2, 1))
    assert (
        store.do(HandleFinding(finding_id=finding, handling="false_positive"), person("ada")).state == "false_positive"
    )
    assert store.events[0].before == {"handling": "in_progress", "assignee": "ada"}
    store.now += timedelta(days=40)
    assert missed(store, finding) == [], "nothing is to be done about what is held to be false"
    cards = {"pan": [label("pci.pan")], "pan2": [label("pci.pan")]}
    store.record(source(), *asset("cards", cards, grants=public("SELECT")))
    store.evaluate("pci_dss")
    assert len(missed(store, finding)) == 1
    with reading(store.engine) as session:
        assert queries.get_finding(session, finding, store.now).state == "open"
        assert [one.id for one in queries.findings(session, assignee="ada")] == [finding]
    with pytest.raises(NotFound):
        store.do(HandleFinding(finding_id="nothing"))


def test_changed_facts_alone_are_evaluated_and_come_to_what_a_whole_evaluation_finds(store: Store) -> None:
    estate = {
        "a": people("a"), "b": people("b", has_owner=False), "c": asset("c", method=None), "d": asset("d"),
        "e": asset("e", {"pan": [label("pci.pan")]}, tags=["scope:cde"]),
    }  # fmt: skip
    keep(store, Activity(name="Billing", targets=PERSONAL, purposes=("billing",), legal_basis="contract"))
    keep(
        store,
        Assessment(
            name="D", reference="r", conducted_at=date(2025, 1, 1), next_review_at=date(2027, 1, 1), residual_risk="low"
        ),
    )
    store.record(source(), *(draft for drafts in estate.values() for draft in drafts))
    store.evaluate()
    steps = [
        ("a", asset("a")),  # no longer holds any
        ("d", people("d", grants=public("SELECT"))),
        ("c", asset("c", {"cvv": [label("pci.sad.code")]})),
        ("b", asset("b", {"mail": [label("personal", state="rejected")]})),
        ("e", asset("e", {"pan": [label("pci.pan")]})),  # no place is declared any more
        ("d", asset("d", method="sample")),
        ("a", people("a", tags=["retention:30d"])),
    ]
    for name, drafts in steps:
        store.record(*drafts, complete=())
        touched = store.do(EvaluateAssets(source_id=SOURCE, assets=(f"id-{name}",)))
        assert touched.changed > 0
        after = standing(store)
        store.evaluate()
        assert standing(store) == after, name


def test_a_source_that_holds_none_of_the_data_gets_no_finding_by_a_changed_asset(store: Store) -> None:
    store.record(source(), *asset("a"), *asset("b"))
    store.evaluate()
    before = standing(store)
    store.record(*asset("a", has_owner=False), complete=())
    store.do(EvaluateAssets(source_id=SOURCE, assets=("id-a",)))
    assert {one["control"] for one in standing(store)} == {one["control"] for one in before}
    after = standing(store)
    store.evaluate()
    assert standing(store) == after


def test_following_notes_how_far_it_came(store: Store) -> None:
    for seq in (5, 9, 7):
        store.do(NoteFollowed(upto=seq))
    with reading(store.engine) as session:
        assert queries.followed(session) == 9
