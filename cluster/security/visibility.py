"""Which assets a caller may see: those in no compartment, and those all of whose compartments the caller belongs to.

A compartment is a set of assets that its members alone may see; the catalog makes one of a restricted domain. Members
are named by principal or by role. Who has `access:unrestricted` (administrators, by "*") sees everything, and so do
the groups' own loops. What is hidden is left out before anything is counted, ranked or walked.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, insert, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from cluster.context import Caller
from cluster.errors import Forbidden
from cluster.store.tables import CompartmentMember, Concealed, Principal

ROLE = "role:"


def visible(caller: Caller, asset_id: InstrumentedAttribute[str] | ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that the asset named by a column is one that the caller may see."""
    if caller.sees_all:
        return true()
    hides = select(Concealed.asset_id).where(Concealed.asset_id == asset_id)
    if caller.compartments:
        hides = hides.where(Concealed.compartment.not_in(sorted(caller.compartments)))
    return ~hides.correlate_except(Concealed).exists()


def hidden(session: Session, caller: Caller, assets: Iterable[str]) -> set[str]:
    """Which of these assets the caller may not see."""
    identifiers = sorted(set(assets))
    if caller.sees_all or not identifiers:
        return set()
    statement = select(Concealed.asset_id).where(Concealed.asset_id.in_(identifiers))
    if caller.compartments:
        statement = statement.where(Concealed.compartment.not_in(sorted(caller.compartments)))
    return set(session.scalars(statement))


def admitted(session: Session, caller: Caller, roles: Iterable[str]) -> Caller:
    """The caller with the compartments that its name or one of its roles belongs to."""
    if caller.sees_all:
        return caller
    names = [caller.principal, *(ROLE + role for role in roles)]
    mine = select(CompartmentMember.compartment).where(CompartmentMember.member.in_(names)).distinct()
    within = caller.model_copy(update={"compartments": frozenset(session.scalars(mine))})
    return within.model_copy(update={"limited": limited(session, within)})


def limited(session: Session, caller: Caller) -> bool:
    """Whether any asset is hidden from the caller at this moment."""
    if caller.sees_all:
        return False
    others = select(Concealed.asset_id)
    if caller.compartments:
        others = others.where(Concealed.compartment.not_in(sorted(caller.compartments)))
    return session.execute(others.limit(1)).first() is not None


def require_all(caller: Caller) -> None:
    """For views that tell of assets without asking which: raises Forbidden for a caller from whom some are hidden."""
    if caller.limited and not caller.sees_all:
        raise Forbidden(
            "This view is not limited to what you may see, and some assets are hidden from you.",
            "Read the catalog instead, or ask for membership of the restricted domains.",
        )


def set_members(session: Session, compartment: str, members: Iterable[str]) -> None:
    """Replaces the members of a compartment."""
    session.execute(delete(CompartmentMember).where(CompartmentMember.compartment == compartment))
    rows = [{"compartment": compartment, "member": member} for member in sorted(set(members))]
    if rows:
        session.execute(insert(CompartmentMember), rows)


def members_of(session: Session, compartment: str) -> tuple[str, ...]:
    """The members of a compartment in order."""
    statement = select(CompartmentMember.member).where(CompartmentMember.compartment == compartment)
    return tuple(session.scalars(statement.order_by(CompartmentMember.member)))


def conceal(session: Session, asset_id: str, compartments: Iterable[str]) -> None:
    """Puts an asset into exactly these compartments; none makes it visible to all."""
    session.execute(delete(Concealed).where(Concealed.asset_id == asset_id))
    rows = [{"asset_id": asset_id, "compartment": compartment} for compartment in sorted(set(compartments))]
    if rows:
        session.execute(insert(Concealed), rows)


def roles_of(session: Session, principal: str) -> list[str]:
    """The roles of a principal; none for one that is not known."""
    row = session.get(Principal, principal)
    return list(row.roles) if row else []
