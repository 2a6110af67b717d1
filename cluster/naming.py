"""Names that every group derives in the same way, so that none has to ask another for an identifier."""

import hashlib


def asset_id(source_id: str, path: str) -> str:
    """The identifier of an asset: 32 hexadecimal characters of SHA-256 over its source and its path."""
    return hashlib.sha256(f"{source_id}\0{path}".encode()).hexdigest()[:32]


def source_entity(source_id: str) -> str:
    """How events and audit entries name a source."""
    return f"source:{source_id}"


def asset_entity(identifier: str) -> str:
    """How events and audit entries name an asset."""
    return f"asset:{identifier}"
