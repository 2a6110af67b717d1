"""Tables of the rule sets group."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base


class RuleSet(Base):
    """One version of a rule set; versions are never changed, only the order of evaluation is."""

    __tablename__ = "rule_set"
    __table_args__ = {"schema": "rulesets"}  # noqa: RUF012 - the name and form SQLAlchemy asks for
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    spec: Mapped[dict[str, Any]]
    digest: Mapped[str]
    order: Mapped[list[str]]
    detectors: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
