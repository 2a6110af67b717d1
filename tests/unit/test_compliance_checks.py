"""What each control says of small estates, and what no check may ever say."""

from datetime import timedelta
from typing import Any

import pytest
from compliance_estates import ESTATES, NOW, SOURCE, asset, fact_set, label, on_record, policy, public, source

from actors.compliance.evaluation import evaluate
from actors.compliance.judgement import CHECKS, DECLARABLE, Judgement
from actors.compliance.packs import Use, load_frameworks
from cluster.connectors.interface import SourceFacts
from cluster.detectors.taxonomy import load_taxonomy

USES = [use for framework in load_frameworks().values() for use in framework.uses]
TAGS = ("personal", "phi", "pci.pan", "pci.sad.code", "pci.sad.track", "pci.sad.pin", "credential")
TAGS += ("gdpr.special_category", "gdpr.criminal", "hipaa.identifier:name")


def judged(use: Use, drafts: list[Any]) -> list[Judgement]:
    return list(use.check.function(fact_set(drafts), use.parameters))


def verdicts(use: Use, drafts: list[Any]) -> set[str]:
    return {judgement.verdict for judgement in judged(use, drafts)}


def by_check(identifier: str) -> Use:
    return next(use for use in USES if use.check.id == identifier)


def name(use: Use) -> str:
    return f"{use.framework}-{use.control.id}-{use.check.id}"


def test_no_control_is_without_a_check_and_no_check_without_its_two_estates() -> None:
    judged_ones = {(use.framework, use.control.id) for use in USES if use.check.id in ESTATES}
    controls = [(key, control.id) for key, one in load_frameworks().items() for control in one.pack.value.controls]
    assert len(controls) >= 209
    assert [one for one in controls if one not in judged_ones] == []


@pytest.mark.parametrize("use", USES, ids=name)
def test_every_control_has_an_estate_that_passes_and_one_that_fails(use: Use) -> None:
    passing, failing = ESTATES[use.check.id]
    assert verdicts(use, passing(use.parameters)) - {"NOT_APPLICABLE"} == {"PASS"}
    failed = [judgement for judgement in judged(use, failing(use.parameters)) if judgement.verdict == "FAIL"]
    assert failed
    assert all(judgement.reason and judgement.action and judgement.facts for judgement in failed)


@pytest.mark.parametrize("use", USES, ids=name)
def test_what_was_not_scanned_never_passes(use: Use) -> None:
    unscanned = [source(environment="staging"), *asset(method=None), *asset("u", method="none")]
    assert "PASS" not in verdicts(use, unscanned)
    tagged = [source(environment="staging"), *asset(method=None, tags=list(getattr(use.parameters, "declared_by", ())))]
    if use.check.id.startswith(("register.", "review.", "incident.", "request.")):
        tagged += [on_record(SOURCE, register=True, reviews={}, incidents=[])]
    assert verdicts(use, tagged) == {"INSUFFICIENT_EVIDENCE"}


@pytest.mark.parametrize("use", [use for use in USES if use.check.id.startswith("content.")], ids=name)
@pytest.mark.parametrize("way", [{"method": "sample"}, {"problem": "source-denied"}])
def test_silence_of_a_sample_or_of_a_broken_census_is_no_pass(use: Use, way: dict[str, Any]) -> None:
    tags = list(getattr(use.parameters, "declared_by", ())[:1])
    assert verdicts(use, [source(environment="staging"), *asset(tags=tags, **way)]) == {"INSUFFICIENT_EVIDENCE"}


@pytest.mark.parametrize("use", [use for use in USES if hasattr(use.parameters, "tags")], ids=name)
def test_labels_in_review_decide_nothing_and_rejected_ones_do_not_count(use: Use) -> None:
    tags = list(getattr(use.parameters, "declared_by", ())[:1])
    told = source(environment="staging")

    def estate(state: str) -> list[Any]:
        return [told, *asset("t", {"c": [label(use.parameters.tags[0], state=state)]}, tags=tags)]

    assert verdicts(use, estate("review")) == {"INSUFFICIENT_EVIDENCE"}
    assert verdicts(use, estate("rejected")) == verdicts(use, [told, *asset("t", {"c": []}, tags=tags)])


@pytest.mark.parametrize(
    ("check", "action"),
    [
        ("transport.encrypted", "establish:tls"),
        ("storage.encrypted", "declare:encrypted_at_rest"),
        ("source.not_public", "declare:public_access"),
        ("source.authenticated", "establish:authenticated"),
        ("source.lesser_account", "establish:superuser"),
        ("source.audited", "declare:audit_logging"),
        ("content.not_only_disk_encrypted", "declare:encrypted_at_rest"),
        ("governance.transfer_basis", "declare:region"),
    ],
)
def test_a_fact_that_nobody_told_is_insufficient_evidence_with_a_way_to_tell_it(check: str, action: str) -> None:
    use, (verb, _, fact) = by_check(check), action.partition(":")
    estate = [source(**{fact: None}), *asset("t", {"c": [label(use.parameters.tags[0])]})]
    (judgement,) = judged(use, estate)
    assert judgement.verdict == "INSUFFICIENT_EVIDENCE"
    assert judgement.action == action
    assert (f"by the option '{fact}' of the source" in judgement.reason) is (verb == "declare")


def test_an_undeclared_environment_is_insufficient_evidence_where_there_is_live_data() -> None:
    use = by_check("content.absent_outside_production")
    held = asset("t", {"c": [label(use.parameters.tags[0])]})
    assert verdicts(use, [source(environment=None), *held]) == {"INSUFFICIENT_EVIDENCE"}
    assert verdicts(use, [source(environment="Production"), *held]) == {"NOT_APPLICABLE"}


def test_traffic_that_stays_on_the_machine_is_not_in_transit() -> None:
    use = by_check("transport.encrypted")
    held = asset("t", {"c": [label(use.parameters.tags[0])]})
    assert verdicts(use, [source(tls=False, extra={"loopback": True}), *held]) == {"NOT_APPLICABLE"}
    assert verdicts(use, [source(tls=False, extra={"loopback": False}), *held]) == {"FAIL"}


@pytest.mark.parametrize("use", [use for use in USES if use.check.id.startswith(("access", "gov", "source", "tr"))])
def test_a_census_that_found_no_such_data_makes_the_control_not_applicable(use: Use) -> None:
    assert verdicts(use, [source(), *asset(grants=public("SELECT"))]) == {"NOT_APPLICABLE"}


def test_reasons_name_columns_with_counts() -> None:
    use = next(use for use in USES if use.control.id == "3.3.1.2")
    drafts = asset("t", {"cvv": [label("pci.sad.code", matched=998)], "note": [label("pci.sad.code", matched=1200)]})
    (judgement,) = judged(use, drafts)
    assert judgement.reason == "It holds card security codes: cvv (998 of 1,000 values), note (1,200 of 1,000 values)."
    assert judgement.columns == ("cvv", "note")


LISTING = [check for check in CHECKS if check.startswith("access.") and check != "access.authorised"]


@pytest.mark.parametrize("check", LISTING)
def test_an_empty_list_of_grants_is_an_answer_only_where_all_grants_are_listed(check: str) -> None:
    use = by_check(check)
    held = asset("t", {"c": [label(use.parameters.tags[0])]}, grants=[])
    assert verdicts(use, [source(kind="postgresql"), *held]) == {"PASS"}
    assert verdicts(use, [source(kind="elsewhere"), *held]) == {"INSUFFICIENT_EVIDENCE"}


def test_grants_that_were_not_reported_are_not_all_permitted() -> None:
    use = by_check("access.authorised")
    rule = on_record(policies=[policy(rule="permission", effects=[], roles=["ada"])])
    held = [*asset("t", {"c": [label(use.parameters.tags[0])]}, grants=[]), rule]
    assert verdicts(use, [source(kind="postgresql"), *held]) == {"PASS"}
    assert verdicts(use, [source(kind="elsewhere"), *held]) == {"INSUFFICIENT_EVIDENCE"}


def test_a_log_of_changes_alone_is_no_log_of_who_reads() -> None:
    use = by_check("source.audited")
    held = asset("t", {"c": [label(use.parameters.tags[0])]})
    assert verdicts(use, [source(extra={"log_statement": "mod"}), *held]) == {"INSUFFICIENT_EVIDENCE"}
    assert verdicts(use, [source(extra={"log_statement": "all"}), *held]) == {"PASS"}
    declared = {"log_statement": "mod", "declared": ["audit_logging"]}
    assert verdicts(use, [source(extra=declared), *held]) == {"PASS"}
    audited = {"log_statement": "mod", "pgaudit_log": "read, write"}
    assert verdicts(use, [source(extra=audited), *held]) == {"PASS"}


def test_what_may_be_declared_are_facts_of_a_source() -> None:
    assert set(SourceFacts.model_fields) > DECLARABLE


def test_partitions_that_failed_are_named_and_never_pass() -> None:
    broken = asset(method="sample")
    broken[1] = broken[1].model_copy(update={"value": broken[1].value | {"partitions_failed": 2}})
    (judgement,) = judged(by_check("coverage.read"), broken)
    assert (judgement.verdict, judgement.reason) == ("FAIL", "It could not be read in full (2 of 4 partitions).")
    assert verdicts(by_check("content.absent"), broken) == {"INSUFFICIENT_EVIDENCE"}


def test_hashed_passwords_are_not_credentials_in_the_clear() -> None:
    use = next(use for use in USES if use.control.id == "8.3.2")
    hashed = asset("t", {"c": [label("credential", data_class="credential.password_hash")]})
    assert verdicts(use, [source(), *hashed]) == {"PASS"}
    assert verdicts(use, [source(), *asset("t", {"c": [label("credential")]})]) == {"FAIL"}


def test_what_may_be_permitted_in_deidentified_data_is_left_to_a_person() -> None:
    use = next(use for use in USES if use.control.id == "164.514(b)(2)")
    age = label("hipaa.identifier:date", data_class="person.age")
    tags = ["deidentified"]
    assert verdicts(use, asset("t", {"age": [age]}, tags=tags)) == {"INSUFFICIENT_EVIDENCE"}
    birth = label("hipaa.identifier:date", data_class="person.birth_date")
    assert verdicts(use, asset("t", {"age": [age], "born": [birth]}, tags=tags)) == {"FAIL"}


def test_every_tag_of_a_control_is_one_of_the_taxonomy() -> None:
    known = load_taxonomy().value
    tags = {*known.tags, *(f"class:{name}" for name in known.classes)}
    for use in USES:
        for field in ("tags", "unless", "unsure"):
            for tag in getattr(use.parameters, field, ()):
                assert any(tag == one or one.startswith((f"{tag}.", f"{tag}:")) for one in tags), (use.control.id, tag)


def test_files_are_judged_by_the_openness_of_their_source() -> None:
    use = by_check("access.not_public")
    file = asset("f", {"c": [label(use.parameters.tags[0])]}, kind="file", grants=[])
    outcomes = {True: "FAIL", False: "PASS", None: "INSUFFICIENT_EVIDENCE"}
    for told, verdict in outcomes.items():
        assert verdicts(use, [source(public_access=told), *file]) == {verdict}


def test_a_view_open_to_public_is_a_question_and_not_an_all_clear() -> None:
    use = by_check("access.not_public")
    assert verdicts(use, asset("v", method=None, kind="view", grants=public("SELECT"))) == {"INSUFFICIENT_EVIDENCE"}
    assert verdicts(use, asset("v", method=None, kind="view")) == {"NOT_APPLICABLE"}


def test_assets_that_are_gone_are_not_judged() -> None:
    assert all(not judged(use, asset(status="gone")) for use in USES if use.check.id.startswith("content."))


def test_every_check_is_used_and_promises_something() -> None:
    assert set(CHECKS) == {use.check.id for use in USES} == set(ESTATES)
    assert all(check.function.__doc__ for check in CHECKS.values())


def test_the_same_facts_give_the_same_drafts_in_any_order() -> None:
    columns = {f"c{n}": [label(tag)] for n, tag in enumerate(TAGS)}
    drafts = [source(), *asset("a", columns), *asset("b", {}), *asset("c", columns, "sample")]
    for framework in load_frameworks().values():
        assert evaluate(framework.uses, fact_set(drafts)) == evaluate(framework.uses, fact_set(drafts[::-1]))


def test_statements_do_not_depend_on_the_name_or_id_of_the_source() -> None:
    drafts = [source(), *asset("a", {"c": [label("pci.pan")]})]
    renamed = [draft for draft in drafts if draft.kind != "source"]
    renamed.append(source(name="other").model_copy(update={"subject": "source2"}))
    for framework in load_frameworks().values():
        one = evaluate(framework.uses, fact_set(drafts)).values()
        other = evaluate(framework.uses, fact_set(renamed, "source2")).values()
        assert sorted(d.statement() for d in one) == sorted(d.statement() for d in other)


@pytest.mark.parametrize("use", USES, ids=name)
def test_a_pass_on_facts_that_are_too_old_is_no_pass(use: Use) -> None:
    passing, _ = ESTATES[use.check.id]
    later = NOW + timedelta(days=use.control.max_fact_age_days, seconds=1)
    drafts = evaluate([use], fact_set(passing(use.parameters), now=later))
    key = (use.framework, use.control.id, use.check.id)
    ours = [draft for draft in drafts.values() if draft.key[:3] == key]
    assert ours
    assert {draft.verdict for draft in ours} <= {"INSUFFICIENT_EVIDENCE", "FAIL"}  # what is periodic is due by then
