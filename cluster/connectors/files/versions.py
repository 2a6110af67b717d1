"""Versions of objects, by which what was planned is held to what is read."""

from typing import Any


def version_of(meta: Any) -> str:
    """The version of an object by what a store tells of it: its tag, else its time; and its size."""
    return f"{meta.get('e_tag') or meta['last_modified']}-{meta['size']}"


def known_by(version: str) -> dict[str, Any] | None:
    """What a version says of an object that has bytes, by a tag that requests can be held to; None where it has none.

    A tag stands in quotes (RFC 9110, 8.8.3), which the lists of some stores leave out.
    """
    tag, _, size = version.rpartition("-")
    if not tag.startswith('"') or not size.isdigit() or not int(size):
        return None
    return {"e_tag": tag, "size": int(size)}
