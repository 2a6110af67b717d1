"""Sealed credentials open for their owner only, and show nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ConfigurationError
from cluster.security import secrets

KEY = b"k" * 32


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "master_key", lambda: KEY)


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), min_size=1, max_size=4))
def test_a_secret_comes_back_for_its_owner(credential: dict[str, str]) -> None:
    original = secrets.master_key
    secrets.master_key = lambda: KEY  # type: ignore[assignment]  # hypothesis runs outside the function fixture
    try:
        sealed = secrets.seal(credential, "source-1")
        assert sealed is not None
        assert secrets.unseal(sealed, "source-1") == credential
    finally:
        secrets.master_key = original  # type: ignore[assignment]


def test_another_owner_or_key_cannot_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = secrets.seal({"password": "hunter2"}, "source-1")
    assert sealed is not None
    assert "hunter2" not in sealed
    with pytest.raises(ConfigurationError, match="does not belong"):
        secrets.unseal(sealed, "source-2")
    monkeypatch.setattr(secrets, "master_key", lambda: b"z" * 32)
    with pytest.raises(ConfigurationError, match="another master key"):
        secrets.unseal(sealed, "source-1")


def test_equal_secrets_look_different() -> None:
    assert secrets.seal({"a": "b"}, "s") != secrets.seal({"a": "b"}, "s")
