"""What shadows answered beside the versions that answer: compared in the worker, added up here."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.classification.contract import ShadowReport, ShadowSeen
from actors.classification.model_places import folder_of
from actors.classification.model_registry import found, in_state
from actors.classification.model_tables import ModelShadow
from cluster.ml.gate import ModelKind
from cluster.ml.guess import Guess
from cluster.runtime.commands import UnitOfWork

TENTHS: Final = 10


def compared(
    kind: ModelKind, folder: str, told: Sequence[Sequence[Guess]], beside: Sequence[Sequence[Guess]]
) -> ShadowSeen:
    """Counts over columns of what the version that answers has `told`, and what the shadow said `beside`. Pure."""
    scores, against = [0] * TENTHS, [0] * TENTHS
    agreed = 0
    for mine, theirs in zip(told, beside, strict=True):
        first, other = _first(mine), _first(theirs)
        agreed += first[0] == other[0]
        against[_tenth(first[1])] += 1
        scores[_tenth(other[1])] += 1
    return ShadowSeen(
        kind=kind, folder=folder, columns=len(told), agreed=agreed, scores=tuple(scores), against_scores=tuple(against)
    )  # fmt: skip


def record(work: UnitOfWork, source_id: str, given: Sequence[ShadowSeen]) -> None:
    """Adds the counts to those of the version that is the shadow now, if it is the one that was asked."""
    for seen in given:
        row = in_state(work.session, seen.kind, "shadow")
        if row is None or str(folder_of(row.place, row.folder)) != seen.folder or not seen.columns:
            continue
        before = work.session.get(ModelShadow, (row.id, source_id))
        total = _sum(before, seen)
        key = {"model_id": row.id, "source_id": source_id}
        fresh = {**total, "until": work.now}
        statement = insert(ModelShadow).values(**key, **fresh, since=work.now)
        work.session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=fresh))
        if before is not None:
            work.session.refresh(before)


def report(session: Session, model_id: str) -> ShadowReport:
    """What the version did as a shadow over all sources. Raises NotFound for an unknown one."""
    found(session, model_id)
    rows = session.scalars(select(ModelShadow).where(ModelShadow.model_id == model_id)).all()
    since, until = session.execute(
        select(func.min(ModelShadow.since), func.max(ModelShadow.until)).where(ModelShadow.model_id == model_id)
    ).one()
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * TENTHS)
    for row in rows:
        for name in ("scores", "against_scores"):
            totals[name] = [one + other for one, other in zip(totals[name], getattr(row, name), strict=True)]
    columns, agreed = sum(row.columns for row in rows), sum(row.agreed for row in rows)
    return ShadowReport(
        model_id=model_id, columns=columns, agreed=agreed, agreement=agreed / columns if columns else None,
        scores=tuple(totals["scores"]), against_scores=tuple(totals["against_scores"]), since=since, until=until,
    )  # fmt: skip


def _sum(before: ModelShadow | None, seen: ShadowSeen) -> dict[str, object]:
    known = [0] * TENTHS
    scores, against = (before.scores, before.against_scores) if before else (known, known)
    return {
        "columns": seen.columns + (before.columns if before else 0),
        "agreed": seen.agreed + (before.agreed if before else 0),
        "scores": [one + other for one, other in zip(scores, seen.scores, strict=True)],
        "against_scores": [one + other for one, other in zip(against, seen.against_scores, strict=True)],
    }


def _first(guesses: Sequence[Guess]) -> tuple[str, float]:
    best = max(guesses, key=lambda guess: guess.probability, default=None)
    return (best.data_class, best.probability) if best else ("", 0.0)


def _tenth(probability: float) -> int:
    return min(int(probability * TENTHS), TENTHS - 1)
