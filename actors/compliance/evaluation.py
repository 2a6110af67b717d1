"""From facts and frameworks to findings: pure, so that a stored verdict can be reached again from what it stands on."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from actors.compliance.contract import Verdict
from actors.compliance.facts import Cited, Fact, FactSet
from actors.compliance.judgement import Judgement
from actors.compliance.packs import Use

Key = tuple[str, str, str, str]  # framework, control, check, subject
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
    references: str
    stale: tuple[str, ...]
    rule_digest: str
    on_source: bool

    @property
    def key(self) -> Key:
        return (self.framework, self.control, self.check, self.subject)

    def content(self) -> str:
        """128 bits of SHA-256 of all that a change would show in."""
        said = (self.subject_name, self.verdict, self.severity, self.reason, self.action, self.references)
        return _hashed((*self.key, *said, self.rule_digest, "\2", *self.stale, "\2", *self.columns))

    def statement(self) -> str:
        """128 bits of SHA-256 of what two runs on equal data have in common: no ids, no times, no versions of facts.

        The name of a source is not of its data, so a finding on the source as a whole is stated without it.
        """
        name = "" if self.on_source else self.subject_name
        said = (self.framework, self.control, self.check, name, self.verdict, self.severity, self.reason)
        return _hashed((*said, "\2", *self.columns))


def fingerprint(source_id: str, key: Key) -> str:
    """SHA-256 over framework, control, check, source and subject: the same finding in every evaluation."""
    framework, control, check, subject = key
    return _sha256("\0".join((framework, control, check, source_id, subject)))


def evaluate(uses: Iterable[Use], facts: FactSet, standing: Collection[Key] = frozenset()) -> dict[Key, Draft]:
    """Runs the checks. What is NOT_APPLICABLE has a draft only if it is `standing`: it is known by being in none."""
    found: dict[Key, Draft] = {}
    citing = Citing()
    for use in uses:
        oldest = facts.now - timedelta(days=use.control.max_fact_age_days)
        aged = facts.oldest < oldest
        for judgement in use.check.function(facts, use.parameters):
            key = (use.framework, use.control.id, use.check.id, judgement.subject)
            stale = stale_kinds(judgement, oldest) if aged else ()
            if judgement.verdict != "NOT_APPLICABLE" or stale or key in standing:
                found[key] = draft(use, judgement, stale, facts.source_id, citing)
    return found


class Citing:
    """How facts are cited, worked out once for those that many judgements stand on."""

    def __init__(self) -> None:
        self._known: dict[tuple[Fact, ...], tuple[tuple[Cited, ...], str]] = {}

    def of(self, facts: tuple[Fact, ...]) -> tuple[tuple[Cited, ...], str]:
        """The versions of the facts, and the same as JSON."""
        found = self._known.get(facts)
        if found is None:
            references = f"[{','.join([fact.reference for fact in facts])}]"
            found = self._known[facts] = (tuple(fact.cited for fact in facts), references)
        return found


def stale_kinds(judgement: Judgement, oldest: datetime) -> tuple[str, ...]:
    """The kinds of fact that were last observed before `oldest`."""
    kinds = {fact.cited.kind for fact in judgement.facts if fact.observed_at is not None and fact.observed_at < oldest}
    return tuple(sorted(kinds))


def draft(use: Use, judgement: Judgement, stale: tuple[str, ...], source_id: str, citing: Citing) -> Draft:
    """The finding that follows from a judgement. What passed on facts that are too old lacks evidence."""
    verdict, reason, action = judgement.verdict, judgement.reason, judgement.action
    if stale and verdict in {"PASS", "NOT_APPLICABLE"}:
        days = use.control.max_fact_age_days
        reason = f"The facts were last confirmed more than {days} days ago ({', '.join(stale)}). Then: {reason}"
        verdict, action = "INSUFFICIENT_EVIDENCE", "refresh"
    else:
        stale = ()
    cited, references = citing.of(judgement.facts)
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
        facts=cited,
        references=references,
        stale=stale,
        rule_digest=use.digest,
        on_source=judgement.subject == source_id,
    )


def withdrawn(key: Key, subject_name: str, severity: str, rule_digest: str, source_id: str) -> Draft:
    """The finding on a subject, or by a control, that is no longer there."""
    framework, control, check, subject = key
    return Draft(
        framework, control, check, subject, subject_name, "NOT_APPLICABLE", severity, WITHDRAWN, "", (), (), "[]", (),
        rule_digest, subject == source_id,
    )  # fmt: skip


def again(use: Use, facts: FactSet, subject: str, stale: tuple[str, ...]) -> Draft | None:
    """The finding on one subject, reached again from these facts; None if the check says nothing about it."""
    judgements: Iterator[Judgement] = iter(use.check.function(facts, use.parameters))
    for judgement in judgements:
        if judgement.subject == subject:
            return draft(use, judgement, stale, facts.source_id, Citing())
    return None


def state_of(verdict: str, before: str | None) -> str:
    """open: it fails, or failed before and the evidence that it no longer does is missing; resolved: it failed once."""
    if verdict == "FAIL":
        return "open"
    if before is None or before == "informative":
        return "informative"
    return "open" if before == "open" and verdict == "INSUFFICIENT_EVIDENCE" else "resolved"


def _hashed(parts: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
