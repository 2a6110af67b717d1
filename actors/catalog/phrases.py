"""Keeping the vectors of phrases: which ones wait for one, and what the model said."""

from typing import Final

from sqlalchemy import bindparam, cast, func, select, update
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from actors.catalog import vectors
from actors.catalog.contract import CatalogReceipt, PrepareSearch, RecordVectors
from actors.catalog.document import refresh
from actors.catalog.meanings import DOCUMENT
from actors.catalog.search_tables import Phrase
from actors.catalog.tables import Asset
from cluster.runtime.commands import UnitOfWork

AT_ONCE: Final = 256
REBUILT: Final = 2_000


def pending(session: Session, most: int = AT_ONCE) -> list[tuple[int, str]]:
    """Phrases without a vector, the oldest first."""
    statement = select(Phrase.id, Phrase.text).where(Phrase.vector.is_(None)).order_by(Phrase.id).limit(most)
    return [(number, told) for number, told in session.execute(statement)]


def record(work: UnitOfWork, command: RecordVectors) -> CatalogReceipt:
    """Stores vectors; one of another length than the index holds is refused by the database."""
    rows = [{"which": number, "told": list(vector)} for number, vector in command.vectors.items()]
    statement = update(Phrase).where(Phrase.id == bindparam("which"))
    if rows:
        work.session.connection().execute(statement.values(vector=bindparam("told"), model=command.model), rows)
    return CatalogReceipt(entries=len(rows), changed=len(rows))


def prepare(work: UnitOfWork, command: PrepareSearch) -> CatalogReceipt:
    """Makes the index if it can be, forgets vectors of other models, and makes documents of an older kind anew.

    Of these 2,000 at once; `changed` counts them, so that whoever asks goes on until it is 0.
    """
    session = work.session
    vectors.make_index(session)
    if command.model is not None:
        other = Phrase.model.is_distinct_from(command.model) & Phrase.vector.is_not(None)
        session.execute(update(Phrase).where(other).values(vector=None, model=None))
    older = Asset.document.is_(None) | ~Asset.document.bool_op("@@")(cast(func.quote_literal(DOCUMENT), TSQUERY))
    old = list(session.scalars(select(Asset.id).where(older).limit(REBUILT)))
    refresh(session, old)
    return CatalogReceipt(entries=len(old), changed=len(old))
