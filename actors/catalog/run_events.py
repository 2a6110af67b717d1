"""Lineage from OpenLineage events, which are kept (SQL without its constants) and turned into the edges of their job.

The edges of a job are those that its newest completed run told of (or the newest JobEvent), over all events of that
run: emitters spread their facets over START and COMPLETE. Events may come twice, late and in any order; the result is
the same.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from actors.catalog.carrying import carry_labels
from actors.catalog.contract import LineageReceipt, RecordLineageEvent
from actors.catalog.datasets import Place, locate
from actors.catalog.describing import describe
from actors.catalog.job_sql import told_by_sql, without_values
from actors.catalog.lineage import DerivedEdge
from actors.catalog.observing import observe
from actors.catalog.openlineage import Dataset, Event, Flow, Named, flows, other_names, read_event
from actors.catalog.run_folding import merged
from actors.catalog.same_datasets import learn_names
from actors.catalog.tables import Edge, LineageEvent
from actors.catalog.tellings import tellings
from cluster.runtime.commands import UnitOfWork

KEPT: Final = 500
MOST_OF_A_RUN: Final = 1_000
SHOWN: Final = 200
ORIGIN: Final = "openlineage"


def record_lineage_event(work: UnitOfWork, command: RecordLineageEvent) -> LineageReceipt:
    """Raises InvalidInput for what is no event. The same event again changes nothing."""
    event = read_event(command.body)
    canonical = json.dumps(command.body, sort_keys=True, separators=(",", ":"))
    row = _row(work, event, hashlib.sha256(canonical.encode()).hexdigest()[:32], without_values(event, command.body))
    if work.session.get(LineageEvent, row.id) is not None:
        return LineageReceipt(event_id=row.id, kind=event.kind, known=True, begun=0, ended=0)
    work.session.add(row)
    work.session.flush()
    told = tellings(work, row, event)
    learn_names(work, told)
    observe(work, describe(work, told))
    begun = ended = 0
    if row.job_id is not None:
        begun, ended = _apply(work, row)
        _prune(work.session, row)
    if event.kind == "run" and event.state == "COMPLETE":
        _tell(work, event, row)
    return LineageReceipt(event_id=row.id, kind=event.kind, known=False, begun=begun, ended=ended)


def _row(work: UnitOfWork, event: Event, identifier: str, body: dict[str, Any]) -> LineageEvent:
    job, dataset = event.job, event.dataset
    told = job_id(job) if job else job_id(dataset, "dataset") if dataset else None
    return LineageEvent(
        id=identifier, kind=event.kind, job_id=told,
        job_namespace=job.namespace if job else None, job_name=job.name if job else None,
        run_id=event.run.run_id if event.run else None, state=event.state, at=event.at, received_at=work.now, body=body,
    )  # fmt: skip


def job_id(job: Named, kind: str = "job") -> str:
    """The identifier of a job, or of a dataset of which events tell without one: 32 hexadecimal characters of SHA-256
    over its namespace and name."""
    return hashlib.sha256(f"{kind}\0{job.namespace}\0{job.name}".encode()).hexdigest()[:32]


def _apply(work: UnitOfWork, row: LineageEvent) -> tuple[int, int]:
    """Brings the edges of the job up to date; how many began and ended."""
    telling = _telling(work.session, row)
    if not any(event.id == row.id for event in telling):
        return 0, 0
    found: set[Flow] = set()
    names: dict[Dataset, tuple[Dataset, ...]] = {}
    if telling:
        whole = merged([read_event(each.body) for each in telling])
        found.update(flows(whole, told_by_sql(whole)))
        names |= other_names(whole)
    wanted = _edges(work.session, sorted(found, key=str), names)
    valid = select(Edge).where(Edge.job_id == row.job_id, Edge.valid_to.is_(None))
    held = {
        DerivedEdge(*(getattr(edge, name) for name in DerivedEdge._fields)): edge.id
        for edge in work.session.scalars(valid)
    }
    ended = [identifier for edge, identifier in held.items() if edge not in wanted]
    begun = [edge for edge in wanted if edge not in held]
    which = bindparam("which", ended, ARRAY(BigInteger))  # one parameter, however many edges
    work.session.execute(update(Edge).where(Edge.id == any_(which)).values(valid_to=work.now))
    fresh = [
        {"source_id": wanted[edge], "job_id": row.job_id, "valid_from": work.now, "valid_to": None, **edge._asdict()}
        for edge in begun
    ]
    if fresh:
        work.session.execute(insert(Edge), fresh)
    changed = {edge.to_asset for edge in begun} | {edge.to_asset for edge in held if edge not in wanted}
    carry_labels(work, changed)
    if begun or ended:
        after = {"job": _name(row), "edges": len(wanted), "begun": len(begun), "ended": len(ended)}
        work.emit("job_lineage_changed", f"job:{row.job_id}", {"edges": len(held)}, after)
    return len(begun), len(ended)


def _telling(session: Session, row: LineageEvent) -> Sequence[LineageEvent]:
    """The events that the edges of the job stand on: those of its newest completed run, or its newest JobEvent. A job
    that streams never completes: its newest run counts from its start. Of a dataset without a job: the newest that
    tells of its columns' lineage."""
    if row.kind == "dataset":
        told = _newest(session, row, LineageEvent.body["dataset"]["facets"].has_key("columnLineage"))
        return [told] if told is not None else []
    counting = (LineageEvent.kind == "job") | (LineageEvent.state == "COMPLETE")
    newest = _newest(session, row, counting)
    running = LineageEvent.state.in_(("START", "RUNNING", "OTHER"))
    later = running & (LineageEvent.at > newest.at) if newest is not None else running  # few: bodies are looked into
    kind = LineageEvent.body["job"]["facets"]["jobType"]["processingType"].astext
    newest = _newest(session, row, later & (func.upper(kind) == "STREAMING")) or newest
    if newest is None or newest.kind == "job":
        return [newest] if newest else []
    statement = select(LineageEvent).where(LineageEvent.job_id == row.job_id, LineageEvent.run_id == newest.run_id)
    return session.scalars(statement.order_by(LineageEvent.at, LineageEvent.id).limit(MOST_OF_A_RUN)).all()


def _newest(session: Session, row: LineageEvent, counting: ColumnElement[bool]) -> LineageEvent | None:
    mine = select(LineageEvent).where(LineageEvent.job_id == row.job_id, counting)
    return session.scalars(mine.order_by(LineageEvent.at.desc(), LineageEvent.id).limit(1)).first()


def _edges(
    session: Session, found: Sequence[Flow], names: Mapping[Dataset, tuple[Dataset, ...]]
) -> dict[DerivedEdge, str]:
    """The edges of flows, each with the source that its target belongs to ("" for one that no source has).

    A dataset is the asset that the first of its `names` is; without one it stands for itself.
    """
    ends = {end for flow in found for end in (flow.origin, flow.target)}
    places = locate(session, [name for end in ends for name in names.get(end, (end,))])
    meant = {end: next((n for n in names.get(end, ()) if places[n].catalogued), end) for end in ends}
    edges: dict[DerivedEdge, str] = {}
    for flow in found:
        origin, target = places[meant[flow.origin]], places[meant[flow.target]]
        edge = DerivedEdge(
            origin.asset_id, origin.name, flow.origin_column, target.asset_id, target.name, flow.target_column,
            flow.transformation, flow.subtype, flow.masking, 1.0, ORIGIN,
        )  # fmt: skip
        edges[edge] = target.source_id
    return edges


def _tell(work: UnitOfWork, event: Event, row: LineageEvent) -> None:
    """Says which assets a run has written, for those who wait for it."""
    named = [name for output in event.outputs for name in output.names]
    places = {place.asset_id: place for place in locate(work.session, named).values() if place.source_id}
    written = [_output(place) for place in places.values()]
    after = {
        "job": _name(row), "run_id": row.run_id, "at": row.at.isoformat(),
        "outputs": written[:SHOWN], "outputs_more": len(written) > SHOWN,
    }  # fmt: skip
    work.emit("run_completed", f"job:{row.job_id}", None, after)


def _output(place: Place) -> dict[str, str]:
    return {"source_id": place.source_id, "path": place.path}


def _name(row: LineageEvent) -> str:
    if row.job_name is None:
        told = row.body["dataset"]
        return f"{told['namespace']}/{told['name']}"[:500]
    return f"{row.job_namespace}/{row.job_name}"[:500]


def _prune(session: Session, row: LineageEvent) -> None:
    """Keeps the newest events of a job, and those that its edges stand on."""
    old = select(LineageEvent.id).where(LineageEvent.job_id == row.job_id)
    old = old.order_by(LineageEvent.at.desc(), LineageEvent.id).offset(KEPT)
    stale = session.scalars(old).all()
    if stale:
        needed = {event.id for event in _telling(session, row)}
        gone = delete(LineageEvent).where(LineageEvent.id.in_([one for one in stale if one not in needed]))
        session.execute(gone.execution_options(synchronize_session=False))
