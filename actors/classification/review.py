"""The review queue: the labels that wait for a person, the one most worth asking about first."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, Numeric, case, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from actors.classification.contract import ReviewItem
from actors.classification.queries import LabelFilter, label_view, matching
from actors.classification.tables import Label
from cluster.detectors.taxonomy import SENSITIVITIES
from cluster.errors import InvalidInput

STAKES: Final = {name: float(1 << place) for place, name in enumerate(SENSITIVITIES)}
AT_ONCE: Final = 1000
WAITING: Final = or_(Label.state == "review", Label.drifted)
# Columns of different spellings of one name are alike: `EmailAddress`, `email_address`.
_KEY: Final[ColumnElement[str]] = func.lower(func.regexp_replace(Label.column, "[^[:alnum:]]+", "", "g"))


def queue(session: Session, wanted: LabelFilter, after: str | None = None, limit: int = 50) -> list[ReviewItem]:
    """The labels that wait, the one whose answer is worth most first, beginning behind the item `after`.

    `after` is "value:id" of an item as `cursor` writes it. Raises InvalidInput where it is not.
    """
    waiting = _waiting(wanted)
    statement = select(Label, waiting.c.value, waiting.c.alike).join(waiting, waiting.c.id == Label.id)
    if after is not None:
        statement = statement.where(tuple_(-waiting.c.value, waiting.c.id) > _place(after))
    rows = session.execute(statement.order_by(waiting.c.value.desc(), waiting.c.id).limit(min(limit, AT_ONCE)))
    return [ReviewItem(label=label_view(row), value=value, alike=alike) for row, value, alike in rows]


def cursor(item: ReviewItem) -> str:
    """Where the queue goes on behind an item."""
    return f"{item.value}:{item.label.id}"


def _waiting(wanted: LabelFilter) -> Any:
    """Id, worth and number of like ones of every label that waits; see `ReviewItem` for the formula."""
    machine = func.coalesce(cast(Label.machine["confidence"].as_string(), Float), 0.0)
    doubt = case((Label.drifted, literal(1.0)), else_=1.0 - func.abs(2.0 * machine - 1.0))
    stake = case(STAKES, value=Label.sensitivity, else_=1.0)
    like = func.count().over(partition_by=(Label.data_class, _KEY))
    value = func.round(cast(stake * doubt, Numeric) * func.log(2, 1 + like), 6)
    every = select(Label.id, cast(value, Float).label("value"), like.label("alike")).where(WAITING).subquery()
    if wanted == LabelFilter():
        return every
    chosen = matching(wanted).with_only_columns(Label.id).subquery()
    return select(every).join(chosen, chosen.c.id == every.c.id).subquery()


def _place(after: str) -> tuple[float, str]:
    value, _, identifier = after.partition(":")
    try:
        return -float(value), identifier
    except ValueError:
        raise InvalidInput("This is no cursor of the review queue.", "Take `next` of the page before.") from None


def alike(session: Session, label: Label) -> Iterator[Label]:
    """The labels that wait and are like this one, at most 1,000: of its class, on columns of its name."""
    key = session.execute(select(_KEY).where(Label.id == label.id)).scalar_one()
    like = select(Label).where(Label.data_class == label.data_class, _KEY.in_((key,)), WAITING)
    yield from session.scalars(like.order_by(Label.id).limit(AT_ONCE))
