"""Pages: lists are given out in bounded parts, each with the cursor of the next."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

T = TypeVar("T")

Id = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:\-]+$", examples=["3f2a"])]
IdFilter = Annotated[str | None, Query(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:\-]+$")]
Limit = Annotated[int, Query(ge=1, le=200, description="Most items of the page.")]
After = Annotated[
    str | None,
    Query(
        min_length=1, max_length=1000, pattern=r"^[!-~]+$", description="`next` of the page before; opaque otherwise."
    ),
]

AfterNumber = Annotated[str | None, Query(pattern=r"^\d{1,9}$", description="`next` of the page before, a number.")]
AfterPart = Annotated[str | None, Query(pattern=r"^[0-9a-f]{1,64}:\d{1,9}$", description="`next` of the page before.")]


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the `after` of the next part, null where this one is the last."""

    model_config = ConfigDict(frozen=True)

    items: tuple[T, ...]
    next: str | None = None


def page(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """The page of at most `limit` of what was found when `limit + 1` were asked for."""
    items = tuple(found[:limit])
    return Page[T](items=items, next=cursor(items[-1]) if len(found) > limit and items else None)
