"""What to do next: findings grouped by the action that settles them, ranked by the risk that it removes per effort.

Risk counts a failed finding by its severity (low 1, medium 3, high 10, critical 30). A finding that lacks evidence is
an open question and no known risk: it counts a tenth of that, and once for each subject by its heaviest control.
Effort divides by 1 (low), 2 (medium) or 4 (high), and by the number of assets where each has to be dealt with.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.compliance.contract import RecommendationView
from actors.compliance.judgement import count, listed
from actors.compliance.tables import Recommendation

Effort = Literal["low", "medium", "high"]
WEIGHT = {"low": 1.0, "medium": 3.0, "high": 10.0, "critical": 30.0}
EFFORT: dict[Effort, float] = {"low": 1.0, "medium": 2.0, "high": 4.0}
OPEN_QUESTION = 0.1
NAMED = 100
GROUPS = 200
MANY, VERY_MANY = 20, 200


class Actionable(NamedTuple):
    """What advice needs of a finding; `data` is what its rule calls the data."""

    id: str
    framework: str
    control: str
    subject: str
    subject_name: str
    verdict: str
    severity: str
    reason: str
    action: str
    columns: list[str]
    data: str


class Action(NamedTuple):
    """How an action is said: `title` knows {assets}, {names}, {columns}, {data} and {detail}.

    each: the effort is for each asset; by_subject: each asset is a recommendation of its own.
    """

    title: str
    effort: Effort
    each: bool = False
    by_subject: bool = False


ACTIONS = {
    "mask": Action("Mask, tokenise or drop {data} in {names} ({columns})", "medium", True, True),
    "look": Action("Look whether {columns} in {names} may stay", "low", True, True),
    "redact": Action("Redact {data} in the text of {names} ({columns})", "medium", True, True),
    "investigate": Action("Find out how {data} got into {names}, and move or drop them", "medium", True, True),
    "scan": Action("Scan {assets} not fully read", "low"),
    "refresh": Action("Confirm the outdated facts about {assets}", "low"),
    "decide": Action("Decide on the labels in review in {assets}", "low", True),
    "discover": Action("Discover what the source holds", "low"),
    "repair_reading": Action("Repair what keeps {assets} from being read", "medium", True),
    "label_view": Action("Label the columns of {assets} open to PUBLIC", "low", True),
    "report_grants": Action("Let the source report who may reach {assets}", "low"),
    "revoke_public": Action("Revoke {detail} from PUBLIC on {names}", "low", True),
    "reduce_readers": Action("Reduce who may read {names}", "medium", True),
    "revoke_generic": Action("Replace the generic accounts on {names} by personal ones", "medium", True),
    "enable_tls": Action("Turn on TLS for connections to the source", "medium"),
    "encrypt_at_rest": Action("Encrypt the storage of the source", "high"),
    "close_public_access": Action("Close the source to the public", "low"),
    "require_authentication": Action("Make the source ask for authentication", "medium"),
    "use_lesser_account": Action("Read the source with an account that is not a superuser", "low"),
    "enable_audit": Action("Turn on the audit log of the source", "medium"),
    "name_owner": Action("Name an owner for {assets} with {data}", "low", True),
    "declare": Action("Declare '{detail}' of the source", "low"),
    "establish": Action("Let a connection test establish '{detail}' of the source", "low"),
    "declare_asset": Action("Tag {assets} with '{detail}:...'", "low", True),
    "enter": Action("Enter {data} of {assets} in the register of processing", "low", True),
    "complete_entry": Action("Complete the register entries of {assets}", "low", True),
    "assess": Action("Assess the impact of processing {data} in {assets}", "high"),
    "sign_contract": Action("Sign contracts with those who receive {data}", "high"),
    "align_purposes": Action("Stop {data} from flowing to other purposes, from {assets}", "medium", True),
    "review": Action("Do the {detail} review of the source, and record it", "medium"),
    "record_incidents": Action("Keep the register of incidents here", "low"),
    "assess_incident": Action("Assess and notify the incidents that are late", "low"),
    "rehearse_request": Action("Rehearse a request of a data subject", "low"),
    "finish_request": Action("Finish the requests of data subjects that are late or incomplete", "medium"),
    "attest": Action("Attest to {detail}, with evidence", "low"),
    "mask_policy": Action("Make a policy that masks {data} in {assets}", "low"),
    "apply_policy": Action("Apply the masks of {data} to {assets}", "low", True),
    "forbid_policy": Action("Make a policy that forbids to take {data} away from {assets}", "low"),
    "permit_policy": Action("Make a policy that says who may read {data} in {assets}", "low"),
    "revoke_strangers": Action("Revoke the grants on {names} that no policy permits", "low", True, True),
    "set_period": Action("Set a retention period for {data} in {assets}", "low"),
    "purge": Action("Delete what is too old of {data} in {assets}", "medium", True),
    "clean_values": Action("Correct the malformed values of {columns} in {names}", "medium", True, True),
}

# What Sextant can do itself, or begin.
ACTED = frozenset({"scan", "refresh", "discover", "repair_reading", "revoke_public", "name_owner", "declare_asset"})


def advise(source_id: str, findings: Iterable[Actionable]) -> list[RecommendationView]:
    """The recommendations, the best first. Equal findings give equal recommendations."""
    groups: dict[tuple[str, str], list[Actionable]] = defaultdict(list)
    for finding in findings:
        verb = finding.action.partition(":")[0]
        groups[(finding.action, finding.subject if ACTIONS[verb].by_subject else "")].append(finding)
    everything = Counter(control for group in groups.values() for control in map(_control, group))
    made = [
        _recommend(source_id, action, subject, group, everything)
        for (action, subject), group in _bounded(groups).items()
    ]
    made.sort(key=lambda one: (-one[0], one[1].title, one[1].id))
    return [one.model_copy(update={"rank": rank}) for rank, (_, one) in enumerate(made, 1)]


def write_advice(session: Session, source_id: str, advice: list[RecommendationView]) -> int:
    """Stores the recommendations; what did not change is not written. Returns how many changed or went."""
    statement = select(Recommendation).where(Recommendation.source_id == source_id)
    stored = {row.id: RecommendationView.model_validate(row) for row in session.scalars(statement)}
    changed = [one for one in advice if stored.get(one.id) != one]
    gone = sorted(set(stored) - {one.id for one in advice})
    for one in changed:
        values: dict[str, Any] = one.model_dump(mode="json")
        upsert = insert(Recommendation).values(values)
        session.execute(upsert.on_conflict_do_update(index_elements=[Recommendation.id], set_=values))
    if gone:
        session.execute(delete(Recommendation).where(Recommendation.id.in_(gone)))
    session.expire_all()
    return len(changed) + len(gone)


def _bounded(groups: dict[tuple[str, str], list[Actionable]]) -> dict[tuple[str, str], list[Actionable]]:
    """The heaviest groups by subject as they are, and the rest of each action together as one."""
    kept: dict[tuple[str, str], list[Actionable]] = {}
    lone = sorted((key for key in groups if key[1]), key=lambda key: (-_risk(groups[key]), key))
    for key in [*(key for key in groups if not key[1]), *lone[:GROUPS]]:
        kept[key] = groups[key]
    for key in lone[GROUPS:]:
        kept.setdefault((key[0], ""), []).extend(groups[key])
    return kept


def _control(finding: Actionable) -> str:
    return f"{finding.framework} {finding.control}"


def _recommend(
    source_id: str, action: str, subject: str, group: list[Actionable], everything: Counter[str]
) -> tuple[float, RecommendationView]:  # fmt: skip
    """A recommendation without its rank, and the risk per effort that it is ranked by.

    It settles a control if nothing else of that control fails or lacks evidence: its verdict would be another one.
    """
    verb, _, detail = action.partition(":")
    group = sorted(group, key=lambda finding: (-_weight(finding), finding.subject_name, finding.control, finding.id))
    assets = [finding for finding in group if finding.subject != source_id] or group
    names = sorted({finding.subject_name for finding in assets})
    mine = Counter(map(_control, group))
    controls, settles = sorted(mine), sorted(name for name, number in mine.items() if everything[name] == number)
    title = ACTIONS[verb].title.format(
        assets=count(len(names), "asset"),
        names=listed(names, 3),
        columns=listed(sorted({column for finding in group for column in finding.columns}), 5),
        data=_data(group),
        detail=detail,
    )
    risk, number = round(_risk(group), 1), len(names) if ACTIONS[verb].each else 1
    made = RecommendationView(
        id=hashlib.sha256("\0".join((source_id, action, subject)).encode()).hexdigest()[:32],
        source_id=source_id,
        rank=0,
        action=action,
        title=title,
        why=_why(group, controls),
        subjects=tuple(sorted({finding.subject for finding in group})[:NAMED]),
        findings=tuple(finding.id for finding in group[:NAMED]),
        controls=tuple(controls),
        settles=tuple(settles),
        can_act=verb in ACTED,
        risk_removed=risk,
        effort=_effort(ACTIONS[verb].effort, number),
    )
    return risk / (EFFORT[ACTIONS[verb].effort] * number), made


def _effort(each: Effort, number: int) -> Effort:
    """The effort for so many assets: what is little for one is not for hundreds."""
    steps: tuple[Effort, ...] = ("low", "medium", "high")
    return steps[min(steps.index(each) + (number > MANY) + (number > VERY_MANY), 2)]


def _why(group: list[Actionable], controls: list[str]) -> str:
    failed = sum(1 for finding in group if finding.verdict == "FAIL")
    parts = [count(failed, "failed finding")] if failed else []
    if len(group) > failed:
        parts.append(count(len(group) - failed, "open question"))
    heaviest = group[0]
    return (
        f"Settles {' and '.join(parts)} under {count(len(controls), 'control')} ({listed(controls, 5)}). "
        f"{heaviest.subject_name}: {heaviest.reason}"
    )


def _data(group: list[Actionable]) -> str:
    """What the rules call the data, the words of the heaviest findings first, two of them at most."""
    words = list(dict.fromkeys(finding.data for finding in group if finding.data))
    return " and ".join(words[:2]) or "governed data"


def _weight(finding: Actionable) -> float:
    return WEIGHT[finding.severity] * (1.0 if finding.verdict == "FAIL" else OPEN_QUESTION)


def _risk(group: list[Actionable]) -> float:
    failed = sum(_weight(finding) for finding in group if finding.verdict == "FAIL")
    questions: dict[str, float] = defaultdict(float)
    for finding in group:
        if finding.verdict != "FAIL":
            questions[finding.subject] = max(questions[finding.subject], _weight(finding))
    return failed + sum(questions.values())
