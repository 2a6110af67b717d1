"""Registering a source."""

from collections.abc import Mapping

from actors.sources import queries
from actors.sources.contract import RegisterSource, SourceView
from actors.sources.credentials import acceptable
from actors.sources.standing import refuse_known
from actors.sources.tables import Source
from cluster.connectors import check_options, source_kind, split_url, suggested_name
from cluster.context import new_id
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork
from cluster.security import credentials
from cluster.security.network import check_places


def register_source(
    work: UnitOfWork, command: RegisterSource, inherited: Mapping[str, str] | None = None
) -> SourceView:  # fmt: skip
    """`inherited` is a credential to begin with, over which the URL's own and the command's go."""
    parts = split_url(command.url.get_secret_value())
    options = {**parts.options, **command.options}
    credential = {**(inherited or {}), **parts.credential, **acceptable(command.credential, None, work.now)}
    check_options(source_kind(parts.url), options)
    check_places(parts.url, options)
    name = command.name or suggested_name(parts.url)
    refuse_known(work, parts.url, name)
    source_id = new_id()
    row = Source(
        id=source_id, name=name, kind=source_kind(parts.url), url=parts.url, options=options,
        has_credential=bool(credential), state="registered", version=1, created_at=work.now, updated_at=work.now,
    )  # fmt: skip
    work.session.add(row)
    credentials.put(work.session, source_id, credential, work.now)
    registered = queries.view(row)
    work.emit("registered", source_entity(source_id), after=registered)
    return registered
