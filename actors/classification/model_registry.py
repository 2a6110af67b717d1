"""The registry: versions come in by their files, and move from state to state by commands that say who and why."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.contract import (
    CanaryModel,
    EvaluateModel,
    Lineage,
    ModelState,
    ModelView,
    PromoteModel,
    RegisterModel,
    RegisterShipped,
    RetireModel,
    RollBackModel,
    ShadowModel,
)
from actors.classification.model_gate import ask, require_gate
from actors.classification.model_places import Place, card_of, confined, folder_of
from actors.classification.model_tables import ModelVersion
from cluster.errors import Conflict, ModelUnusable, NotFound
from cluster.ml.figures import read_evaluation
from cluster.ml.gate import ModelKind
from cluster.ml.packaged import Manifest, verified
from cluster.runtime.commands import UnitOfWork


def register(work: UnitOfWork, command: RegisterModel) -> ModelView:
    """A model of the home, verified file by file."""
    row, _ = _registered(work, command.kind, "home", command.folder, confined(command.folder))
    return view(row)


def register_shipped(work: UnitOfWork, command: RegisterShipped) -> ModelView:
    """The shipped model: whoever installed this release has decided for it, unless another one was made active."""
    row, new = _registered(work, command.kind, "shipped", command.kind, folder_of("shipped", command.kind))
    before = in_state(work.session, command.kind, "active")
    if before is None and new:
        _move(work, row, "active", "model_promoted")
    elif before is not None and before.place == "shipped" and before.id != row.id and row.state != "active":
        # The files of the release before were replaced by these.
        _give_way(work, before)
        row.replaced = None
        _move(work, row, "active", "model_promoted")
    return view(row)


def shadow(work: UnitOfWork, command: ShadowModel) -> ModelView:
    """Asked, and never answers. The gate does not matter to it: a shadow is how a version shows what it can."""
    row = found(work.session, command.model_id)
    _require(row, ("registered", "shadow", "canary"), "be a shadow")
    _require_free(work.session, row, "shadow")
    row.share = 0.0
    return view(_move(work, row, "shadow", "model_shadowed"))


def canary(work: UnitOfWork, command: CanaryModel) -> ModelView:
    """Answers for a share of the assets, which a stable hash chooses."""
    row = found(work.session, command.model_id)
    _require(row, ("registered", "shadow", "canary"), "be a canary")
    _require_free(work.session, row, "canary")
    row.override = require_gate(work, row, command.override)
    row.share = command.share
    return view(_move(work, row, "canary", "model_canaried"))


def promote(work: UnitOfWork, command: PromoteModel) -> ModelView:
    """Answers for all; the version that did so before is retired and remembered."""
    row = found(work.session, command.model_id)
    if row.state == "active":
        return view(row)
    _require(row, ("registered", "shadow", "canary", "retired"), "be promoted")
    row.override = require_gate(work, row, command.override)
    _take_over(work, row, in_state(work.session, row.kind, "active"))
    return view(row)


def roll_back(work: UnitOfWork, command: RollBackModel) -> ModelView:
    """Back to what answered before. It needs no gate: it has answered already."""
    row = found(work.session, command.model_id)
    if row.state == "canary":
        row.share = 0.0
        _move(work, row, "registered", "model_rolled_back", command.reason)
        active = in_state(work.session, row.kind, "active")
        return view(active or row)
    _require(row, ("active",), "be rolled back")
    before = work.session.get(ModelVersion, row.replaced) if row.replaced else None
    if before is None or not usable(before):
        raise Conflict("There is no version to go back to.", "Promote another one.")
    _move(work, row, "retired", "model_rolled_back", command.reason)
    work.session.flush()
    return view(_move(work, before, "active", "model_promoted"))


def retire(work: UnitOfWork, command: RetireModel) -> ModelView:
    """Out of use; it stays in the registry, since it may have answered."""
    row = found(work.session, command.model_id)
    if row.state == "active":
        raise Conflict("The active version cannot be retired.", "Promote another one, or roll it back.")
    row.share = 0.0
    return view(_move(work, row, "retired", "model_retired"))


def found(session: Session, model_id: str) -> ModelVersion:
    """The version of that id. Raises NotFound."""
    row = session.get(ModelVersion, model_id)
    if row is None:
        raise NotFound("There is no such model.", "List the models to see their ids.")
    return row


def in_state(session: Session, kind: str, state: ModelState) -> ModelVersion | None:
    """The one version of a kind in a state that only one may be in."""
    return session.scalars(select(ModelVersion).where(ModelVersion.kind == kind, ModelVersion.state == state)).first()


def usable(row: ModelVersion) -> bool:
    """Whether the files of the version are there and are still those that were registered."""
    try:
        return verified(folder_of(row.place, row.folder), ()).digest == row.digest
    except ModelUnusable:
        return False


def view(row: ModelVersion) -> ModelView:
    """A version as others see it."""
    return ModelView.model_validate(row)


def entity(row: ModelVersion) -> str:
    """How events and audit entries name a version."""
    return f"model:{row.id}"


def _registered(work: UnitOfWork, kind: ModelKind, place: Place, folder: str, path: Path) -> tuple[ModelVersion, bool]:
    """The version with the files of this folder, and whether it is new."""
    manifest = verified(path, ())
    measured = read_evaluation(path) is not None  # figures that cannot be read are told now, not at the gate
    known = work.session.get(ModelVersion, identity(kind, manifest.digest))
    if known is not None:
        if (known.place, known.folder) != (place, folder):
            if usable(known):
                raise Conflict("A version with these files is registered already.", f"It is {known.id}.")
            known.place, known.folder = place, folder
        return known, False
    row = ModelVersion(
        id=identity(kind, manifest.digest), kind=kind, name=manifest.name, version=manifest.version,
        digest=manifest.digest, place=place, folder=folder, licence=manifest.licence, card=card_of(path),
        lineage=lineage_of(manifest).model_dump(), state="registered", share=0.0, gate_passed=None, override=None,
        replaced=None, registered_at=work.now, registered_by=work.caller.principal, changed_at=work.now,
        changed_by=work.caller.principal,
    )  # fmt: skip
    work.session.add(row)
    work.emit("model_registered", entity(row), None, _told(row))
    if measured or place == "shipped":  # what a release brings is measured unasked: mostly its speed is all that is new
        work.session.flush()
        ask(work, EvaluateModel(model_id=row.id))
    return row, True


def identity(kind: str, digest: str) -> str:
    """The id of a version: its kind and the beginning of its digest."""
    return f"{kind}-{digest[:16]}"


def lineage_of(manifest: Manifest) -> Lineage:
    """What the manifest tells of how the version was made."""
    made = manifest.made

    def text(*names: str) -> str | None:
        return next((str(made[name]) for name in names if made.get(name)), None)

    def number(*names: str) -> int | None:
        return next((int(made[name]) for name in names if isinstance(made.get(name), int | float)), None)

    return Lineage(
        origin=manifest.origin, generator=text("generator_sha256", "generator"), data=text("data_sha256", "data"),
        base=text("weights_sha256"), seed=number("seed"), decisions=number("decisions") or 0,
        examples=number("examples", "columns", "texts", "rows"),
    )  # fmt: skip


def _take_over(work: UnitOfWork, row: ModelVersion, before: ModelVersion | None) -> None:
    row.replaced, row.share = None, 0.0
    if before is not None and before.id != row.id:
        row.replaced = before.id
        _give_way(work, before)
    _move(work, row, "active", "model_promoted")


def _give_way(work: UnitOfWork, before: ModelVersion) -> None:
    _move(work, before, "retired", "model_retired")
    work.session.flush()  # only one may be active at any moment, also within a transaction


def _require(row: ModelVersion, states: Sequence[ModelState], what: str) -> None:
    if row.state not in states:
        raise Conflict(f"A version that is {row.state} cannot {what}.", "List the models to see their states.")
    if not usable(row):
        raise Conflict("The files of this version are missing or are not those that were registered.", "Restore them.")


def _require_free(session: Session, row: ModelVersion, state: ModelState) -> None:
    other = in_state(session, row.kind, state)
    if other is not None and other.id != row.id:
        raise Conflict(f"Another version is the {state}: {other.id}.", "Roll it back or retire it first.")


def _move(
    work: UnitOfWork, row: ModelVersion, state: ModelState, event: str, reason: str | None = None
) -> ModelVersion:
    before = _told(row)
    row.state, row.changed_at, row.changed_by = state, work.now, work.caller.principal
    work.emit(event, entity(row), before, _told(row) | ({"reason": reason} if reason else {}))
    return row


def _told(row: ModelVersion) -> dict[str, object]:
    names = ("kind", "name", "version", "digest", "state", "share", "override")
    return {name: getattr(row, name) for name in names}
