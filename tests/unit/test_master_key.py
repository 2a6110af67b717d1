"""The key file of an installation is made once, for its owner alone."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.errors import ConfigurationError
from cluster.security.keyring import ring
from cluster.settings import settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "home"))
    for known in (settings, ring):
        known.cache_clear()
    yield tmp_path / "home"
    monkeypatch.undo()
    for known in (settings, ring):
        known.cache_clear()


def test_nobody_else_can_read_the_key_and_no_draft_of_it_stays(home: Path) -> None:
    assert len(ring().current) == 32
    (file,) = home.iterdir()
    assert file.name == "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_the_key_stays_the_same_for_every_process(home: Path) -> None:
    first = ring()
    ring.cache_clear()
    assert ring() == first


def test_a_damaged_key_is_refused_and_not_replaced(home: Path) -> None:
    ring()
    (home / "master.key").write_text("c2hvcnQ=")
    ring.cache_clear()
    with pytest.raises(ConfigurationError, match="32 bytes"):
        ring()
    assert (home / "master.key").read_text() == "c2hvcnQ="
