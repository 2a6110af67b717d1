"""What object stores refuse, put off and hide, told in Sextant's own words; and bad input in folders."""

import os
from pathlib import Path
from typing import ClassVar

import pytest
from faulty_proxy import FaultyProxy
from hypothesis import given, settings
from hypothesis import strategies as st
from object_stores import ACCOUNT, KEY, Container
from source_targets import Bucket, Open, asset_of, cells_of

from cluster.connectors import split_url
from cluster.connectors.files import objects, read_ahead
from cluster.connectors.files.stores import fault, throttled
from cluster.connectors.interface import SourceAccess
from cluster.errors import SourceAuthFailed, SourceDenied, SourceError, SourceObjectGone, SourceUnreachable

FILES = 10


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "WAITS", (0.01, 0.02))


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("always", ["throttled", "slow-down"])
def test_a_store_that_puts_requests_off_is_asked_again_and_the_list_is_whole(
    bucket: Bucket, opened: Open, always: str
) -> None:
    names = [f"people_{chr(97 + number)}.csv" for number in range(FILES)]
    for name in names:
        bucket.put(name, b"id\n1\n")
    proxy = FaultyProxy(bucket.endpoint, seed=1)
    with proxy.serving() as address:
        connector = opened(f"s3://key:secret@{bucket.name}?endpoint={address}")
        proxy.always, proxy.times = always, 2
        found = connector.enumerate()
        assert found.complete
        assert [asset.path for asset in found.assets] == names
        assert proxy.spoiled.count(always) == 2


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize(
    ("always", "error", "words"),
    [
        ("throttled", SourceUnreachable, "put off"),
        ("expired", SourceAuthFailed, "expired"),
        ("region", SourceUnreachable, "region"),
        ("denied", SourceDenied, "may not be read"),
    ],
)
def test_a_refusal_is_a_failed_step_and_never_an_empty_list(
    bucket: Bucket, opened: Open, always: str, error: type[SourceError], words: str
) -> None:
    bucket.put("a.csv", b"id\n1\n")
    proxy = FaultyProxy(bucket.endpoint, seed=1)
    with proxy.serving() as address:
        connector = opened(f"s3://key:secret@{bucket.name}?endpoint={address}")
        proxy.always = always
        with pytest.raises(error, match=words):
            connector.enumerate()
        first, *rest = connector.test()
        assert (first.name, first.status, first.code) == ("CheckAccess", "failed", error.code)
        assert first.remedy
        assert {step.status for step in rest} == {"skipped"}


@pytest.mark.usefixtures("_quick")
def test_a_store_that_tells_no_tags_is_read_and_a_replaced_object_is_noticed(bucket: Bucket, opened: Open) -> None:
    bucket.put("a.csv", b"id\n1\n2\n")
    proxy = FaultyProxy(bucket.endpoint, seed=1)
    with proxy.serving() as address:
        url = f"s3://key:secret@{bucket.name}?endpoint={address}"
        for tagless in (False, True):  # planned by its tag, and by its time and size
            proxy.tagless = tagless
            connector = opened(url)
            planned = connector.plan(asset_of(connector, "a.csv"), 1 << 20)
            proxy.tagless = True
            assert [row["id"] for row in cells_of(connector, planned)] == ["1", "2"], (
                "what is not told is no other version"
            )
    tree = objects.ObjectTree(SourceAccess(source_id="s", url=f"s3://{bucket.name}", options={}), {})
    file = objects.ObjectFile(tree._way(), "a.csv", "a.csv", {"size": 7, "last_modified": "then", "e_tag": None})
    assert not file._same({"e_tag": None, "size": 7, "last_modified": "now"})
    assert not file._same({"e_tag": None, "size": 8, "last_modified": "then"})
    tree.close()


def test_a_bucket_without_a_credential_is_told_to_need_one(
    bucket: Bucket, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    first, *_ = opened(bucket.url().replace("key:secret@", "")).test()
    assert (first.status, first.code) == ("failed", SourceAuthFailed.code)
    assert "no credential" in first.summary
    assert "anonymous=true" in (first.remedy or "")


def test_words_in_a_name_are_not_taken_for_the_words_of_a_store() -> None:
    error = OSError("GET http://h/b/slowdown-429-ExpiredToken.csv: status code: 404: <Code>NoSuchKey</Code>")
    assert not throttled(error)
    assert isinstance(fault(error, "x", "s3"), SourceUnreachable)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("key", SourceAuthFailed),
        ("container", SourceObjectGone),
    ],
)
def test_azure_says_what_is_wrong(container: Container, opened: Open, url: str, error: type[SourceError]) -> None:
    bad = (
        container.url(key=KEY.replace("Eby8", "AAAA"))
        if url == "key"
        else container.url().replace(container.name, "none")
    )
    first, *_ = opened(bad).test()
    assert (first.status, first.code) == ("failed", error.code)
    assert first.remedy


def test_an_account_key_leaves_the_url() -> None:
    parts = split_url(f"abfss://c1x@{ACCOUNT}/a?account_key=k%2B%3D")
    assert parts.url == f"abfss://c1x@{ACCOUNT}.dfs.core.windows.net/a"
    assert parts.credential == {"account_key": "k+="}


def test_links_that_lead_in_circles_or_out_are_not_followed_and_counted(tmp_path: Path, opened: Open) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (inside / "deep").mkdir(parents=True)
    (outside / "secret.csv").write_text("id\n1\n")
    (inside / "a.csv").write_text("id\n1\n")
    (inside / "deep" / "loop").symlink_to(inside)
    (inside / "out").symlink_to(outside)
    (inside / "out.csv").symlink_to(outside / "secret.csv")
    os.mkfifo(inside / "pipe.csv")
    connector = opened(inside.as_uri())
    found = connector.enumerate()
    assert [asset.path for asset in found.assets] == ["a.csv"]
    assert connector.facts().extra["links_not_followed"] == 3
    asset = asset_of(connector, "a.csv")
    for path in ("out/secret.csv", "out.csv", "../outside/secret.csv", "deep/loop/../../outside/secret.csv"):
        with pytest.raises(SourceError):
            connector.plan(asset.model_copy(update={"path": path}), 1 << 20)


def test_a_csv_without_header_keeps_its_first_row(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a.csv").write_text("1,ann@example.org\n2,bob@example.org\n")
    connector = opened(tmp_path.as_uri())
    asset = asset_of(connector, "a.csv")
    assert [column.name for column in asset.columns] == ["column_1", "column_2"]
    assert len(cells_of(connector, connector.plan(asset, 1 << 20))) == 2


@settings(deadline=None)
@given(
    size=st.integers(0, 200),
    block=st.integers(1, 40),
    held=st.integers(1, 4),
    reads=st.lists(st.tuples(st.integers(0, 220), st.integers(0, 90)), max_size=20),
)
def test_reading_ahead_gives_the_bytes_that_are_there(
    size: int, block: int, held: int, reads: list[tuple[int, int]]
) -> None:
    data = bytes(number % 251 for number in range(size))

    class File:
        name, version, near = "x", "1", False

        def __init__(self) -> None:
            self.size = size
            self.shelf: dict[int, bytes] = {}

        def read_at(self, offset: int, length: int) -> bytes:
            return data[offset : offset + length]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_ahead, "BLOCK", block)
        patch.setattr(read_ahead, "HELD", held)
        ahead = read_ahead.ReadAhead(File())
        for offset, length in reads:
            assert ahead.read_at(offset, length) == data[offset : offset + length]
        assert len(ahead._held) <= max(held, 1 + read_ahead.AHEAD)


def test_a_block_that_could_not_be_read_is_asked_for_again() -> None:
    class File:
        name, version, near, size = "x", "1", False, 10
        times = 0
        shelf: ClassVar[dict[int, bytes]] = {}

        def read_at(self, offset: int, length: int) -> bytes:
            self.times += 1
            if self.times == 1:
                raise SourceUnreachable("no")
            return b"0123456789"[offset : offset + length]

    ahead = read_ahead.ReadAhead(File())
    with pytest.raises(SourceUnreachable):
        ahead.read_at(0, 4)
    assert ahead.read_at(2, 3) == b"234"
