"""Observing: what stands of a source is counted in fixed bins once it was classified, and held against before.

Counts are taken from the stored labels, guesses and profiles, not along the way, so that a column counts once however
often it was scanned that day. The newest observation of a day replaces the earlier ones.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, Float, Integer, cast, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from actors.classification.contract import DriftFigure, ObservationView, RecordObservations, Scorer
from actors.classification.model_drift import figures_of, propose_for
from actors.classification.model_gate import figures, newest
from actors.classification.model_registry import in_state
from actors.classification.model_tables import ModelObservation
from actors.classification.tables import Evidence, Guessed, Label
from cluster.ml.figures import Histogram
from cluster.ml.watched import DISTINCT_SHARE, EDGES, FEATURES, LONGEST, NULL_SHARE, ROWS, SCORE, TRAINED
from cluster.naming import source_entity
from cluster.runtime.commands import Done, UnitOfWork

Counts = dict[str, tuple[int, ...]]
KINDS: Final[Mapping[str, Scorer]] = {"model": "columns", "language": "embedding"}
MOST_CLASSES: Final = 300
NO_VERSION: Final = ""


def observe(work: UnitOfWork, command: RecordObservations) -> Done:
    """An observation of the labels, and one of each model that has guessed something."""
    session = work.session
    seen: dict[Scorer, Counts] = {"labels": _features(session, command.source_id, EDGES)}
    if not seen["labels"]:
        return Done()
    seen["labels"] |= _confidences(session, command.source_id)
    seen |= {scorer: {SCORE: counts} for scorer, counts in _scores(session, command.source_id).items()}
    for scorer in ("labels", "columns", "embedding"):
        active = None if scorer == "labels" else in_state(session, scorer, "active")
        trained = figures(newest(session, active.id)) if active else None
        reference = trained.reference if trained else {}
        counts = seen.get(scorer, {})
        if scorer == "columns":
            counts |= _features(session, command.source_id, _bins_of(reference))
        if counts:
            _keep(work, (command.source_id, scorer, active.id if active else NO_VERSION), counts, reference)
    return Done()


def due(session: Session) -> list[str]:
    """Sources that were looked at since they were last observed."""
    last = select(ModelObservation.source_id, func.max(ModelObservation.observed_at).label("at"))
    last_seen = last.where(ModelObservation.scorer == "labels").group_by(ModelObservation.source_id).subquery()
    statement = (
        select(Evidence.source_id)
        .outerjoin(last_seen, last_seen.c.source_id == Evidence.source_id)
        .group_by(Evidence.source_id, last_seen.c.at)
        .having((last_seen.c.at.is_(None)) | (func.max(Evidence.observed_at) > last_seen.c.at))
    )
    return sorted(session.scalars(statement))


def observations(
    session: Session, source_id: str | None = None, model_id: str | None = None, limit: int = 200
) -> list[ObservationView]:
    """Observations, the newest first."""
    statement = select(ModelObservation).order_by(
        ModelObservation.day.desc(), ModelObservation.source_id, ModelObservation.scorer, ModelObservation.model_id
    )
    if source_id is not None:
        statement = statement.where(ModelObservation.source_id == source_id)
    if model_id is not None:
        statement = statement.where(ModelObservation.model_id == model_id)
    return [ObservationView.model_validate(row) for row in session.scalars(statement.limit(limit))]


def _bins_of(reference: Mapping[str, Histogram]) -> dict[str, tuple[float, ...]]:
    """The bins in which training kept figures that a profile tells."""
    return {name: known.edges for name, known in reference.items() if name in TRAINED}


def _keep(work: UnitOfWork, place: tuple[str, Scorer, str], counts: Counts, reference: Mapping[str, Histogram]) -> None:
    """`place` is the source, the scorer and its version."""
    session, (source_id, scorer, model_id) = work.session, place
    mine = select(ModelObservation).where(
        ModelObservation.source_id == source_id, ModelObservation.scorer == scorer,
        ModelObservation.model_id == model_id, ModelObservation.day < work.now.date(),
    )  # fmt: skip
    first = session.scalars(mine.order_by(ModelObservation.day).limit(1)).first()
    last = session.scalars(mine.order_by(ModelObservation.day.desc()).limit(1)).first()
    told = figures_of(counts, first.counts if first else {}, reference)
    columns = max((sum(each) for each in counts.values()), default=0)
    row = {
        "source_id": source_id, "scorer": scorer, "model_id": model_id, "day": work.now.date(), "columns": columns,
        "counts": counts, "drift": [each.model_dump(mode="json") for each in told], "observed_at": work.now,
    }  # fmt: skip
    key = ["source_id", "scorer", "model_id", "day"]
    fresh = {name: value for name, value in row.items() if name not in key}
    session.execute(insert(ModelObservation).values(**row).on_conflict_do_update(index_elements=key, set_=fresh))
    _tell(work, row, told, [DriftFigure.model_validate(each) for each in last.drift] if last else [])


def _tell(work: UnitOfWork, row: dict[str, Any], told: Sequence[DriftFigure], before: Sequence[DriftFigure]) -> None:
    """An event for what has become large since the last day, and a proposal to train anew."""
    known = {each.name for each in before if each.verdict == "large" and each.against == "first"}
    large = [each for each in told if each.verdict == "large" and each.against == "first" and each.name not in known]
    if large:
        after = {"scorer": row["scorer"], "model_id": row["model_id"], "day": str(row["day"])}
        drifted = [each.model_dump(mode="json") for each in large]
        work.emit("model_drifted", source_entity(row["source_id"]), None, after | {"drift": drifted})
    propose_for(work, large)


def _features(session: Session, source_id: str, bins: Mapping[str, Sequence[float]]) -> Counts:
    """Histograms of the profiles in these bins: of each column its census, else its sample. What no profile tells is
    left out."""
    profile = Evidence.evidence["profile"]

    def number(name: str) -> Any:
        return cast(profile[name].as_string(), Float)

    held = number("rows") - number("nulls") - number("empties") - number("unreadable")
    rows = (
        select(
            (number("nulls") / func.greatest(number("rows"), 1.0)).label(NULL_SHARE),
            (number("distinct") / func.nullif(func.greatest(held, 0.0), 0.0)).label(DISTINCT_SHARE),
            number("length_max").label(LONGEST),
            number("rows").label(ROWS),
        )
        .where(Evidence.source_id == source_id)
        .ext(distinct_on(Evidence.asset_id, Evidence.column))
        .order_by(Evidence.asset_id, Evidence.column, Evidence.method)
        .subquery()
    )
    found = {}
    for name, edges in bins.items():
        if (feature := TRAINED.get(name, name)) not in FEATURES:
            continue
        place = _bin(rows.c[feature], edges)
        statement = select(place, func.count()).where(rows.c[feature].is_not(None)).group_by(place)
        counts = _filled(session.execute(statement), len(edges) + 1)
        if sum(counts):
            found[name] = counts
    return found


def _confidences(session: Session, source_id: str) -> Counts:
    """Histograms of the machine's confidence by class, of the most frequent classes."""
    place = _bin(cast(Label.machine["confidence"].as_string(), Float), EDGES[SCORE])
    statement = select(Label.data_class, place, func.count()).where(Label.source_id == source_id)
    statement = statement.where(Label.machine["confidence"].as_string().is_not(None)).group_by(Label.data_class, place)
    by_class: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for data_class, number, count in session.execute(statement):
        by_class[data_class].append((number, count))
    often = sorted(by_class, key=lambda name: (-sum(count for _, count in by_class[name]), name))[:MOST_CLASSES]
    return {f"confidence:{name}": _filled(by_class[name], len(EDGES[SCORE]) + 1) for name in sorted(often)}


def _scores(session: Session, source_id: str) -> dict[Scorer, tuple[int, ...]]:
    """Histograms of the probability of what each model guesses first; none is 0."""
    first = func.coalesce(cast(Guessed.guesses[0]["probability"].as_string(), Float), 0.0)
    place = _bin(first, EDGES[SCORE])
    statement = select(Guessed.tier, place, func.count()).where(Guessed.source_id == source_id)
    found: dict[Scorer, list[tuple[int, int]]] = defaultdict(list)
    for tier, number, count in session.execute(statement.group_by(Guessed.tier, place)):
        if tier in KINDS:
            found[KINDS[tier]].append((number, count))
    return {scorer: _filled(some, len(EDGES[SCORE]) + 1) for scorer, some in found.items()}


def _bin(value: Any, edges: Sequence[float]) -> Any:
    return func.width_bucket(value, cast(literal(list(edges), ARRAY(Float)), ARRAY(Float)), type_=Integer)


def _filled(found: Any, bins: int) -> tuple[int, ...]:
    counts = [0] * bins
    for number, count in found:
        counts[number] += count
    return tuple(counts)
