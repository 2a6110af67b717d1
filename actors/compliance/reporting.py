"""Verdicts in the forms that other tools read: OSCAL assessment results and SARIF. Pure; equal verdicts have equal ids.

What fails and what lacks evidence is exported, a bounded number of it with the heaviest first; the others are a number.
That a control passes is told by OSCAL only, as the finding on the control as a whole.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from actors.compliance.contract import ControlStatus, ControlView, FindingView, FrameworkView, Posture

OSCAL_VERSION = "1.1.2"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NAMESPACE = "urn:sextant:oscal"
MOST_FACTS = 10  # cited as evidence of one observation; a verdict on a source may stand on the facts of all its assets
LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
STATUS = {
    "PASS": ("satisfied", "pass", "Nothing in the facts speaks against it."),
    "FAIL": ("not-satisfied", "fail", "The facts show that it is not met."),
    "INSUFFICIENT_EVIDENCE": ("not-satisfied", "other", "The evidence does not suffice to say that it is met."),
}


class Report(NamedTuple):
    """What is exported of a source: by framework its posture and the findings, and how many findings were left out."""

    source_id: str
    source: str
    parts: tuple[tuple[FrameworkView, Posture, tuple[FindingView, ...], int], ...]
    now: datetime
    version: str


def oscal(report: Report) -> dict[str, Any]:
    """OSCAL assessment results: a result for each framework, a finding for each control, an observation a verdict.

    Controls that do not apply have no finding. OSCAL knows no third answer, so where evidence lacks a control is not
    satisfied, for the reason "other".
    """
    plan = _uuid("plan", report.source_id)
    return {
        "assessment-results": {
            "uuid": _uuid("results", report.source_id),
            "metadata": {
                "title": f"Controls of {_line(report.source)}",
                "last-modified": _time(report.now),
                "version": _time(report.now),
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {"href": f"#{plan}"},
            "results": [_result(report, *part) for part in report.parts],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": "Continuous assessment",
                        "description": "Every control is decided again from versioned facts when a fact changes.",
                    }
                ]
            },
        }
    }


def sarif(report: Report) -> dict[str, Any]:
    """SARIF 2.1.0: a run with a rule for each check of a control that has results; waived findings are suppressed."""
    rules: dict[str, dict[str, Any]] = {}
    places: dict[str, int] = {}
    results = []
    for framework, _, findings, _ in report.parts:
        controls = {control.id: control for control in framework.controls}
        for finding in findings:
            rule = f"{finding.framework}/{finding.control}/{finding.check}"
            if rule not in rules:
                rules[rule] = _rule(rule, finding, controls.get(finding.control))
                places[rule] = len(places)
            results.append(_sarif_result(report, rule, places[rule], finding))
    left = sum(part[3] for part in report.parts)
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "Sextant", "version": report.version, "rules": list(rules.values())}},
        "automationDetails": {"id": f"sextant/{report.source_id}/"},
        "results": results,
        "properties": {"findingsLeftOut": left},
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def token(framework: str, control: str) -> str:
    """The id of a control as OSCAL can hold it: "gdpr-5-1-a" for 5(1)(a)."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", f"{framework}-{control}").strip("-")


def _result(
    report: Report, framework: FrameworkView, posture: Posture, findings: tuple[FindingView, ...], left_out: int
) -> dict[str, Any]:
    key = framework.key
    by_control: dict[str, list[FindingView]] = defaultdict(list)
    for finding in findings:
        by_control[finding.control].append(finding)
    decided = [one for one in posture.controls if one.verdict in STATUS]
    result: dict[str, Any] = {
        "uuid": _uuid("result", report.source_id, key),
        "title": _line(framework.title),
        "description": f"{posture.coverage:.0%} of the controls have a verdict other than a lack of evidence.",
        "start": _time(report.now),
        "end": _time(report.now),
        "props": [_prop("framework-version", framework.version), _prop("findings-left-out", str(left_out))],
        "reviewed-controls": {
            "control-selections": [
                {"include-controls": [{"control-id": token(key, one.control)} for one in posture.controls]}
            ]
        },
        "findings": [_of_control(report, one, by_control[one.control]) for one in decided],
    }
    if findings:
        subjects = {finding.subject: finding.subject_name for finding in findings}
        items = [{"uuid": _uuid("subject", one), "description": _line(name)} for one, name in sorted(subjects.items())]
        result["local-definitions"] = {"inventory-items": items}
        result["observations"] = [_observation(finding) for finding in findings]
    if not decided:
        del result["findings"]
    return result


def _of_control(report: Report, status: ControlStatus, findings: list[FindingView]) -> dict[str, Any]:
    identifier = token(status.framework, status.control)
    state, reason, remark = STATUS[status.verdict]
    figures = {"failing": status.failing, "passing": status.passing, "insufficient": status.insufficient}
    made: dict[str, Any] = {
        "uuid": _uuid("control", report.source_id, status.framework, status.control),
        "title": _line(status.title),
        "description": f"{status.failing:,} failing, {status.passing:,} passing, {status.insufficient:,} undecided.",
        "props": [
            _prop("control", status.control),
            _prop("attested", "yes" if status.attested else "no"),
            _prop("waived", str(status.waived)),
            *(_prop(name, str(number)) for name, number in figures.items()),
        ],
        "target": {
            "type": "objective-id",
            "target-id": identifier,
            "status": {"state": state, "reason": reason, "remarks": remark},
        },
    }
    if findings:
        made["related-observations"] = [{"observation-uuid": _uuid("finding", one.fingerprint)} for one in findings]
    return made


def _observation(finding: FindingView) -> dict[str, Any]:
    evidence = [
        {
            "href": f"urn:sextant:fact:{fact.kind}:{fact.version}:{fact.digest}",
            "description": f"Version {fact.version} of the fact '{fact.kind}' of {_line(fact.subject)}",
        }
        for fact in finding.facts[:MOST_FACTS]
    ]
    made: dict[str, Any] = {
        "uuid": _uuid("finding", finding.fingerprint),
        "title": _line(f"{finding.check}: {finding.subject_name}"),
        "description": finding.reason,
        "props": [
            _prop("fingerprint", finding.fingerprint),
            _prop("check", finding.check),
            _prop("verdict", finding.verdict),
            _prop("severity", finding.severity),
            _prop("state", finding.state),
        ],
        "methods": ["TEST"],
        "types": ["finding"],
        "subjects": [{"subject-uuid": _uuid("subject", finding.subject), "type": "inventory-item"}],
        "collected": _time(finding.last_changed),
        "remarks": finding.remediation,
    }
    return made | ({"relevant-evidence": evidence} if evidence else {})


def _rule(identifier: str, finding: FindingView, control: ControlView | None) -> dict[str, Any]:
    return {
        "id": identifier,
        "shortDescription": {"text": control.title if control else finding.control},
        "help": {"text": finding.remediation},
        "defaultConfiguration": {"level": LEVEL[finding.severity]},
        "properties": {"tags": [finding.framework], "reference": control.reference if control else ""},
    }


def _sarif_result(report: Report, rule: str, index: int, finding: FindingView) -> dict[str, Any]:
    fails = finding.verdict == "FAIL"
    made: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": index,
        "kind": "fail" if fails else "open",
        "level": LEVEL[finding.severity] if fails else "none",
        "message": {"text": f"{finding.subject_name}: {finding.reason}"},
        "locations": [{"logicalLocations": list(_places(report, finding))}],
        "fingerprints": {"sextant/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity,
            "state": finding.state,
            "lastChanged": _time(finding.last_changed),
        },
    }
    if finding.state in {"waived", "false_positive"}:
        why = "Waived until its waiver ends." if finding.state == "waived" else "Held to be false."
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return made


def _places(report: Report, finding: FindingView) -> Iterable[dict[str, str]]:
    whole = report.source if finding.subject == report.source_id else f"{report.source}/{finding.subject_name}"
    yield {"name": finding.subject_name, "fullyQualifiedName": whole, "kind": "resource"}
    for column in finding.columns:
        yield {"name": column, "fullyQualifiedName": f"{whole}/{column}", "kind": "member"}


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join((NAMESPACE, *parts))))


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": " ".join(value.split()) or "-"}


def _line(text: str) -> str:
    return " ".join(text.split()) or "-"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
