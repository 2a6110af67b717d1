"""What the clients of all groups share: an operation of the API as a call that returns contract values."""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel

from serve.transport import Transport

M = TypeVar("M", bound=BaseModel)


class Typed:
    """Operations over one transport. Every call raises the error tree of `cluster.errors`."""

    def __init__(self, http: Transport) -> None:
        self.http = http

    def _one(self, model: type[M], method: str, path: str, body: Any = None, **params: Any) -> M:
        return model.model_validate_json(self.http.call(method, path, body=body, params=params or None).content)

    def _pages(self, model: type[M], path: str, filters: dict[str, Any] | None = None) -> Iterator[M]:
        after = None
        while True:
            found = self.http.call("GET", path, params={**(filters or {}), "after": after}).json()
            for item in found["items"]:
                yield model.model_validate(item)
            after = found["next"]
            if after is None:
                return
