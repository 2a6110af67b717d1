"""Envelope encryption of credentials: each secret has a data key of its own, wrapped by the installation's master key.

Format of a sealed secret: "v1." + base64url of: 8 bytes of key id, 12 of nonce, 48 of wrapped data key, 12 of nonce,
ciphertext. Both layers are AES-256-GCM (NIST SP 800-38D) with the owner's name as associated data, so a sealed
secret that is copied to another owner does not open.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cluster.errors import ConfigurationError
from cluster.settings import settings

_VERSION = "v1."


@cache
def master_key() -> bytes:
    """The 32-byte key of this installation: SEXTANT_MASTER_KEY, else the file `master.key` in the home, made once."""
    configured = settings().master_key
    if configured:
        return _decoded(configured.get_secret_value(), "SEXTANT_MASTER_KEY")
    path = settings().home / "master.key"
    if not path.exists():
        _create(path)
    return _decoded(path.read_text("ascii").strip(), str(path))


def _decoded(text: str, origin: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigurationError(f"The master key in {origin} is not 32 bytes in base64.", "Restore the right key.")
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(os.urandom(32)).decode())
    try:
        os.link(draft, path)  # whoever links first has made the key; the others use that one
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def derived(purpose: str) -> bytes:
    """32 bytes for one purpose, from the master key (HMAC-SHA-256 as a key derivation of one block)."""
    return hmac.digest(master_key(), f"sextant:{purpose}".encode(), "sha256")


def seal(secret: Mapping[str, str], owner: str) -> str | None:
    """The credential as text that only this installation can open, and only for `owner`; None for an empty one."""
    if not secret:
        return None
    key, data_key = master_key(), AESGCM.generate_key(256)
    wrap_nonce, nonce = os.urandom(12), os.urandom(12)
    wrapped = AESGCM(key).encrypt(wrap_nonce, data_key, owner.encode())
    sealed = AESGCM(data_key).encrypt(nonce, json.dumps(dict(secret)).encode(), owner.encode())
    return _VERSION + base64.urlsafe_b64encode(_key_id(key) + wrap_nonce + wrapped + nonce + sealed).decode()


def unseal(sealed: str | None, owner: str) -> dict[str, str]:
    """The credential again. Raises ConfigurationError if it was sealed by another key or for another owner."""
    if sealed is None:
        return {}
    raw = base64.urlsafe_b64decode(sealed.removeprefix(_VERSION))
    key = master_key()
    if not sealed.startswith(_VERSION) or raw[:8] != _key_id(key):
        raise ConfigurationError(
            "A stored credential was encrypted with another master key.",
            "Restore the key it was encrypted with, or set the credential again.",
        )
    try:
        data_key = AESGCM(key).decrypt(raw[8:20], raw[20:68], owner.encode())
        plain = AESGCM(data_key).decrypt(raw[68:80], raw[80:], owner.encode())
    except InvalidTag:
        raise ConfigurationError("A stored credential does not belong where it was found.", "Set it again.") from None
    opened: dict[str, str] = json.loads(plain)
    return opened


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"sextant:key-id" + key).digest()[:8]
