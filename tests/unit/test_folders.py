"""Which folders sources may lie in: by the settings, by what the installation is, and whatever a link leads to."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cluster.clouds.interface import AccountAccess
from cluster.clouds.servers import list_folders
from cluster.connectors import open_connector
from cluster.connectors.files.local import LocalTree
from cluster.connectors.files.tree import Listing
from cluster.connectors.interface import SourceAccess
from cluster.errors import AddressRefused, ConfigurationError
from cluster.security.folders import check_folder
from cluster.security.network import check_places
from cluster.settings import settings


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Beside each other `data` and `other`, with a file in each; `data` is the one root that is there."""
    for name in ("data", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("SEXTANT_FILE_ROOTS", f"{tmp_path / 'data'}, {tmp_path / 'none'}")
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.mark.parametrize("scheme", ["file", "sqlite", "duckdb"])
def test_only_folders_within_a_root_may_be_sources(place: Path, scheme: str) -> None:
    check_places(f"{scheme}://{place}/data", {})
    check_places(f"{scheme}://{place}/data/not/yet", {})
    for path in (f"{place}/other/t.csv", f"{place}/database", f"{place}/data%2F..%2Fother", "/etc/passwd", "/", ""):
        with pytest.raises(AddressRefused, match="outside"):
            check_places(f"{scheme}://{path}", {})
        with pytest.raises(AddressRefused):
            open_connector(SourceAccess(source_id="s", url=f"{scheme}://{path}"), {})


def test_a_link_that_is_turned_after_the_look_leads_nowhere_else(place: Path) -> None:
    link = place / "data" / "link"
    link.symlink_to(place / "data")
    tree = LocalTree(link)
    assert [entry.path for entry in tree.list(Listing())] == ["t.csv"]
    link.unlink()
    link.symlink_to(place / "other")
    with pytest.raises(AddressRefused):
        list(tree.list(Listing()))
    with pytest.raises(AddressRefused):
        tree.open("t.csv", None)
    with pytest.raises(AddressRefused):
        check_folder(link)
    with pytest.raises(AddressRefused):
        list_folders(AccountAccess(account_id="a", provider="folder", url=link.as_uri(), options={}), {})


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_nor_does_one_to_a_database(place: Path, scheme: str) -> None:
    there, link = place / "other" / "db", place / "data" / "db"
    duckdb.connect(str(there)).close()
    link.write_bytes(b"")
    connector = open_connector(SourceAccess(source_id="s", url=f"{scheme}://{link}"), {})
    link.unlink()
    link.symlink_to(there)
    with pytest.raises(AddressRefused):
        connector.enumerate()
    connector.close()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("HTTP_PORT", "8000", True),
        ("HOST", "::1", True),
        ("HOST", "localhost", True),
        ("HOST", "0.0.0.0", False),
        ("HOST", "sextant.example", False),
        ("RAY_ADDRESS", "10.0.0.1:6379", True),
        ("DATABASE_URL", "postgresql://db/sextant", False),
        ("DATABASE_URL", "postgresql://sextant:secret@127.0.0.1:5432/sextant", True),
        ("DATABASE_URL", "postgresql:///sextant", True),
        ("FILE_ROOTS", "", False),
        ("FILE_ROOTS", "/", True),
    ],
)
def test_without_roots_only_an_installation_of_one_machine_reads_every_folder(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: bool
) -> None:
    monkeypatch.delenv("SEXTANT_FILE_ROOTS")
    monkeypatch.setenv(f"SEXTANT_{name}", value)
    settings.cache_clear()
    if allowed:
        check_folder(place / "other")
    else:
        with pytest.raises(AddressRefused, match="outside"):
            check_folder(place / "other")


def test_a_root_that_is_no_full_path_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_FILE_ROOTS", "data")
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match="FILE_ROOTS"):
        check_folder(place / "data")
