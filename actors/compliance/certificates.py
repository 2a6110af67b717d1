"""Certificates of erasure: what was searched, found, erased and left, signed by the installation (Ed25519, RFC 8032).

A certificate is complete only if a search after the erasure read everything and found nothing. It names each asset
where something was left, and each that could not be verified, with the reason; copies that no source holds, such as
backups, are outside of it, and it says so.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from actors.compliance.facts import canonical
from cluster.security.keyring import derived

OUTSIDE = "Backups, exports and systems that are no source of this installation are outside of this certificate."


def certificate(
    order_id: str, subject: str, before: Mapping[str, Any], erased: list[dict[str, Any]], after: Mapping[str, Any]
) -> dict[str, Any]:
    """The signed certificate of an erasure, from the searches before and after it."""
    body = {
        "order": order_id,
        "subject": subject,
        "at": datetime.now(UTC).isoformat(),
        "searched": after["searched"],
        "found": before["found"],
        "erased": erased,
        "left": after["found"],
        "unverified": after["unverified"],
        "complete": not after["found"] and not after["unverified"],
        "limits": OUTSIDE,
    }
    return body | signed(body)


def signed(body: Mapping[str, Any]) -> dict[str, str]:
    """The signature of a body, with the public key to check it by."""
    key = Ed25519PrivateKey.from_private_bytes(derived("certificates"))
    return {
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(key.sign(canonical(body).encode())).decode(),
    }


def is_genuine(told: Mapping[str, Any]) -> bool:
    """Whether a certificate is as it was signed, and by this installation."""
    body = {key: value for key, value in told.items() if key not in {"public_key", "signature"}}
    own = Ed25519PrivateKey.from_private_bytes(derived("certificates")).public_key().public_bytes_raw()
    try:
        Ed25519PublicKey.from_public_bytes(own).verify(base64.b64decode(told["signature"]), canonical(body).encode())
    except (InvalidSignature, KeyError, ValueError):
        return False
    return True
