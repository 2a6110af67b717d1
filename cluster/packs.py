"""Data packs: YAML files under `configs/`, validated by a pydantic model and hashed when they are loaded."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from cluster.errors import PackInvalid

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Pack(Generic[T]):
    """A validated pack: its value, and the SHA-256 of the file's bytes."""

    name: str
    value: T
    digest: str


def load_pack(name: str, model: type[T]) -> Pack[T]:
    """The pack at `configs/<name>`. Raises PackInvalid naming the file and every field that is wrong."""
    resource = files("configs").joinpath(name)
    try:
        content = resource.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise PackInvalid(f"There is no pack configs/{name}.", "Check the name.") from None
    return parse_pack(name, content, model)


def parse_pack(name: str, content: bytes, model: type[T]) -> Pack[T]:
    """The same for content from elsewhere."""
    try:
        value = model.model_validate(yaml.safe_load(content))
    except yaml.YAMLError as error:
        raise PackInvalid(f"configs/{name} is not YAML: {error}.", "Correct the file.") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PackInvalid(f"configs/{name} is not valid: {wrong}.", "Correct these fields.") from None
    return Pack(name, value, hashlib.sha256(content).hexdigest())


def pack_names(folder: str) -> list[str]:
    """The names of the YAML packs in a folder of `configs/`, sorted."""
    entries = files("configs").joinpath(folder).iterdir()
    return sorted(f"{folder}/{entry.name}" for entry in entries if entry.name.endswith(".yaml"))
