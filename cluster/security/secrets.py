"""Envelope encryption of credentials: each secret has a data key of its own, wrapped by a master key of the key ring.

Format of a sealed secret: "v1." + base64url of: 8 bytes of key id, 12 of nonce, 48 of wrapped data key, 12 of nonce,
ciphertext. Both layers are AES-256-GCM (NIST SP 800-38D) with the owner's name as associated data, so a sealed
secret that is copied to another owner does not open.
"""

import base64
import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cluster.errors import ConfigurationError
from cluster.security import keyring
from cluster.security.keyring import derived

__all__ = ["derived", "key_of", "resealed", "rewrapped", "seal", "unseal"]

_VERSION = "v1."


def seal(secret: Mapping[str, str], owner: str) -> str | None:
    """The credential as text that only this installation can open, and only for `owner`; None for an empty one."""
    if not secret:
        return None
    data_key, nonce = AESGCM.generate_key(256), os.urandom(12)
    sealed = AESGCM(data_key).encrypt(nonce, json.dumps(dict(secret)).encode(), owner.encode())
    return _packed(data_key, owner, nonce + sealed)


def unseal(sealed: str | None, owner: str) -> dict[str, str]:
    """The credential again. Raises ConfigurationError if it was sealed by a key that is gone, or for another owner."""
    if sealed is None:
        return {}
    raw, data_key = _opened(sealed, owner)
    try:
        plain = AESGCM(data_key).decrypt(raw[68:80], raw[80:], owner.encode())
    except InvalidTag:
        raise _foreign() from None
    found: dict[str, str] = json.loads(plain)
    return found


def key_of(sealed: str) -> bytes:
    """The id of the master key that wraps this secret."""
    return _raw(sealed)[: keyring.ID_BYTES]


def rewrapped(sealed: str, owner: str) -> str:
    """The same secret with its data key wrapped by the current master key; the secret itself is not decrypted."""
    raw, data_key = _opened(sealed, owner)
    return _packed(data_key, owner, raw[68:])


def resealed(sealed: str, owner: str) -> str:
    """The same secret under a new data key, wrapped by the current master key."""
    found = seal(unseal(sealed, owner), owner)
    assert found is not None  # an empty one is never sealed
    return found


def _packed(data_key: bytes, owner: str, content: bytes) -> str:
    master, nonce = keyring.ring().current, os.urandom(12)
    wrapped = AESGCM(master).encrypt(nonce, data_key, owner.encode())
    return _VERSION + base64.urlsafe_b64encode(keyring.id_of(master) + nonce + wrapped + content).decode()


def _raw(sealed: str) -> bytes:
    return base64.urlsafe_b64decode(sealed.removeprefix(_VERSION))


def _opened(sealed: str, owner: str) -> tuple[bytes, bytes]:
    """The bytes of a sealed secret, and its data key."""
    raw = _raw(sealed)
    master = keyring.find(raw[: keyring.ID_BYTES]) if sealed.startswith(_VERSION) else None
    if master is None:
        raise ConfigurationError(
            "A stored credential was encrypted with another master key.",
            "Restore the key it was encrypted with, or set the credential again.",
        )
    try:
        return raw, AESGCM(master).decrypt(raw[8:20], raw[20:68], owner.encode())
    except InvalidTag:
        raise _foreign() from None


def _foreign() -> ConfigurationError:
    return ConfigurationError("A stored credential does not belong where it was found.", "Set it again.")
