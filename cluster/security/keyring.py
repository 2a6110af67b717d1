"""The key ring of an installation: the master keys that wrap the data keys of credentials.

Its text is one key a line, 32 bytes in base64. The first wraps; all of them unwrap, so that a new first key can be put
in place while what the others wrapped is still in use. A line "root:..." holds the key that everything else is derived
from (`derived`): it stays when the keys are rotated, since another one would make every keyed hash another. Without it
that is the last key. The text is in SEXTANT_MASTER_KEY (with commas between the keys) or in the file `master.key` of
the home, which is made on first use.
"""

import base64
import hashlib
import hmac
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cluster.errors import ConfigurationError, Conflict
from cluster.settings import settings

KEY_BYTES = 32
ID_BYTES = 8
_ROOT = "root:"


class KeyRing(NamedTuple):
    """`keys` from the current one to the oldest; `root` is what `derived` begins with."""

    keys: tuple[bytes, ...]
    root: bytes

    @property
    def current(self) -> bytes:
        """The key that wraps."""
        return self.keys[0]

    def find(self, key_id: bytes) -> bytes | None:
        """The key of an id; None where the ring has it not."""
        return next((key for key in self.keys if id_of(key) == key_id), None)


def id_of(key: bytes) -> bytes:
    """Eight bytes that name a key and tell nothing of it."""
    return hashlib.sha256(b"sextant:key-id" + key).digest()[:ID_BYTES]


@cache
def ring() -> KeyRing:
    """The ring of this installation. Raises ConfigurationError if it cannot be read."""
    configured = settings().master_key
    if configured:
        return _parsed(configured.get_secret_value().replace(",", "\n"), "SEXTANT_MASTER_KEY")
    path = _file()
    if not path.exists():
        _create(path)
    return _parsed(path.read_text("ascii"), str(path))


def find(key_id: bytes) -> bytes | None:
    """The key of an id, read anew where it is not known: another process may have added it."""
    found = ring().find(key_id)
    if found is None and not settings().master_key:
        ring.cache_clear()
        found = ring().find(key_id)
    return found


def derived(purpose: str) -> bytes:
    """32 bytes for one purpose, from the root key (HMAC-SHA-256 as a key derivation of one block)."""
    return hmac.digest(ring().root, f"sextant:{purpose}".encode(), "sha256")


def add_key() -> KeyRing:
    """Puts a new key in front of the ring's file. Raises Conflict where the ring is in the environment."""
    known = _in_file("Write SEXTANT_MASTER_KEY=new,old and restart.")
    return _write(KeyRing((os.urandom(KEY_BYTES), *known.keys), known.root))


def drop_key(key_id: bytes) -> KeyRing:
    """Takes a key out of the ring's file. Whoever calls has seen that nothing is wrapped with it.

    Raises Conflict for the current key, and where the ring is in the environment.
    """
    known = _in_file("Take the key out of SEXTANT_MASTER_KEY and restart.")
    if id_of(known.current) == key_id:
        raise Conflict("The current key cannot be dropped.", "Rotate first.")
    return _write(KeyRing(tuple(key for key in known.keys if id_of(key) != key_id), known.root))


def _in_file(otherwise: str) -> KeyRing:
    if settings().master_key:
        raise Conflict("The master keys are given by SEXTANT_MASTER_KEY.", otherwise)
    ring.cache_clear()
    return ring()


def _file() -> Path:
    return settings().home / "master.key"


def _parsed(text: str, origin: str) -> KeyRing:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    keys = tuple(_decoded(line, origin) for line in lines if not line.startswith(_ROOT))
    roots = [_decoded(line.removeprefix(_ROOT), origin) for line in lines if line.startswith(_ROOT)]
    if not keys or len(roots) > 1:
        raise ConfigurationError(f"{origin} holds no key, or two roots.", "Restore the right keys.")
    return KeyRing(keys, roots[0] if roots else keys[-1])


def _decoded(text: str, origin: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"The master key in {origin} is not 32 bytes in base64.", "Restore the right key.")
    return key


def _create(path: Path) -> None:
    draft = _draft(path, base64.b64encode(os.urandom(KEY_BYTES)).decode())
    try:
        os.link(draft, path)  # whoever links first has made the key; the others use that one
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write(changed: KeyRing) -> KeyRing:
    lines = [base64.b64encode(key).decode() for key in changed.keys]
    lines.append(_ROOT + base64.b64encode(changed.root).decode())
    _draft(_file(), "\n".join(lines) + "\n").replace(_file())
    ring.cache_clear()
    return ring()


def _draft(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft
