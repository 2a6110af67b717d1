"""Which version of a model answers: the active one, or a canary for its share of the keys."""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.model_places import folder_of
from actors.classification.model_tables import ModelVersion
from cluster.errors import NotFound
from cluster.ml.gate import ModelKind
from cluster.naming import fraction_of
from cluster.settings import settings


class Version(NamedTuple):
    """A version that answers, or is asked beside it: its id, digest, and the folder of its files on this machine."""

    id: str
    digest: str
    folder: Path


class Versions(NamedTuple):
    """The versions of one kind in use. All None: nothing is registered, or a setting names a model instead."""

    active: Version | None = None
    canary: Version | None = None
    share: float = 0.0
    shadow: Version | None = None

    def answering(self, key: str) -> Version | None:
        """The version for this asset or table: always the same one for the same key while the share stays."""
        if self.canary is not None and fraction_of(key) < self.share:
            return self.canary
        return self.active


def versions(session: Session, kind: ModelKind) -> Versions:
    """The versions in use. A model that a setting names comes before the registry, which then says nothing."""
    if overridden(kind):
        return Versions()
    wanted = select(ModelVersion).where(
        ModelVersion.kind == kind, ModelVersion.state.in_(("active", "canary", "shadow"))
    )
    rows = {row.state: row for row in session.scalars(wanted)}
    made = {state: Version(row.id, row.digest, folder_of(row.place, row.folder)) for state, row in rows.items()}
    share = rows["canary"].share if "canary" in rows else 0.0
    return Versions(made.get("active"), made.get("canary"), share, made.get("shadow"))


def answering(session: Session, kind: ModelKind, key: str) -> Version | None:
    """The version that answers for this asset or table; None: the setting's, or the shipped one."""
    return versions(session, kind).answering(key)


def overridden(kind: ModelKind) -> bool:
    """Whether a setting names the model of this kind."""
    chosen = {"embedding": settings().embedding_model, "entities": settings().entities_model}
    return bool(chosen.get(kind))


def version_of(session: Session, model_id: str) -> Version:
    """The files of a version, in whatever state it is. Raises NotFound."""
    row = session.get(ModelVersion, model_id)
    if row is None:
        raise NotFound("There is no such model.", "List the models to see their ids.")
    return Version(row.id, row.digest, folder_of(row.place, row.folder))
