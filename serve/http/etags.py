"""Versions as ETags (RFC 9110, section 8.8.3): a change says which version it is made to."""

import re
from typing import Annotated

from fastapi import Header

from cluster.errors import InvalidInput

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=100, description="The ETag of the version that the change is made to."),
]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=100)]
_TAG = re.compile(r'^\s*"v(\d{1,18})"\s*$')


def etag(version: int) -> str:
    """The strong ETag of a version: `"v3"`."""
    return f'"v{version}"'


def version_of(if_match: str | None) -> int:
    """The version that If-Match names. Raises InvalidInput where it is missing or not an ETag of Sextant."""
    found = _TAG.match(if_match or "")
    if not found:
        raise InvalidInput("If-Match does not hold a version.", "Send the ETag of the last response, as it was.")
    return int(found.group(1))
