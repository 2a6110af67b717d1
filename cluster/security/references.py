"""Fields of a credential that say where the secret is, instead of being it.

A reference is a URL of the form that vals and helmfile use: "ref+SCHEME://PATH?parameter=value#/key". `#/key` takes one
value out of a secret that is a JSON object. It is followed in the worker that needs it, and remembered there for a few
seconds. Which stores can be asked is a matter of the settings, never of the reference, so that nobody can have a token
sent elsewhere by registering a source.

    ref+env://SEXTANT_SECRET_NAME ........ an environment variable, of that prefix only
    ref+file://folder/name ............... a file below `secret_files`, by default the folder `secrets` of the home
    ref+awssecrets://NAME ................ AWS Secrets Manager (?region=)
    ref+vault://MOUNT/PATH#/key .......... HashiCorp Vault, KV version 2 (?version=)
    ref+azurekeyvault://VAULT/NAME ....... Azure Key Vault (/VERSION)
    ref+gcpsecrets://PROJECT/NAME ........ Google Secret Manager (?version=)
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from cluster.errors import InvalidInput, SecretUnavailable
from cluster.settings import settings

PREFIX = "ref+"
ENVIRONMENT = "SEXTANT_SECRET_"
REMEMBERED_SECONDS = 15.0
MOST_BYTES = 64 << 10
_VARIABLE = re.compile(rf"{ENVIRONMENT}[A-Z0-9_]+")


class Reference(NamedTuple):
    """Where a secret is. `path` has no leading slash; `key` is a field of a JSON object, or empty."""

    scheme: str
    path: str
    parameters: Mapping[str, str]
    key: str


_PARAMETERS: Mapping[str, frozenset[str]] = {
    "env": frozenset(), "file": frozenset(), "awssecrets": frozenset({"region"}), "vault": frozenset({"version"}),
    "azurekeyvault": frozenset(), "gcpsecrets": frozenset({"version"}),
}  # fmt: skip
_remembered: dict[str, tuple[float, str]] = {}


def parse(text: str) -> Reference:
    """The reference of a field. Raises InvalidInput saying which forms there are; never quotes it."""
    scheme, separator, rest = text.removeprefix(PREFIX).partition("://")
    if not text.startswith(PREFIX) or not separator or scheme not in _PARAMETERS:
        raise InvalidInput("This is no reference to a secret.", f"Write ref+{{{','.join(_PARAMETERS)}}}://...")
    try:
        parts = urlsplit(f"//{rest}")
    except ValueError:
        raise InvalidInput("The reference to a secret could not be read.", "Write ref+scheme://path#/key.") from None
    path = unquote(f"{parts.netloc}{parts.path}").strip("/")
    parameters = dict(parse_qsl(parts.query))
    odd = any(ord(character) < 32 for character in path) or ".." in path.split("/")
    if not path or odd or set(parameters) - _PARAMETERS[scheme]:
        raise InvalidInput(
            f"The reference '{PREFIX}{scheme}' has a path or parameter that it cannot have.", "Correct it."
        )
    if scheme == "env" and not _VARIABLE.fullmatch(path):
        raise InvalidInput(f"Environment variables of secrets begin with {ENVIRONMENT}.", "Rename the variable.")
    return Reference(scheme, path, parameters, parts.fragment.strip("/"))


def schemes_of(credential: Mapping[str, str]) -> dict[str, str]:
    """The fields that are references, with their schemes."""
    return {name: parse(value).scheme for name, value in credential.items() if value.startswith(PREFIX)}


def resolved(credential: Mapping[str, str]) -> dict[str, str]:
    """The credential with every reference followed. Raises SecretUnavailable, InvalidInput."""
    return {name: _followed(value) if value.startswith(PREFIX) else value for name, value in credential.items()}


def forget() -> None:
    """Makes the next use of every reference ask its store again."""
    _remembered.clear()


def _followed(text: str) -> str:
    until, value = _remembered.get(text, (0.0, ""))
    if until > time.monotonic():
        return value
    reference = parse(text)
    whole = _reader(reference.scheme)(reference)
    if len(whole) > MOST_BYTES:
        raise SecretUnavailable("The secret is larger than any credential.", "Check the reference.")
    value = _field(whole, reference)
    _remembered[text] = (time.monotonic() + REMEMBERED_SECONDS, value)
    return value


def _field(whole: str, reference: Reference) -> str:
    if not reference.key:
        return whole
    try:
        found = json.loads(whole)[reference.key]
    except (ValueError, KeyError, TypeError):
        raise SecretUnavailable(
            f"The secret of '{PREFIX}{reference.scheme}' has no such key.", "Check the part behind '#'."
        ) from None
    return found if isinstance(found, str) else json.dumps(found)


def _reader(scheme: str) -> Callable[[Reference], str]:
    if scheme == "env":
        return _variable
    if scheme == "file":
        return _file
    from cluster.security import secret_stores

    return secret_stores.READERS[scheme]


def _variable(reference: Reference) -> str:
    value = os.environ.get(reference.path)
    if value is None:
        raise SecretUnavailable(f"{reference.path} is not set on this node.", "Set it where the workers start.")
    return value


def _file(reference: Reference) -> str:
    folder = (settings().secret_files or settings().home / "secrets").resolve()
    path = (folder / Path(reference.path)).resolve()
    if not path.is_relative_to(folder):
        raise SecretUnavailable(
            "The file of a secret lies outside of the folder for secrets.", "See SEXTANT_SECRET_FILES."
        )
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, ValueError):
        raise SecretUnavailable(
            "The file of a secret cannot be read.", "Check its name, and who may read it."
        ) from None
