"""Framework packs: what is shipped is sound, and what is not sound is refused with the place and the reason."""

from typing import Any

import pytest
import yaml

from actors.compliance.facts import digest_of
from actors.compliance.packs import ATTESTED, FrameworkPack, assemble, load_frameworks, use_of
from cluster.errors import PackInvalid
from cluster.packs import parse_pack


def pack(**changes: Any) -> dict[str, Any]:
    control = {
        "id": "1.1",
        "title": "Card numbers are not stored",
        "reference": "Requirement 1.1",
        "automation": "full",
        "severity": "high",
        "checks": [{"id": "content.absent", "parameters": {"tags": ["pci.pan"], "data": "card numbers"}}],
        "facts": ["asset", "labels", "coverage"],
        "remediation": "Delete the numbers.",
    }
    framework = {
        "key": "made_up",
        "version": "1",
        "title": "Made up",
        "authority": "Nobody",
        "effective": "2025-01-01",
        "source": "None",
    }
    return framework | {"controls": [control | changes]}


def assembled(value: dict[str, Any]) -> Any:
    return assemble(parse_pack("compliance/made_up.yaml", yaml.safe_dump(value).encode(), FrameworkPack))


def test_the_frameworks_have_enough_controls_that_decide() -> None:
    frameworks = load_frameworks()
    assert set(frameworks) == {"ccpa", "gdpr", "hipaa", "iso27001", "nist_privacy", "pci_dss", "soc2"}
    for framework in frameworks.values():
        automated = [control for control in framework.pack.value.controls if control.automation != "manual"]
        assert len(automated) >= 15


def test_a_control_tells_its_facts_and_their_age_and_a_manual_one_asks_for_an_attestation() -> None:
    for framework in load_frameworks().values():
        for control in framework.view().controls:
            assert control.facts
            assert control.checks
            assert (control.checks == (ATTESTED,)) is (control.automation == "manual")
        assert len({control.title for control in framework.view().controls}) == len(framework.view().controls)


def test_a_sound_pack_is_taken() -> None:
    framework = assembled(pack())
    assert [use.check.id for use in framework.uses] == ["content.absent"]
    assert framework.view().controls[0].checks == ("content.absent",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"checks": [{"id": "content.no_such_check"}]}, "there is no check 'content.no_such_check'"),
        ({"severity": "terrible"}, "severity"),
        ({"checks": [{"id": "content.absent", "parameters": {"tags": []}}]}, "parameters of 'content.absent'"),
        ({"facts": ["asset"]}, "its facts should be asset, coverage, labels"),
        ({"automation": "manual"}, "a manual control has no checks"),
        ({"automation": "full", "checks": [], "facts": []}, "a manual control has no checks"),
        ({"checks": [*pack()["controls"][0]["checks"], *pack()["controls"][0]["checks"]]}, "a check is named twice"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_unsound_control_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PackInvalid, match=said):
        assembled(pack(**changes))


def test_an_id_used_twice_is_refused() -> None:
    value = pack() | {"controls": [*pack()["controls"], *pack()["controls"]]}
    with pytest.raises(PackInvalid, match=r"'1\.1': its id is used twice"):
        assembled(value)


@pytest.mark.parametrize(
    "text", ["2026-13-45", "[" * 5000, "a: &a [x]\nb: *a", "\x07", "key: [", "!!python/object:a.B x"]
)
def test_what_is_no_yaml_or_grows_without_end_is_refused(text: str) -> None:
    with pytest.raises(PackInvalid, match="is not YAML"):
        parse_pack("compliance/made_up.yaml", text.encode(), FrameworkPack)


def test_a_stored_rule_gives_the_same_use_again_unless_its_check_has_changed() -> None:
    for framework in load_frameworks().values():
        for use in framework.uses:
            again = use_of(use.rule)
            assert again is not None
            assert (again.digest, again.parameters) == (digest_of(use.rule), use.parameters)
            assert use_of(use.rule | {"check_version": use.check.version + 1}) is None
