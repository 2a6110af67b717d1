"""Vectors of phrases: kept as plain arrays of PostgreSQL, and indexed by pgvector where the server has it.

The index is one over an expression (`vector::halfvec(384)`), so the same table serves both, and nothing can drift. It
is made when the group starts, not by a migration: whether it can be made is a property of the server, not of a version.
"""

from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

DIMENSIONS: Final = 384
INDEX: Final = "ix_phrase_vector"
_CAST: Final = f"(vector::public.halfvec({DIMENSIONS}))"
log = structlog.get_logger("catalog")


def make_index(session: Session) -> bool:
    """Makes the index if it is not there. Returns whether it is there now; a server without pgvector has none."""
    if indexed(session):
        return True
    try:
        with session.begin_nested():
            session.execute(text("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public"))
            session.execute(
                text(
                    f"CREATE INDEX IF NOT EXISTS {INDEX} ON catalog.phrase USING hnsw"
                    f" ({_CAST} public.halfvec_cosine_ops) WHERE vector IS NOT NULL"
                )
            )
    except DBAPIError as error:
        log.warning("no index of vectors", cause=type(error.orig).__name__, then="phrases are compared one by one")
        return False
    return True


def indexed(session: Session) -> bool:
    """Whether the index is there."""
    return session.execute(text(f"SELECT to_regclass('catalog.{INDEX}')")).scalar() is not None


def nearest(session: Session, vector: Sequence[float], model: str, most: int, least: float) -> list[int]:
    """By the index: numbers of the phrases of this model whose cosine is `least` or more, the nearest first."""
    statement = text(
        f"SELECT id, 1 - ({_CAST} OPERATOR(public.<=>) CAST(:asked AS public.halfvec({DIMENSIONS}))) AS cosine"  # noqa: S608
        f" FROM catalog.phrase WHERE vector IS NOT NULL AND model = :model"
        f" ORDER BY {_CAST} OPERATOR(public.<=>) CAST(:asked AS public.halfvec({DIMENSIONS})) LIMIT :most"
    )
    asked = "[" + ",".join(f"{number:.6g}" for number in vector) + "]"
    rows = session.execute(statement, {"asked": asked, "model": model, "most": most})
    return [row.id for row in rows if row.cosine >= least]


def compared(
    rows: Sequence[tuple[int, Sequence[float]]], vector: Sequence[float], most: int, least: float
) -> list[int]:
    """One by one: the same of these rows."""
    if not rows:
        return []
    import numpy as np  # not in the actor, which stays small: only a server without pgvector needs it

    cosines = np.array([held for _, held in rows], np.float32) @ np.array(vector, np.float32)
    order = np.argsort(-cosines, kind="stable")[:most]
    return [rows[place][0] for place in order if cosines[place] >= least]
