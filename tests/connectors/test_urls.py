"""URLs of sources: no password stays in one, and a bad one says what is accepted."""

import pytest

from cluster.connectors import dataset_name, namespace, open_connector, split_url, suggested_name
from cluster.connectors.interface import SourceAccess
from cluster.errors import InvalidInput


def test_the_password_leaves_the_url_wherever_it_stands() -> None:
    for url in ("postgres://ann:s3c@ret@db/shop", "postgresql://db/shop?user=ann&password=s3c@ret"):
        parts = split_url(url)
        assert parts.url == "postgresql://db:5432/shop"
        assert parts.credential == {"username": "ann", "password": "s3c@ret"}
    parts = split_url("s3://key:secret@bucket/a/b?endpoint=http://127.0.0.1:9&aws_session_token=t")
    assert parts.url == "s3://bucket/a/b"
    assert parts.options == {"endpoint": "http://127.0.0.1:9"}
    assert parts.credential == {"username": "key", "password": "secret", "session_token": "t"}


@pytest.mark.parametrize(
    ("text", "url", "name", "space", "dataset"),
    [
        ("postgresql://H:1/d%20b?sslmode=require", "postgresql://h:1/d%20b", "d b", "postgres://h:1", "d b.x"),
        ("postgresql://[::1]/db", "postgresql://[::1]:5432/db", "db", "postgres://[::1]:5432", "db.x"),
        ("s3://b1/p//q/", "s3://b1/p/q", "b1-p-q", "s3://b1", "p/q/x"),
        ("gs://b1/p//q", "gs://b1/p/q", "b1-p-q", "gs://b1", "p/q/x"),
        (
            "abfs://c1x@acc/p/q/",
            "abfss://c1x@acc.dfs.core.windows.net/p/q",
            "c1x-p-q",
            "abfss://c1x@acc.dfs.core.windows.net",
            "p/q/x",
        ),
        ("file:///a%20b/./c/", "file:///a%20b/c", "c", "file", "/a b/c/x"),
        ("sqlite:///data/my%20shop.db", "sqlite:///data/my%20shop.db", "my shop.db", "sqlite", "/data/my shop.db/x"),
        ("sqlite:////data/./shop.db", "sqlite:///data/shop.db", "shop.db", "sqlite", "/data/shop.db/x"),
        ("/data/50% off?", "file:///data/50%25%20off%3F", "50- off", "file", "/data/50% off?/x"),
    ],
)
def test_a_url_is_written_in_one_way(text: str, url: str, name: str, space: str, dataset: str) -> None:
    parts = split_url(text)
    assert parts.url == url
    assert split_url(parts.url).url == url
    assert suggested_name(url) == name
    assert namespace(url) == space
    assert dataset_name(url, "x") == dataset


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "data/relative", "mongodb://h/d", "abfss://a/x", "gs://x",
        "postgresql:///db", "postgresql://h", "postgresql://h/a/b",
        "postgresql://h:99999/d", "postgresql://h:x/d", "postgresql://u:p@ss/word@h/d", "file://other/data", "s3://",
        "s3://bucket/../x", "/data/../etc", "file:///data/../etc", "postgresql://h/d?sslmode=maybe", "http://h/x",
        "postgresql://h/d?unknown=1", "/a\nb", "postgresql://h/" + "d" * 3000, "s3://b1/x?header=maybe", "postgresql://h/d#x",
        "s3://b1?endpoint=ftp://x", "sqlite://", "sqlite:///", "sqlite://shop.db", "sqlite:///a/../b.db",
        "sqlite:///a.db?header=true", "sqlite:///:memory:?mode=rw", "sqlite:///a.db?connect_timeout=0", "postgresql://[::1/db",
    ],
)  # fmt: skip
def test_a_bad_url_is_refused_with_a_remedy_and_never_quoted(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        split_url(text)
    assert raised.value.remedy
    assert "ss/word" not in str(raised.value)


def test_an_unknown_option_is_refused_when_a_source_is_opened() -> None:
    with pytest.raises(InvalidInput):
        open_connector(SourceAccess(source_id="s", url="file:///tmp", options={"sslmode": "require"}), {})
