"""The read side of the rule sets group."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.rulesets.contract import RuleSetView
from actors.rulesets.tables import RuleSet
from cluster.errors import NotFound


def current(session: Session, name: str) -> RuleSetView:
    """The latest version of a rule set. Raises NotFound."""
    row = latest(session, name)
    if row is None:
        raise NotFound(f"There is no rule set '{name}'.", "List the rule sets to see their names.")
    return RuleSetView.model_validate(row)


def latest(session: Session, name: str) -> RuleSet | None:
    """The stored latest version, if there is one."""
    statement = select(RuleSet).where(RuleSet.name == name).order_by(RuleSet.version.desc()).limit(1)
    return session.scalars(statement).first()


def versions(session: Session, name: str) -> list[RuleSetView]:
    """All versions of a rule set, the latest first. Raises NotFound."""
    statement = select(RuleSet).where(RuleSet.name == name).order_by(RuleSet.version.desc())
    found = [RuleSetView.model_validate(row) for row in session.scalars(statement)]
    if not found:
        raise NotFound(f"There is no rule set '{name}'.", "List the rule sets to see their names.")
    return found


def list_rule_sets(session: Session, after: str | None = None, limit: int = 100) -> list[RuleSetView]:
    """The latest version of each rule set in the order of names, beginning behind `after`."""
    newest = select(RuleSet.name, func.max(RuleSet.version).label("version")).group_by(RuleSet.name).subquery()
    statement = select(RuleSet).join(newest, (RuleSet.name == newest.c.name) & (RuleSet.version == newest.c.version))
    if after:
        statement = statement.where(RuleSet.name > after)
    return [RuleSetView.model_validate(row) for row in session.scalars(statement.order_by(RuleSet.name).limit(limit))]
