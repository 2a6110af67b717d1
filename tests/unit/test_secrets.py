"""Sealed credentials open for their owner only, and show nothing."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ConfigurationError
from cluster.security import keyring, secrets
from cluster.security.keyring import KeyRing

KEY = b"k" * 32


@pytest.fixture(autouse=True, scope="module")
def _key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        held(patch, KEY)
        yield


def held(patch: pytest.MonkeyPatch, *keys: bytes) -> None:
    """Makes these the keys of the ring."""
    ring = KeyRing(keys, keys[-1])
    patch.setattr(keyring, "ring", lambda: ring)
    patch.setattr(keyring, "find", ring.find)


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), min_size=1, max_size=4))
def test_a_secret_comes_back_for_its_owner(credential: dict[str, str]) -> None:
    sealed = secrets.seal(credential, "source-1")
    assert sealed is not None
    for form in (sealed, secrets.rewrapped(sealed, "source-1"), secrets.resealed(sealed, "source-1")):
        assert secrets.unseal(form, "source-1") == credential


def test_another_owner_or_key_cannot_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = secrets.seal({"password": "hunter2"}, "source-1")
    assert sealed is not None
    assert "hunter2" not in sealed
    with pytest.raises(ConfigurationError, match="does not belong"):
        secrets.unseal(sealed, "source-2")
    held(monkeypatch, b"z" * 32)
    with pytest.raises(ConfigurationError, match="another master key"):
        secrets.unseal(sealed, "source-1")


def test_equal_secrets_look_different() -> None:
    assert secrets.seal({"a": "b"}, "s") != secrets.seal({"a": "b"}, "s")


def test_a_rotated_ring_opens_the_old_and_wraps_with_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    old = secrets.seal({"password": "hunter2"}, "s")
    assert old is not None
    held(monkeypatch, b"n" * 32, KEY)
    assert secrets.unseal(old, "s") == {"password": "hunter2"}
    new = secrets.rewrapped(old, "s")
    assert secrets.key_of(new) == keyring.id_of(b"n" * 32)
    assert new[-40:] == old[-40:], "the secret itself is left as it was encrypted"
    assert secrets.resealed(old, "s")[-40:] != old[-40:]
    held(monkeypatch, b"n" * 32)
    assert secrets.unseal(new, "s") == {"password": "hunter2"}
    with pytest.raises(ConfigurationError, match="another master key"):
        secrets.unseal(old, "s")
