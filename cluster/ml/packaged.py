"""Model folders: the files of a model beside a manifest that tells the digest of each.

A model is used whole or not at all: one byte that differs from the manifest makes it unusable, so that a torn copy or
an altered file is said, and never answers.
"""

import hashlib
import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cluster.errors import ModelUnusable

MANIFEST = "manifest.json"
_BLOCK = 1 << 20


class Manifest(BaseModel):
    """What `manifest.json` says: whose model this is, how it was made, and the SHA-256 of each file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    licence: str
    origin: str
    made: dict[str, str | int | float]
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all files: the identity of the model."""
        told = "\n".join(f"{name} {digest}" for name, digest in sorted(self.files.items()))
        return hashlib.sha256(told.encode()).hexdigest()


def shipped(kind: str) -> Path:
    """The folder `configs/models/<kind>` of the installation, whether or not it exists."""
    return Path(str(files("configs").joinpath("models", kind)))


def verified(folder: Path, needed: Iterable[str]) -> Manifest:
    """The manifest of the folder, after every file it names was read and found whole.

    Raises ModelUnusable if the manifest is missing or is none, a file is missing or differs, or one of `needed` is not
    named.
    """
    manifest = manifest_of(folder)
    absent = sorted(set(needed) - manifest.files.keys())
    if absent:
        raise _unusable(folder, f"its manifest does not name {', '.join(absent)}")
    for name, told in manifest.files.items():
        if Path(name).name != name:
            raise _unusable(folder, "its manifest names a file outside of the folder")
        if digest_of(folder / name) != told:
            raise _unusable(folder, f"{name} is missing or is not the file that the manifest tells of")
    return manifest


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file in hexadecimal; None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def write_manifest(folder: Path, name: str, version: str, licence: str, origin: str, **made: str | float) -> Manifest:
    """Writes the manifest of all files that lie in the folder now, and returns it."""
    digests = {path.name: digest_of(path) or "" for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    manifest = Manifest(name=name, version=version, licence=licence, origin=origin, made=dict(made), files=digests)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
    return manifest


def manifest_of(folder: Path) -> Manifest:
    """What the manifest says, without a look at the files. Raises ModelUnusable if it is missing or is none."""
    try:
        return Manifest.model_validate(json.loads((folder / MANIFEST).read_text("utf-8")))
    except OSError:
        raise _unusable(folder, "there is no manifest.json in its folder") from None
    except (ValueError, ValidationError):
        raise _unusable(folder, "its manifest.json is not a manifest") from None


def _unusable(folder: Path, why: str) -> ModelUnusable:
    return ModelUnusable(f"The model {folder.name} cannot be used: {why}.", "Install the package again, or train anew.")
