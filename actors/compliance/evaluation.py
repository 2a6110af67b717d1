"""From facts and frameworks to findings: pure, so that a stored verdict can be reached again from what it stands on."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from actors.compliance.contract import Verdict
from actors.compliance.facts import Cited, FactSet, canonical
from actors.compliance.judgement import Judgement
from actors.compliance.packs import Framework, Use

Key = tuple[str, str, str, str]  # framework, control, check, subject
Reasons = Counter[tuple[str, str, str, str]]  # framework, control, check, reason
WITHDRAWN = "No longer judged: the subject is gone from the source, or the control has changed."


class Draft(NamedTuple):
    """A finding before it is compared with what stands."""

    framework: str
    control: str
    check: str
    subject: str
    subject_name: str
    verdict: Verdict
    severity: str
    reason: str
    action: str
    columns: tuple[str, ...]
    facts: tuple[Cited, ...]
    stale: tuple[str, ...]
    rule_digest: str
    on_source: bool

    @property
    def key(self) -> Key:
        return (self.framework, self.control, self.check, self.subject)

    def content(self) -> str:
        """SHA-256 of all that a change would show in."""
        return _sha256(canonical(self))

    def statement(self) -> str:
        """SHA-256 of what two runs on equal data have in common: no ids, no times, no versions of facts.

        The name of a source is not of its data, so a finding on the source as a whole is stated without it.
        """
        name = "" if self.on_source else self.subject_name
        said = [self.framework, self.control, self.check, name, self.verdict, self.severity, self.reason, *self.columns]
        return _sha256(canonical(said))


@dataclass
class Evaluation:
    """What an evaluation found: drafts by key, and how many subjects are not concerned, by reason."""

    drafts: dict[Key, Draft] = field(default_factory=dict)
    not_applicable: Reasons = field(default_factory=Counter)


def fingerprint(source_id: str, key: Key) -> str:
    """SHA-256 over framework, control, check, source and subject: the same finding in every evaluation."""
    framework, control, check, subject = key
    return _sha256("\0".join((framework, control, check, source_id, subject)))


def evaluate(
    framework: Framework, facts: FactSet, now: datetime, standing: Collection[Key] = frozenset()
) -> Evaluation:
    """Runs every check of every control. What is NOT_APPLICABLE is counted; it has a draft only if it is `standing`."""
    found = Evaluation()
    for use in framework.uses:
        oldest = now - timedelta(days=use.control.max_fact_age_days)
        for judgement in use.check.function(facts, use.parameters):
            made = draft(use, judgement, stale_kinds(judgement, oldest), facts.source_id)
            if made.verdict == "NOT_APPLICABLE":
                found.not_applicable[(*made.key[:3], made.reason)] += 1
            if made.verdict != "NOT_APPLICABLE" or made.key in standing:
                found.drafts[made.key] = made
    return found


def stale_kinds(judgement: Judgement, oldest: datetime) -> tuple[str, ...]:
    """The kinds of fact that were last observed before `oldest`."""
    kinds = {fact.cited.kind for fact in judgement.facts if fact.observed_at is not None and fact.observed_at < oldest}
    return tuple(sorted(kinds))


def draft(use: Use, judgement: Judgement, stale: tuple[str, ...], source_id: str) -> Draft:
    """The finding that follows from a judgement. What passed on facts that are too old lacks evidence."""
    verdict, reason, action = judgement.verdict, judgement.reason, judgement.action
    if stale and verdict in {"PASS", "NOT_APPLICABLE"}:
        days = use.control.max_fact_age_days
        reason = f"The facts were last confirmed more than {days} days ago ({', '.join(stale)}). Then: {reason}"
        verdict, action = "INSUFFICIENT_EVIDENCE", "refresh"
    else:
        stale = ()
    return Draft(
        framework=use.framework,
        control=use.control.id,
        check=use.check.id,
        subject=judgement.subject,
        subject_name=judgement.name,
        verdict=verdict,
        severity=use.control.severity,
        reason=reason,
        action=action,
        columns=judgement.columns,
        facts=tuple(fact.cited for fact in judgement.facts),
        stale=stale,
        rule_digest=use.digest,
        on_source=judgement.subject == source_id,
    )


def withdrawn(key: Key, subject_name: str, severity: str, rule_digest: str, source_id: str) -> Draft:
    """The finding on a subject, or by a control, that is no longer there."""
    framework, control, check, subject = key
    return Draft(
        framework, control, check, subject, subject_name, "NOT_APPLICABLE", severity, WITHDRAWN, "", (), (), (),
        rule_digest, subject == source_id,
    )  # fmt: skip


def again(use: Use, facts: FactSet, subject: str, stale: tuple[str, ...]) -> Draft | None:
    """The finding on one subject, reached again from these facts; None if the check says nothing about it."""
    judgements: Iterator[Judgement] = iter(use.check.function(facts, use.parameters))
    for judgement in judgements:
        if judgement.subject == subject:
            return draft(use, judgement, stale, facts.source_id)
    return None


def state_of(verdict: str, before: str | None) -> str:
    """open: it fails, or failed before and the evidence that it no longer does is missing; resolved: it failed once."""
    if verdict == "FAIL":
        return "open"
    if before is None or before == "informative":
        return "informative"
    return "open" if before == "open" and verdict == "INSUFFICIENT_EVIDENCE" else "resolved"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
