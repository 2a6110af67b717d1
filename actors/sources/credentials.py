"""Setting, rotating and sealing the credentials of sources."""

from datetime import UTC, datetime

from pydantic import SecretStr

from actors.sources import health_recording, queries
from actors.sources.contract import (
    DropKey,
    KeyRingView,
    RotateCredential,
    RotateKeys,
    SetCredential,
    SourceView,
    TestView,
)
from actors.sources.standing import changed, in_service
from actors.sources.tables import ConnectionTest
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork
from cluster.security import credentials, keyring
from cluster.security.references import schemes_of
from cluster.security.secrets import seal, unseal

_LAST = datetime(9999, 1, 1, tzinfo=UTC)  # a later one may be of no year in another time zone


def set_credential(work: UnitOfWork, command: SetCredential) -> SourceView:
    """Repeating it changes nothing."""
    row = in_service(work, command.source_id)
    before = queries.view(row)
    plain = acceptable(command.credential, command.expires_at, work.now)
    if not credentials.put(work.session, row.id, plain, work.now, command.expires_at):
        return before
    row.has_credential = bool(plain)
    health_recording.credential_renewed(work, row.id)
    return changed(work, row, before, "credential_set")


def rotate_credential(work: UnitOfWork, command: RotateCredential) -> TestView:
    """Queues the test; `adopt` ends it."""
    row = in_service(work, command.source_id)
    plain = acceptable(command.credential, command.expires_at, work.now)
    if not plain:
        raise InvalidInput("There is no credential to try.", "Give one, or take the old one away with PUT.")
    test = ConnectionTest(
        id=new_id(), source_id=row.id, state="queued", passed=None, steps=[], requested_at=work.now, rotates=True,
        candidate=seal(plain, row.id), candidate_expires_at=command.expires_at,
    )  # fmt: skip
    work.session.add(test)
    work.session.flush()
    return queries.test_view(test)


def adopt(work: UnitOfWork, test: ConnectionTest, *, passed: bool) -> None:
    """Makes the credential that a test tried the one of its source, or forgets it."""
    if test.candidate is None:
        return
    plain, row = unseal(test.candidate, test.source_id), queries.row_of(work.session, test.source_id)
    before = queries.view(row)
    test.candidate = None
    if passed and row.state != "retired":
        credentials.put(work.session, row.id, plain, work.now, test.candidate_expires_at)
        row.has_credential = True
        health_recording.credential_renewed(work, row.id)
        changed(work, row, before, "credential_set")
    elif row.state != "retired":
        work.emit("credential_refused", source_entity(row.id), after={"source_id": row.id, "test_id": test.id})


def rotate_keys(work: UnitOfWork, command: RotateKeys) -> KeyRingView:
    """A new key that is in the ring although this is not committed does no harm."""
    if command.new_master_key:
        keyring.add_key()
    count = credentials.use_current_key(work.session, new_data_keys=command.new_data_keys)
    found = queries.key_ring(work.session).model_copy(update={"changed": count})
    work.emit("keys_rotated", "keys:master", after={"current": found.keys[0].id, "credentials": count})
    return found


def drop_key(work: UnitOfWork, command: DropKey) -> KeyRingView:
    """Takes the key out of the ring's file."""
    known = queries.key_ring(work.session)
    key = next((key for key in known.keys if key.id == command.key_id), None)
    if key is None:
        raise NotFound("There is no such master key.", "List the keys to see their ids.")
    if key.credentials:
        raise Conflict(f"{key.credentials} credentials are wrapped with this key.", "Rotate the keys first.")
    keyring.drop_key(bytes.fromhex(command.key_id))
    work.emit("key_dropped", "keys:master", after={"key": command.key_id})
    return queries.key_ring(work.session)


def acceptable(credential: dict[str, SecretStr], expires_at: datetime | None, now: datetime) -> dict[str, str]:
    """The credential in clear. Raises InvalidInput for a reference that is none, or a time that is not to come."""
    plain = {name: secret.get_secret_value() for name, secret in credential.items()}
    schemes_of(plain)
    if expires_at is not None and not (expires_at.tzinfo and now < expires_at < _LAST):
        raise InvalidInput(
            "The credential expires in the past, beyond the calendar, or at a time without zone.", "Give a later time."
        )
    return plain
