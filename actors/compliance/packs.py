"""Frameworks as data: `configs/compliance/*.yaml`, validated against the register of checks when they are loaded.

A control lists check ids, and a check never knows the frameworks, so a new framework is one file.
"""

from datetime import date
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actors.compliance import (
    checks_access,
    checks_content,
    checks_coverage,
    checks_flows,
    checks_governance,
    checks_policy,
    checks_quality,
    checks_register,
    checks_retention,
    checks_review,
    checks_transport,
)
from actors.compliance.contract import ControlView, FactKind, FrameworkView, Severity
from actors.compliance.facts import digest_of
from actors.compliance.judgement import CHECKS, Check
from cluster.errors import PackInvalid
from cluster.packs import Pack, load_pack, pack_names

FOLDER = "compliance"
REGISTERED = (
    checks_access, checks_content, checks_coverage, checks_flows, checks_governance, checks_policy, checks_quality,
    checks_register, checks_retention, checks_review, checks_transport,
)  # fmt: skip
ATTESTED = "attestation.given"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckUse(_Part):
    """A check with the parameters that a control gives it."""

    id: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class ControlPack(_Part):
    """A control. `title` and `remediation` are our own words; `reference` is where its text stands.

    `facts`, if given, have to be those that its checks need. A manual control names no check: a person attests to it.
    """

    id: str = Field(min_length=1, max_length=60)
    title: str = Field(min_length=10, max_length=200)
    reference: str = Field(min_length=3, max_length=200)
    automation: Literal["full", "partial", "manual"]
    severity: Severity
    checks: tuple[CheckUse, ...] = ()
    facts: tuple[FactKind, ...] = ()
    max_fact_age_days: int = Field(90, ge=1, le=3650)
    remediation: str = Field(min_length=10, max_length=500)
    waivable: bool = True


class FrameworkPack(_Part):
    """A framework. `source` cites where its text was published."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str = Field(min_length=1, max_length=100)
    title: str = Field(min_length=3, max_length=200)
    authority: str = Field(min_length=2, max_length=200)
    effective: date
    source: str = Field(min_length=4, max_length=1000)
    controls: tuple[ControlPack, ...] = Field(min_length=1)


class Use(NamedTuple):
    """A check of a control, ready to be run; `rule` is what the verdict stands on beside the facts."""

    framework: str
    control: ControlPack
    check: Check
    parameters: BaseModel
    rule: dict[str, Any]
    digest: str


class Framework(NamedTuple):
    """A framework that was loaded and validated."""

    pack: Pack[FrameworkPack]
    uses: tuple[Use, ...]
    shipped: bool = True

    def view(self) -> FrameworkView:
        value = self.pack.value
        return FrameworkView(
            key=value.key,
            version=value.version,
            title=value.title,
            authority=value.authority,
            source=value.source,
            digest=self.pack.digest,
            shipped=self.shipped,
            controls=tuple(_control_view(value.key, control) for control in value.controls),
        )


@cache
def load_frameworks() -> dict[str, Framework]:
    """All frameworks by key. Raises PackInvalid naming the file and what is wrong in it."""
    found: dict[str, Framework] = {}
    for name in pack_names(FOLDER):
        framework = assemble(load_pack(name, FrameworkPack))
        key = framework.pack.value.key
        if key in found:
            raise PackInvalid(f"configs/{name} has the key '{key}' of another framework.", "Choose another key.")
        found[key] = framework
    return found


def assemble(pack: Pack[FrameworkPack]) -> Framework:
    """Joins a pack with the checks. Raises PackInvalid if an id is used twice, or a check is unknown or misused."""
    seen: set[str] = set()
    uses: list[Use] = []
    for control in pack.value.controls:
        if control.id in seen:
            raise _invalid(pack, control, "its id is used twice")
        seen.add(control.id)
        uses.extend(_uses(pack, control))
    return Framework(pack, tuple(uses))


def use_of(rule: dict[str, Any]) -> Use | None:
    """The check of a control as a stored rule describes it; None if that version of the check is no longer there."""
    check = CHECKS.get(rule["check"])
    if check is None or check.version != rule["check_version"]:
        return None
    control = ControlPack.model_validate(rule["control"])
    parameters = check.parameters.model_validate(rule["parameters"])
    return Use(rule["framework"], control, check, parameters, rule, digest_of(rule))


def _uses(pack: Pack[FrameworkPack], control: ControlPack) -> list[Use]:
    if (control.automation == "manual") != (not control.checks):
        raise _invalid(pack, control, "a manual control has no checks, and every other has some")
    if len({use.id for use in control.checks}) < len(control.checks):
        raise _invalid(pack, control, "a check is named twice")
    uses = [_use(pack, control, use) for use in control.checks or (_attested(pack, control),)]
    needed = {kind for use in uses for kind in use.check.needs}
    if control.facts and needed != set(control.facts):
        raise _invalid(pack, control, f"its facts should be {', '.join(sorted(needed)) or 'none'}")
    return uses


def _attested(pack: Pack[FrameworkPack], control: ControlPack) -> CheckUse:
    return CheckUse(id=ATTESTED, parameters={"framework": pack.value.key, "control": control.id})


def _use(pack: Pack[FrameworkPack], control: ControlPack, use: CheckUse) -> Use:
    check = CHECKS.get(use.id)
    if check is None:
        raise _invalid(pack, control, f"there is no check '{use.id}'")
    try:
        parameters = check.parameters.model_validate(use.parameters)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise _invalid(pack, control, f"the parameters of '{use.id}' are wrong ({wrong})") from None
    rule = {
        "framework": pack.value.key,
        "framework_version": pack.value.version,
        "control": control.model_dump(mode="json", exclude={"checks"}) | {"checks": []},
        "check": check.id,
        "check_version": check.version,
        "parameters": parameters.model_dump(mode="json"),
    }
    return Use(pack.value.key, control, check, parameters, rule, digest_of(rule))


def _control_view(framework: str, control: ControlPack) -> ControlView:
    return ControlView(
        framework=framework,
        id=control.id,
        title=control.title,
        reference=control.reference,
        automation=control.automation,
        severity=control.severity,
        checks=tuple(use.id for use in control.checks) or (ATTESTED,),
        facts=tuple(
            sorted({kind for use in control.checks for kind in CHECKS[use.id].needs}) or CHECKS[ATTESTED].needs
        ),
        max_fact_age_days=control.max_fact_age_days,
        waivable=control.waivable,
        remediation=control.remediation,
    )


def _invalid(pack: Pack[FrameworkPack], control: ControlPack, what: str) -> PackInvalid:
    return PackInvalid(f"configs/{pack.name}, control '{control.id}': {what}.", "Correct the control.")
