"""What each control says of small estates, and what no check may ever say."""

from typing import Any

import pytest
from compliance_estates import ESTATES, NOW, SOURCE, asset, fact_set, label, public, source

from actors.compliance.evaluation import evaluate
from actors.compliance.judgement import CHECKS, Judgement
from actors.compliance.packs import Use, load_frameworks

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


@pytest.mark.parametrize("use", USES, ids=name)
def test_every_automated_control_has_an_estate_that_passes_and_one_that_fails(use: Use) -> None:
    passing, failing = ESTATES[use.check.id]
    assert verdicts(use, passing(use.parameters)) == {"PASS"}
    failed = [judgement for judgement in judged(use, failing(use.parameters)) if judgement.verdict == "FAIL"]
    assert failed
    assert all(judgement.reason and judgement.action and judgement.facts for judgement in failed)


@pytest.mark.parametrize("use", USES, ids=name)
def test_what_was_not_scanned_never_passes(use: Use) -> None:
    unscanned = [source(environment="staging"), *asset(method=None), *asset("u", method="none")]
    assert "PASS" not in verdicts(use, unscanned)
    assert "INSUFFICIENT_EVIDENCE" in verdicts(use, unscanned) | {
        "INSUFFICIENT_EVIDENCE" if use.check.id == "content.absent_where_declared" else ""
    }


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
    ("check", "fact"),
    [
        ("transport.encrypted", "tls"),
        ("storage.encrypted", "encrypted_at_rest"),
        ("source.not_public", "public_access"),
        ("source.authenticated", "authenticated"),
        ("source.lesser_account", "superuser"),
        ("source.audited", "audit_logging"),
        ("content.not_only_disk_encrypted", "encrypted_at_rest"),
        ("governance.transfer_basis", "region"),
    ],
)
def test_a_fact_that_nobody_told_is_insufficient_evidence_with_a_way_to_tell_it(check: str, fact: str) -> None:
    use = by_check(check)
    estate = [source(**{fact: None}), *asset("t", {"c": [label(use.parameters.tags[0])]})]
    (judgement,) = judged(use, estate)
    assert judgement.verdict == "INSUFFICIENT_EVIDENCE"
    assert judgement.action == f"declare:{fact}"


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


def test_unreported_grants_are_no_closed_door() -> None:
    use = by_check("access.not_public")
    held = {"c": [label(use.parameters.tags[0])]}
    assert verdicts(use, [source(), *asset("t", held, grants=[])]) == {"INSUFFICIENT_EVIDENCE"}


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
    frameworks = list(load_frameworks().values())
    one = evaluate(frameworks, fact_set(drafts), NOW)
    other = evaluate(frameworks, fact_set(drafts[::-1]), NOW)
    assert one.drafts == other.drafts
    assert one.not_applicable == other.not_applicable


def test_statements_do_not_depend_on_the_name_or_id_of_the_source() -> None:
    frameworks = list(load_frameworks().values())
    drafts = [source(), *asset("a", {"c": [label("pci.pan")]})]
    renamed = [draft for draft in drafts if draft.kind != "source"]
    renamed.append(source(name="other").model_copy(update={"subject": "source2"}))
    one = evaluate(frameworks, fact_set(drafts), NOW)
    other = evaluate(frameworks, fact_set(renamed, "source2"), NOW)
    assert sorted(d.statement() for d in one.drafts.values()) == sorted(d.statement() for d in other.drafts.values())


@pytest.mark.parametrize("use", USES, ids=name)
def test_a_pass_on_facts_that_are_too_old_is_no_pass(use: Use) -> None:
    from datetime import timedelta

    passing, _ = ESTATES[use.check.id]
    later = NOW + timedelta(days=use.control.max_fact_age_days, seconds=1)
    framework = load_frameworks()[use.framework]
    drafts = evaluate([framework], fact_set(passing(use.parameters)), later).drafts
    key = (use.framework, use.control.id, use.check.id)
    ours = [draft for draft in drafts.values() if draft.key[:3] == key]
    assert {draft.verdict for draft in ours} == {"INSUFFICIENT_EVIDENCE"}
    assert SOURCE or ours
