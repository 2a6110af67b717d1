"""The frameworks that are known: those that are shipped, and those that an organisation imported as one file."""

from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.compliance.packs import Framework, FrameworkPack, assemble, load_frameworks
from actors.compliance.tables import Record
from cluster.errors import Conflict, NotFound
from cluster.packs import parse_pack


@lru_cache(maxsize=64)
def parse(content: str) -> Framework:
    """A framework from the text of a pack. Raises PackInvalid naming what is wrong in it."""
    framework = assemble(parse_pack("compliance (imported)", content.encode(), FrameworkPack))
    return framework._replace(shipped=False)


def imported(content: str) -> Framework:
    """The same for one that is to be imported. Raises Conflict if its key is that of a shipped one."""
    framework = parse(content)
    key = framework.pack.value.key
    if key in load_frameworks():
        raise Conflict(f"The framework '{key}' is shipped with Sextant.", "Choose another key for your own.")
    return framework


def known(session: Session) -> dict[str, Framework]:
    """All frameworks by key; of imported ones with one key the newest counts."""
    wanted = (Record.kind == "framework", Record.current, ~Record.ended)
    contents = session.scalars(select(Record.body["content"].astext).where(*wanted).order_by(Record.at, Record.id))
    own = {framework.pack.value.key: framework for framework in map(parse, contents)}
    return {**own, **load_frameworks()}


def chosen(session: Session, keys: tuple[str, ...]) -> list[Framework]:
    """The frameworks of these keys, all if there are none. Raises NotFound."""
    every = known(session)
    unknown = sorted(set(keys) - set(every))
    if unknown:
        raise NotFound(f"There is no framework '{unknown[0]}'.", f"Choose from: {', '.join(sorted(every))}.")
    return [every[key] for key in sorted(set(keys) or every)]
