"""Sources as a document: what applying one changes, and the document that the sources make."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.sources import queries
from actors.sources.contract import (
    ApplyReport,
    ApplySources,
    PlaceSource,
    RegisterSource,
    RetireSource,
    SetCredential,
    SetEndpoints,
    SetFetchRows,
    SourceSpec,
    SourceView,
    SpecChange,
    UpdateSource,
)
from actors.sources.tables import Source
from cluster.connectors import split_url
from cluster.errors import InvalidInput
from cluster.runtime.commands import UnitOfWork
from cluster.security import credentials
from cluster.security.references import PREFIX, schemes_of

_COMPARED = ("options", "endpoints", "max_lag_seconds", "node_labels", "fetch_rows")
Do = Callable[[UnitOfWork, Any], Any]


def export(session: Session) -> list[SourceSpec]:
    """The sources in service as a document, without credentials."""
    rows = session.scalars(select(Source).where(Source.state != "retired").order_by(Source.name))
    return [_spec(queries.view(row)) for row in rows]


def apply_sources(work: UnitOfWork, command: ApplySources, carry_out: Do) -> ApplyReport:
    """All in the transaction of the command; `carry_out` is the group's own service."""
    live = {row.name: row for row in work.session.scalars(select(Source).where(Source.state != "retired"))}
    names = [spec.name for spec in command.sources]
    if len(set(names)) < len(names):
        raise InvalidInput("A source is named twice.", "Name each once.")
    changes = []
    for given in command.sources:
        spec, row = _clean(given), live.get(given.name)
        if row is None:
            source_id = None if command.dry_run else _create(work, spec, carry_out)
            changes.append(SpecChange(name=spec.name, action="create", source_id=source_id))
            continue
        fields = _differing(work.session, row, spec)
        if fields and not command.dry_run:
            _update(work, queries.view(row), spec, fields, carry_out)
        action = "update" if fields else "unchanged"
        changes.append(SpecChange(name=spec.name, action=action, source_id=row.id, fields=fields))
    for name in sorted(set(live) - set(names)) if command.prune else ():
        if not command.dry_run:
            carry_out(work, RetireSource(source_id=live[name].id))
        changes.append(SpecChange(name=name, action="retire", source_id=live[name].id))
    return ApplyReport(dry_run=command.dry_run, changes=tuple(changes))


def _spec(view: SourceView) -> SourceSpec:
    return SourceSpec(
        name=view.name, url=view.url, options=view.options, endpoints=view.endpoints,
        max_lag_seconds=view.max_lag_seconds, node_labels=view.node_labels, fetch_rows=view.fetch_rows,
    )  # fmt: skip


def _clean(spec: SourceSpec) -> SourceSpec:
    """The spec in the form in which sources are kept. Raises InvalidInput for a secret in clear."""
    parts = split_url(spec.url)
    given = {name: secret.get_secret_value() for name, secret in (spec.credential or {}).items()}
    if parts.credential.keys() - {"username"} or any(
        not value.startswith(PREFIX) for name, value in given.items() if name != "username"
    ):
        raise InvalidInput(
            f"The source '{spec.name}' holds a secret in clear.",
            "Write a reference, such as ref+env://SEXTANT_SECRET_X.",
        )
    schemes_of(given)
    credential = {**parts.credential, **given}
    endpoints = []
    for endpoint in spec.endpoints:
        place = split_url(endpoint.url)
        endpoints.append(
            endpoint.model_copy(update={"url": place.url, "options": {**place.options, **endpoint.options}})
        )
    sealed = {name: SecretStr(value) for name, value in credential.items()} or None
    options = {**parts.options, **spec.options}
    update = {"url": parts.url, "options": options, "endpoints": tuple(endpoints), "credential": sealed}
    return spec.model_copy(update=update)


def _differing(session: Session, row: Source, spec: SourceSpec) -> tuple[str, ...]:
    view = queries.view(row)
    if view.url != spec.url:
        raise InvalidInput(
            f"The source '{spec.name}' lies elsewhere.", "A source keeps its URL: name the other one differently."
        )
    fields = [name for name in _COMPARED if getattr(view, name) != getattr(spec, name)]
    if spec.credential is not None and not credentials.holds(session, row.id, _plain(spec.credential)):
        fields.append("credential")
    return tuple(fields)


def _create(work: UnitOfWork, spec: SourceSpec, carry_out: Do) -> str:
    command = RegisterSource(
        url=SecretStr(spec.url), name=spec.name, options=spec.options, credential=spec.credential or {}
    )
    view: SourceView = carry_out(work, command)
    changed = tuple(name for name in _COMPARED if getattr(view, name) != getattr(spec, name))
    _update(work, view, spec, changed, carry_out)
    return view.id


def _update(work: UnitOfWork, view: SourceView, spec: SourceSpec, fields: tuple[str, ...], carry_out: Do) -> None:
    named = set(fields)
    if "options" in named:
        carry_out(work, UpdateSource(source_id=view.id, version=view.version, options=spec.options))
    if named & {"endpoints", "max_lag_seconds"}:
        command = SetEndpoints(source_id=view.id, endpoints=spec.endpoints, max_lag_seconds=spec.max_lag_seconds)
        carry_out(work, command)
    if "node_labels" in named:
        carry_out(work, PlaceSource(source_id=view.id, node_labels=spec.node_labels))
    if "fetch_rows" in named:
        carry_out(work, SetFetchRows(source_id=view.id, fetch_rows=spec.fetch_rows))
    if "credential" in named:
        carry_out(work, SetCredential(source_id=view.id, credential=spec.credential or {}))


def _plain(credential: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in credential.items()}
