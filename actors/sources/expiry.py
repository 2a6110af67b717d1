"""When credentials run out: told of before it happens and when it has, once each."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from actors.sources.contract import WatchCredentials
from actors.sources.health import Standing
from actors.sources.health_recording import note_credential
from actors.sources.health_tables import Health
from actors.sources.lifetimes import EXPIRED, NOTICE, State, state_of
from actors.sources.tables import Source
from cluster.naming import source_entity
from cluster.runtime.commands import Done, UnitOfWork
from cluster.security.credentials import CredentialView, running_out


def untold(session: Session, now: datetime) -> list[tuple[CredentialView, State]]:
    """The credentials of sources in service that run out or have run out, which was not told yet."""
    found: list[tuple[CredentialView, State]] = []
    for credential in running_out(session, now + NOTICE):
        source, state = session.get(Source, credential.owner), state_of(credential, now)
        row = session.get(Health, credential.owner)
        told = Standing.model_validate(row.standing).told if row is not None else ""
        if source is not None and source.state != "retired" and state != "valid" and told != _mark(credential, state):
            found.append((credential, state))
    return found


def watch_credentials(work: UnitOfWork, command: WatchCredentials) -> Done:
    """Repeating it tells nothing again. A source whose credential has expired is `auth_failed` until it has another."""
    for credential, state in untold(work.session, work.now):
        told = {"source_id": credential.owner, "expires_at": credential.expires_at}
        work.emit(f"credential_{state}", source_entity(credential.owner), after=told)
        diagnosis = EXPIRED if state == "expired" else None
        note_credential(work, credential.owner, _mark(credential, state), diagnosis)
    return Done()


def _mark(credential: CredentialView, state: State) -> str:
    """What was told, and of which end: the same words in whatever time zone a session of the database reads it."""
    assert credential.expires_at is not None
    return f"{state} {credential.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
