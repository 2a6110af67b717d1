"""What the demo's people put on record: registers and reviews from a file, and attestations to what facts leave open.

Attested is what no fact decides: manual controls, and those whose facts are missing. What depends only on what was
found in the data is attested by nobody.
"""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import yaml

from actors.compliance.contract import ControlView, Posture
from serve.client import Sextant

CONTENT = ("content.", "coverage.")
A_YEAR = timedelta(days=365)


def put_on_record(sextant: Sextant) -> int:
    """Puts the demo's records on record, those that are not there yet. Returns how many."""
    known = {(one.kind, one.name) for one in sextant.compliance.records()}
    today = str(datetime.now(UTC).date())
    text = files("configs").joinpath("demo/records.yaml").read_text("utf-8").replace("TODAY", today)
    wanted = [body for body in yaml.safe_load_all(text) if (body["kind"], body["name"]) not in known]
    for body in wanted:
        sextant.compliance.keep(body)
    return len(wanted)


def attest(sextant: Sextant, sources: list[str]) -> int:
    """Attests to the controls that facts leave open for the sources, and that were not attested. Returns how many."""
    checks = {(one.key, control.id): control for one in sextant.frameworks() for control in one.controls}
    open_ones = {
        (posture.framework, status.control)
        for source in sources
        for posture in sextant.posture(source)
        for status in posture.controls
        if _open(posture, status.control, checks)
    }
    for framework, control in sorted(open_ones):
        sextant.compliance.keep(_attestation(framework, control))
    return len(open_ones)


def _open(posture: Posture, control: str, checks: dict[tuple[str, str], ControlView]) -> bool:
    status = next(one for one in posture.controls if one.control == control)
    of_content = all(check.startswith(CONTENT) for check in checks[posture.framework, control].checks)
    return status.verdict == "INSUFFICIENT_EVIDENCE" and not status.attested and not of_content


def _attestation(framework: str, control: str) -> dict[str, Any]:
    return {
        "kind": "attestation",
        "name": f"{framework} {control}",
        "framework": framework,
        "control": control,
        "met": True,
        "statement": "Made up for the demo.",
        "evidence": [{"title": "Minutes", "reference": f"minutes/{framework}/{control}"}],
        "expires_at": str((datetime.now(UTC) + A_YEAR).date()),
    }
