"""A bounded number of coroutines under way, each known by a key."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Window(Generic[K]):
    """Runs at most `size` coroutines at a time; `on_end` is called in the event loop whenever one has ended.

    The coroutines settle their own errors: one that raises is forgotten like one that returns, and told to `on_end`.
    """

    def __init__(self, size: int, on_end: Callable[[BaseException | None], None] = lambda error: None) -> None:
        self.size = size
        self._on_end = on_end
        self._tasks: dict[K, asyncio.Task[Any]] = {}

    @property
    def free(self) -> int:
        """How many more may be started."""
        return max(0, self.size - len(self._tasks))

    @property
    def keys(self) -> frozenset[K]:
        """What is under way."""
        return frozenset(self._tasks)

    def start(self, key: K, work: Coroutine[Any, Any, Any]) -> None:
        """Starts `work` as `key`, which must not be under way. The caller looks at `free` first."""
        if key in self._tasks:
            work.close()
            raise ValueError("this key is under way")
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda ended: self._ended(key, ended))

    def cancel(self, keys: frozenset[K]) -> None:
        """Cancels those of `keys` that are under way; each stays in the window until it has really ended."""
        for key in keys & self.keys:
            self._tasks[key].cancel()

    def _ended(self, key: K, task: "asyncio.Task[Any]") -> None:
        del self._tasks[key]
        self._on_end(None if task.cancelled() else task.exception())
