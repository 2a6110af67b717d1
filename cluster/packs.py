"""Data packs: YAML files under `configs/`, validated by a pydantic model and hashed when they are loaded."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from cluster.errors import PackInvalid

T = TypeVar("T", bound=BaseModel)


NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""What YAML raises for a text: also for a day that no calendar has."""
DEEPEST = 100


class Shallow(yaml.SafeLoader):
    """YAML of at most so many levels: PyYAML looks at all open ones at each token, and takes minutes for 10,000."""

    def fetch_more_tokens(self) -> Any:
        if self.flow_level + len(self.indents) > DEEPEST:
            raise yaml.YAMLError(f"nested more than {DEEPEST} levels deep")
        return super().fetch_more_tokens()


class WithoutAliases(Shallow):
    """YAML without anchors: an alias could make a small text a huge document."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


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
    return _parsed(name, content, model, yaml.SafeLoader)


def parse_pack(name: str, content: bytes, model: type[T]) -> Pack[T]:
    """The same for content from elsewhere, which has no aliases."""
    return _parsed(name, content, model, WithoutAliases)


def _parsed(name: str, content: bytes, model: type[T], loader: type[yaml.SafeLoader]) -> Pack[T]:
    try:
        told = yaml.load(content, Loader=loader)  # noqa: S506 - a SafeLoader
    except NOT_YAML as error:
        what = str(error) if isinstance(error, yaml.YAMLError) else type(error).__name__
        raise PackInvalid(f"configs/{name} is not YAML: {what}.", "Correct the file.") from None
    try:
        value = model.model_validate(told)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PackInvalid(f"configs/{name} is not valid: {wrong}.", "Correct these fields.") from None
    return Pack(name, value, hashlib.sha256(content).hexdigest())


def pack_names(folder: str) -> list[str]:
    """The names of the YAML packs in a folder of `configs/`, sorted."""
    entries = files("configs").joinpath(folder).iterdir()
    return sorted(f"{folder}/{entry.name}" for entry in entries if entry.name.endswith(".yaml"))
