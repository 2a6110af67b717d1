"""Frameworks, and how a source stands by them: verdicts by control, counted, and their digest."""

import hashlib
from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.compliance import sight
from actors.compliance.contract import ControlStatus, FrameworkView, Posture, Verdict
from actors.compliance.frameworks import chosen, imported, known
from actors.compliance.packs import ControlPack, Framework
from actors.compliance.tables import FactVersion, Finding, Judged, Record, Waiver
from cluster.context import Caller
from cluster.security.visibility import visible

STANDING = ("PASS", "FAIL", "INSUFFICIENT_EVIDENCE")
EVERYBODY = sight.EVERYBODY


def frameworks(session: Session) -> list[FrameworkView]:
    """All frameworks with their controls, by key."""
    return [framework.view() for framework in chosen(session, ())]


def framework(session: Session, key: str) -> FrameworkView:
    """One framework. Raises NotFound."""
    return chosen(session, (key,))[0].view()


def readable_framework(content: str) -> FrameworkView:
    """The framework that the text of a pack describes. Raises PackInvalid, and Conflict for a key that is shipped."""
    return imported(content).view()


def framework_record(session: Session, key: str) -> str | None:
    """The id of the record by which a framework was imported, None if it was not."""
    wanted = (Record.kind == "framework", Record.name == key, Record.current)
    return session.scalars(select(Record.id).where(*wanted).order_by(Record.id).limit(1)).first()


def posture(
    session: Session, source_id: str, framework: str, now: datetime | None = None, caller: Caller = EVERYBODY
) -> Posture:
    """The verdict of every control of a framework over a source; a control that nothing decides lacks evidence."""
    pack = chosen(session, (framework,))[0]
    counted = _counted(session, source_id, pack, caller)
    today = (now or datetime.now(UTC)).date()
    attested = _attested(session, source_id, framework, today)
    waived = _waived(session, source_id, framework, today, caller)
    controls = tuple(
        _status(pack, control, counted[control.id], control.id in attested, waived.get(control.id, 0))
        for control in pack.pack.value.controls
    )
    decided = sum(1 for control in controls if control.verdict != "INSUFFICIENT_EVIDENCE")
    automated = [control for control in controls if control.automation != "manual"]
    covered = sum(1 for one in automated if one.attested or one.verdict != "INSUFFICIENT_EVIDENCE")
    return Posture(
        source_id=source_id,
        framework=framework,
        coverage=decided / len(controls),
        covered=covered / len(automated) if automated else 1.0,
        controls=controls,
    )


def verdicts(
    session: Session, source_id: str, framework: str | None = None, caller: Caller = EVERYBODY
) -> dict[Verdict, int]:
    """How many findings stand by verdict; NOT_APPLICABLE counts subjects that a check does not concern."""
    total: dict[Verdict, int] = {"PASS": 0, "FAIL": 0, "NOT_APPLICABLE": 0, "INSUFFICIENT_EVIDENCE": 0}
    for one in chosen(session, (framework,) if framework else ()):
        for counts in _counted(session, source_id, one, caller).values():
            for verdict, number in counts.items():
                total[verdict] += number
    return total


def verdicts_by_framework(
    session: Session, source_id: str, caller: Caller = EVERYBODY
) -> dict[str, dict[Verdict, int]]:
    """The same for each framework."""
    return {key: verdicts(session, source_id, key, caller) for key in sorted(known(session))}


def digest(
    session: Session,
    source_id: str,
    counted: dict[str, dict[Verdict, int]] | None = None,
    caller: Caller = EVERYBODY,
) -> str:
    """SHA-256 over what the standing findings of a source say: equal for equal data, whatever run reached them.

    Ids, times and versions of facts are no part of it. The order is that of the statements' own hashes. `counted` are
    the verdicts by framework, if they were counted already.
    """
    told = (Finding.source_id == source_id, Finding.verdict.in_(STANDING), sight.findings(caller))
    running = hashlib.sha256()
    for said in sorted(session.scalars(select(Finding.statement).where(*told))):
        running.update(said.encode())
    for key, counts in (counted or verdicts_by_framework(session, source_id, caller)).items():
        running.update(f"{key}\0{counts['NOT_APPLICABLE']}\1".encode())
    return running.hexdigest()


def _counted(
    session: Session, source_id: str, framework: Framework, caller: Caller
) -> dict[str, dict[Verdict, int]]:  # fmt: skip
    """Numbers of subjects by control and verdict. What a check judged and no finding stands for is NOT_APPLICABLE."""
    key = framework.pack.value.key
    found: dict[str, dict[Verdict, int]] = defaultdict(lambda: defaultdict(int))
    by_check: dict[tuple[str, str], int] = defaultdict(int)
    told = func.count().filter(sight.findings(caller))
    standing = (
        select(Finding.control, Finding.check, Finding.verdict, func.count(), told)
        .where(Finding.source_id == source_id, Finding.framework == key, Finding.verdict.in_(STANDING))
        .where(visible(caller, Finding.subject))
        .group_by(Finding.control, Finding.check, Finding.verdict)
    )
    for control, check, said, number, shown in session.execute(standing):
        verdict: Any = said  # written from a Verdict
        found[control][verdict] += shown
        by_check[control, check] += number
    judged = session.get(Judged, (source_id, key))
    if judged is not None and judged.pack_digest == framework.pack.digest:
        whole = int(not sight.veiled(session, source_id, caller))
        assets = judged.assets - sight.unseen(session, source_id, caller)
        for use in framework.uses:
            subjects = assets if use.check.scope != "source" else whole
            found[use.control.id]["NOT_APPLICABLE"] += max(subjects - by_check[use.control.id, use.check.id], 0)
    return found


def _attested(session: Session, source_id: str, framework: str, today: date) -> set[str]:
    """The controls that an attestation in force says something of."""
    wanted = (FactVersion.source_id == source_id, FactVersion.kind == "attestation", FactVersion.current)
    mine = FactVersion.subject.startswith(f"{framework}/", autoescape=True)
    rows = session.execute(select(FactVersion.subject, FactVersion.value["expires_at"].astext).where(*wanted, mine))
    return {subject.partition("/")[2] for subject, ends in rows if ends >= str(today)}


def _waived(session: Session, source_id: str, framework: str, today: date, caller: Caller) -> dict[str, int]:
    """Numbers of failing findings with a waiver in force, by control."""
    in_force = (Waiver.state == "approved", Waiver.expires_at >= today, sight.findings(caller))
    statement = (
        select(Finding.control, func.count(Finding.id.distinct()))
        .join(Waiver, Waiver.finding_id == Finding.id)
        .where(Finding.source_id == source_id, Finding.framework == framework, Finding.verdict == "FAIL", *in_force)
        .group_by(Finding.control)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def _status(
    framework: Framework, control: ControlPack, counts: dict[Verdict, int], attested: bool, waived: int
) -> ControlStatus:
    failing, passing = counts.get("FAIL", 0), counts.get("PASS", 0)
    insufficient, other = counts.get("INSUFFICIENT_EVIDENCE", 0), counts.get("NOT_APPLICABLE", 0)
    verdict: Verdict = "INSUFFICIENT_EVIDENCE"
    if failing:
        verdict = "FAIL"
    elif not insufficient and passing:
        verdict = "PASS"
    elif not insufficient and other:
        verdict = "NOT_APPLICABLE"
    return ControlStatus(
        framework=framework.pack.value.key,
        control=control.id,
        title=control.title,
        automation=control.automation,
        verdict=verdict,
        attested=attested,
        waived=waived,
        failing=failing,
        passing=passing,
        insufficient=insufficient,
        not_applicable=other,
    )
