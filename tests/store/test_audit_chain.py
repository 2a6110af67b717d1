"""A forged audit log does not fit, whatever column was touched and however well the rest was made to match."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cluster.security.audit import AuditDraft, append_audit, entry_hash, verify
from cluster.store.engine import make_engine
from cluster.store.tables import AuditEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        for number in range(5):
            append_audit(session, [draft(f"p{number}")], NOW + timedelta(seconds=number))
        assert verify(session).broken_at is None
        yield session
    engine.dispose()


def draft(principal: str) -> AuditDraft:
    return AuditDraft(principal=principal, action="people.Add", entity="person:x", outcome="done", request_id="r")


def entry(session: Session, seq: int) -> dict[str, Any]:
    columns = list(AuditEntry.__table__.columns)
    return dict(session.execute(select(*columns).where(AuditEntry.seq == seq)).mappings().one())


def write(session: Session, seq: int, **values: Any) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.seq == seq).values(**values))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", NOW - timedelta(days=1)), ("principal", "someone"), ("action", "people.Drop"), ("entity", "person:y"),
        ("outcome", "forbidden"), ("request_id", "other"), ("previous_hash", "1" * 64), ("hash", "1" * 64),
    ],
)  # fmt: skip
def test_no_column_can_be_changed(session: Session, column: str, value: Any) -> None:
    write(session, 3, **{column: value})
    assert verify(session).broken_at == 3


def test_an_entry_with_a_hash_made_to_fit_does_not_fit_the_next(session: Session) -> None:
    forged = entry_hash({**entry(session, 3), "principal": "someone"})
    write(session, 3, principal="someone", hash=forged)
    assert verify(session).broken_at == 4


def test_a_link_made_to_fit_as_well_breaks_the_entry_that_holds_it(session: Session) -> None:
    forged = entry_hash({**entry(session, 3), "principal": "someone"})
    write(session, 3, principal="someone", hash=forged)
    write(session, 4, previous_hash=forged)
    assert verify(session).broken_at == 4


def test_a_number_may_not_be_left_out(session: Session) -> None:
    row = {**draft("late").model_dump(), "seq": 7, "at": NOW, "previous_hash": entry(session, 5)["hash"]}
    session.execute(insert(AuditEntry), [{**row, "hash": entry_hash(row)}])
    assert verify(session).broken_at == 6


def test_one_flipped_byte_anywhere_is_found_and_located(session: Session) -> None:
    dice, texts = random.Random(0), ("principal", "action", "entity", "outcome", "request_id", "previous_hash", "hash")
    for _ in range(60):
        seq, column = dice.randint(1, 5), dice.choice(texts)
        with session.begin_nested() as attempt:
            text = entry(session, seq)[column]
            place = dice.randrange(len(text))
            flipped = chr(ord(text[place]) ^ 1)
            write(session, seq, **{column: text[:place] + flipped + text[place + 1 :]})
            assert verify(session).broken_at == seq, (seq, column, place)
            attempt.rollback()
    assert verify(session).broken_at is None
