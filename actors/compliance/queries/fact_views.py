"""Facts as they stand, what checks say of them just now, and how far changed ones were followed."""

from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.compliance import sight
from actors.compliance.contract import Explained, FactKind, FactView
from actors.compliance.frameworks import chosen
from actors.compliance.tables import FactVersion, Followed, Judged
from cluster.context import Caller
from cluster.errors import NotFound


def told_of(session: Session, source_id: str) -> bool:
    """Whether any fact of the source was ever recorded."""
    return (
        session.scalars(select(FactVersion.source_id).where(FactVersion.source_id == source_id).limit(1)).first()
        is not None
    )


def facts(
    session: Session,
    source_id: str,
    kind: FactKind | None = None,
    subject: str | None = None,
    *,
    after: str | None = None,
    limit: int = 100,
    caller: Caller = sight.EVERYBODY,
) -> list[FactView]:
    """The facts of a source as they stand, in the order of kind and subject; `after` is "kind/subject"."""
    key = func.concat(FactVersion.kind, "/", FactVersion.subject).collate("C")
    statement = select(FactVersion).where(FactVersion.source_id == source_id, FactVersion.current, sight.facts(caller))
    for column, value in ((FactVersion.kind, kind), (FactVersion.subject, subject)):
        statement = statement.where(column == value) if value is not None else statement
    if after is not None:
        statement = statement.where(key > after)
    rows = session.scalars(statement.order_by(key).limit(limit))
    return [sight.shown(session, FactView.model_validate(row), caller) for row in rows]


def explain(
    session: Session, source_id: str, framework: str, control: str, *, limit: int = 100,
    caller: Caller = sight.EVERYBODY,
) -> list[Explained]:  # fmt: skip
    """What the checks of a control say of each subject just now, NOT_APPLICABLE ones with their reason as well."""
    facts = sight.current(session, source_id, datetime.now(UTC), caller=caller)
    on_source = not sight.veiled(session, source_id, caller)
    uses = [use for use in chosen(session, (framework,))[0].uses if use.control.id == control]
    if not uses:
        raise NotFound(f"The framework '{framework}' has no control '{control[:60]}'.", "Read the framework.")
    told = (
        Explained(check=use.check.id, subject=one.subject, name=one.name, verdict=one.verdict, reason=one.reason)
        for use in uses
        if on_source or use.check.scope != "source"
        for one in use.check.function(facts, use.parameters)
    )
    return list(islice(told, limit))


def followed(session: Session) -> int | None:
    """Up to which event changed facts were followed, None if never."""
    return session.scalars(select(Followed.seq)).first()


def evaluated_sources(session: Session) -> list[str]:
    """The sources that were evaluated at least once."""
    return list(session.scalars(select(Judged.source_id).distinct().order_by(Judged.source_id)))
