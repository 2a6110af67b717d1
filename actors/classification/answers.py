"""Keeping what models said: the answers of an asset's columns, replaced as a whole when they were asked anew."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actors.classification.contract import ColumnGuesses
from actors.classification.tables import Guessed
from cluster.naming import asset_id
from cluster.runtime.commands import UnitOfWork

Told = Mapping[str, Sequence[ColumnGuesses]]
"""Answers by column."""


def kept(session: Session, assets: Iterable[str]) -> Iterator[ColumnGuesses]:
    """What models said of the columns of these assets, by their ids."""
    statement = select(Guessed).where(Guessed.asset_id.in_(tuple(assets)))
    for row in session.scalars(statement.order_by(Guessed.asset_id, Guessed.column, Guessed.tier)):
        yield ColumnGuesses.model_validate({name: getattr(row, name) for name in ColumnGuesses.model_fields})


def answers_of(
    work: UnitOfWork, source_id: str, assets: Iterable[str], given: Sequence[ColumnGuesses] | None
) -> dict[str, Told]:
    """The answers that count from now on, by asset and column. `given` take the place of the stored ones of these
    assets; None leaves those."""
    paths = {asset_id(source_id, path): path for path in assets}
    answers = list(kept(work.session, paths)) if given is None else _replaced(work, source_id, paths, given)
    found: dict[str, dict[str, list[ColumnGuesses]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        found[answer.asset][answer.column].append(answer)
    return dict(found)


def _replaced(
    work: UnitOfWork, source_id: str, paths: Mapping[str, str], given: Sequence[ColumnGuesses]
) -> Sequence[ColumnGuesses]:
    session = work.session
    rows = {
        (row.asset_id, row.column, row.tier): row
        for row in session.scalars(select(Guessed).where(Guessed.asset_id.in_(tuple(paths))))
    }
    wanted = {(asset_id(source_id, answer.asset), answer.column, answer.tier): answer for answer in given}
    for key, row in rows.items():
        if key not in wanted:
            session.delete(row)
    for (identifier, column, tier), answer in wanted.items():
        row = rows.get((identifier, column, tier)) or Guessed(asset_id=identifier, column=column, tier=tier)
        if (row.question, row.model) == (answer.question, answer.model):
            continue
        row.source_id, row.asset, row.asked_at = source_id, answer.asset, work.now
        row.question, row.model = answer.question, answer.model
        row.guesses = [guess.model_dump(mode="json") for guess in answer.guesses]
        session.add(row)
    return given


def forget(session: Session, source_id: str, identifier: str) -> None:
    """Drops the answers about an asset that is gone."""
    session.execute(delete(Guessed).where(Guessed.asset_id == identifier, Guessed.source_id == source_id))
