"""Keeping facts by version: what is equal keeps its version, what changed gets the next one, nothing is overwritten."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.compliance import holdings
from actors.compliance.contract import FactDraft, FactKind, FactReceipt, RecordFacts
from actors.compliance.facts import Cited, Fact, FactSet, digest_of
from actors.compliance.tables import FactVersion
from cluster.errors import Internal, InvalidInput

# Ages of facts are judged in days, so an hour more or less is not worth a write for each of them.
CONFIRM_EVERY = timedelta(hours=1)
CHUNK = 1000
OF_HOLDING = ("asset", "labels", "coverage")
Key = tuple[str, str]


def record(session: Session, command: RecordFacts, now: datetime) -> FactReceipt:
    """Stores the facts of the command. Raises InvalidInput if one subject is given two facts of a kind."""
    drafts = {(draft.kind, draft.subject): draft for draft in command.facts}
    if len(drafts) < len(command.facts):
        raise InvalidInput("A subject is given two facts of the same kind.", "Name each subject once per kind.")
    every, kinds = bool(command.complete), {*command.complete, *(draft.kind for draft in command.facts)}
    latest = _latest(session, command.source_id, kinds, None if every else {draft.subject for draft in command.facts})
    fresh = [row for key, draft in drafts.items() if (row := _next(command.source_id, draft, latest.get(key), now))]
    replaced = {(row["kind"], row["subject"]) for row in fresh}
    standing = {key: known[0] for key, known in latest.items() if known[2]}
    gone = [key for key in standing if key[0] in command.complete and key not in drafts]
    back = [key for key in drafts if key in latest and key not in standing and key not in replaced]
    ended = [*gone, *(key for key in replaced if key in standing)]
    _set_current(session, command.source_id, [(*key, standing[key]) for key in ended], False)
    _set_current(session, command.source_id, [(*key, latest[key][0]) for key in back], True)
    for start in range(0, len(fresh), CHUNK):
        session.execute(insert(FactVersion), fresh[start : start + CHUNK])
    _confirm(session, command.source_id, drafts, now)
    holdings.renew(session, command.source_id, {key[1] for key in (*ended, *replaced, *back) if key[0] in OF_HOLDING})
    return FactReceipt(facts=len(drafts), changed=len(fresh) + len(back) + len(gone))


def current(session: Session, source_id: str, now: datetime, subjects: Collection[str] | None = None) -> FactSet:
    """The facts of a source as they stand; only those of some assets, of the source and of attestations if named."""
    return FactSet(source_id, standing(session, source_id, subjects), now)


def standing(
    session: Session, source_id: str, subjects: Collection[str] | None = None, kinds: Collection[FactKind] = ()
) -> Iterator[Fact]:
    """The same one by one, of these kinds if any are named."""
    columns = (FactVersion.kind, FactVersion.subject, FactVersion.version, FactVersion.digest)
    statement = select(*columns, FactVersion.value, FactVersion.observed_at)
    statement = statement.where(FactVersion.source_id == source_id, FactVersion.current)
    if subjects is not None:
        wanted = FactVersion.subject.in_({*subjects, source_id}) | (FactVersion.kind == "attestation")
        statement = statement.where(wanted)
    if kinds:
        statement = statement.where(FactVersion.kind.in_(kinds))
    for row in session.execute(statement.execution_options(yield_per=CHUNK)):
        yield Fact(Cited(*row[:4]), row[4], row[5])


def drop(session: Session, source_id: str, kind: FactKind, subjects: Collection[str]) -> None:
    """The facts of this kind about these subjects stand no more."""
    chosen = (FactVersion.source_id == source_id, FactVersion.kind == kind, FactVersion.subject.in_(subjects))
    if subjects:
        session.execute(update(FactVersion).where(*chosen, FactVersion.current).values(current=False))


def value_of(session: Session, source_id: str, kind: FactKind, subject: str) -> dict[str, Any] | None:
    """The value of one fact as it stands, None if there is none."""
    chosen = (FactVersion.source_id == source_id, FactVersion.kind == kind, FactVersion.subject == subject)
    return session.scalars(select(FactVersion.value).where(*chosen, FactVersion.current)).first()


def as_of(session: Session, source_id: str, refs: Iterable[Iterable[Any]], now: datetime) -> FactSet:
    """The facts in the versions that a finding cites. Raises Internal if one is missing or is not what it was."""
    wanted = [(str(kind), str(subject), int(version), str(digest)) for kind, subject, version, digest in refs]
    found: list[Fact] = []
    for start in range(0, len(wanted), CHUNK):
        found.extend(_versions(session, source_id, wanted[start : start + CHUNK]))
    return FactSet(source_id, found, now)


def _versions(session: Session, source_id: str, wanted: list[tuple[str, str, int, str]]) -> Iterator[Fact]:
    key = tuple_(FactVersion.kind, FactVersion.subject, FactVersion.version)
    statement = select(FactVersion).where(FactVersion.source_id == source_id, key.in_([want[:3] for want in wanted]))
    rows = {(row.kind, row.subject, row.version): row for row in session.scalars(statement)}
    for kind, subject, version, digest in wanted:
        row = rows.get((kind, subject, version))
        if row is None or digest_of(row.value) != digest:
            raise Internal(f"The fact '{kind}' of '{subject}' in version {version} is not what the finding stands on.")
        yield _fact(row)


def _latest(
    session: Session, source_id: str, kinds: Collection[str], subjects: Collection[str] | None
) -> dict[Key, tuple[int, str, bool]]:
    """Version, digest and whether it stands, of the newest version of each fact of these kinds and subjects."""
    columns = (FactVersion.kind, FactVersion.subject, FactVersion.version, FactVersion.digest, FactVersion.current)
    chosen = [FactVersion.source_id == source_id, FactVersion.kind.in_(kinds)]
    if subjects is not None:
        chosen.append(FactVersion.subject.in_(subjects))
    statement = (
        select(*columns)
        .where(*chosen)
        .ext(distinct_on(FactVersion.kind, FactVersion.subject))
        .order_by(FactVersion.kind, FactVersion.subject, FactVersion.version.desc())
    )
    return {
        (kind, subject): (version, digest, now) for kind, subject, version, digest, now in session.execute(statement)
    }


def _next(
    source_id: str, draft: FactDraft, known: tuple[int, str, bool] | None, now: datetime
) -> dict[str, Any] | None:
    digest = digest_of(draft.value)
    if known is not None and known[1] == digest:
        return None
    return {
        "source_id": source_id,
        "kind": draft.kind,
        "subject": draft.subject,
        "version": known[0] + 1 if known else 1,
        "value": draft.value,
        "digest": digest,
        "current": True,
        "observed_at": now,
    }


def _set_current(session: Session, source_id: str, keys: list[tuple[str, str, int]], value: bool) -> None:
    key = tuple_(FactVersion.kind, FactVersion.subject, FactVersion.version)
    for start in range(0, len(keys), CHUNK):
        chosen = (FactVersion.source_id == source_id, key.in_(keys[start : start + CHUNK]))
        session.execute(update(FactVersion).where(*chosen).values(current=value))


def _confirm(session: Session, source_id: str, keys: Iterable[Key], now: datetime) -> None:
    """Notes that the facts were seen again, where the last note is old enough to matter."""
    key = tuple_(FactVersion.kind, FactVersion.subject)
    old = (FactVersion.source_id == source_id, FactVersion.current, FactVersion.observed_at < now - CONFIRM_EVERY)
    outdated = [(row[0], row[1]) for row in session.execute(select(FactVersion.kind, FactVersion.subject).where(*old))]
    seen = sorted(set(outdated) & set(keys))
    for start in range(0, len(seen), CHUNK):
        chosen = key.in_(seen[start : start + CHUNK])
        session.execute(update(FactVersion).where(*old, chosen).values(observed_at=now))


def _fact(row: FactVersion) -> Fact:
    kind: Any = row.kind  # written from a FactKind
    return Fact(Cited(kind, row.subject, row.version, row.digest), row.value, row.observed_at)
