"""Fingerprints: equal text of all parts, equal fingerprint."""

import hashlib
import json
from typing import Any


def digest(*parts: Any) -> str:
    """32 hexadecimal characters of the SHA-256 of the parts as JSON."""
    return hashlib.sha256(json.dumps(parts, separators=(",", ":"), sort_keys=True).encode()).hexdigest()[:32]
