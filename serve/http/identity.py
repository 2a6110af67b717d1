"""Who is asking: bearer tokens, and the caller that a command or a read is done for."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cluster.context import Caller, new_id
from cluster.errors import Unauthenticated
from cluster.security.tokens import authenticate
from cluster.security.visibility import require_all
from serve.http.doors import Doors, doors_of
from serve.http.problems import request_id_of

SECONDS = 3.0
ENTRIES = 1024
_bearer = HTTPBearer(auto_error=False, scheme_name="bearerAuth", description="A token of `sextant token create`.")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9._:\-]+$",
        description="Makes a repeated request return the first response instead of being done twice.",
    ),
]


class KnownTokens:
    """Tokens that were valid a moment ago, so that not every request has to ask PostgreSQL.

    Holds hashes only, at most 1024. A revoked token is refused at once by the replica that revoked it, and by
    the others within three seconds. Refusals are never remembered.
    """

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._callers: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def get(self, secret: str) -> Caller | None:
        """The caller of a token that was valid less than `seconds` ago."""
        until, caller = self._callers.get(_digest(secret), (0.0, None))
        return caller if until > self._clock() else None

    def put(self, secret: str, caller: Caller) -> None:
        """Remembers a valid token, forgetting the oldest where there are too many."""
        self._callers[_digest(secret)] = (self._clock() + self._seconds, caller)
        self._callers.move_to_end(_digest(secret))
        while len(self._callers) > ENTRIES:
            self._callers.popitem(last=False)

    def clear(self) -> None:
        """Forgets all of them: the next request of each asks PostgreSQL."""
        self._callers.clear()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _look_up(doors: Doors, secret: str) -> Caller:
    with doors.reading() as session:
        return authenticate(session, secret)


async def reader(
    request: Request,
    doors: Annotated[Doors, Depends(doors_of)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller of this request. Raises Unauthenticated."""
    secret = credentials.credentials if credentials else ""
    if not secret.isascii() or not 0 < len(secret) <= 200:
        raise Unauthenticated(
            "A valid API token is required.", "Send `Authorization: Bearer <token>`; see `sextant token`."
        )
    caller = doors.known_tokens.get(secret)
    if caller is None:
        caller = await run_in_threadpool(_look_up, doors, secret)
        doors.known_tokens.put(secret, caller)
    caller = caller.model_copy(update={"request_id": request_id_of(request), "operation_id": new_id()})
    request.state.caller = caller  # whose refusal is noted, should it come to one
    return caller


async def again(
    request: Request,
    doors: Annotated[Doors, Depends(doors_of)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Callable[[], Awaitable[Caller]]:
    """For what lasts longer than a request: asks who the caller is now. Raises Unauthenticated."""
    return lambda: reader(request, doors, credentials)


async def writer(caller: Annotated[Caller, Depends(reader)], key: IdempotencyKey = None) -> Caller:
    """The caller of a request that changes something, with its Idempotency-Key as the operation id."""
    return caller.model_copy(update={"operation_id": key}) if key else caller


def permitted(permission: str, *, scoped: bool = False) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that gives the caller only if a role grants `permission`.

    `scoped` says that the route leaves out what the caller may not see. The others refuse a caller from whom assets are
    hidden: a view that does not ask whose assets it tells of must not tell of any.
    """

    async def check(caller: Annotated[Caller, Depends(reader)]) -> Caller:
        caller.require(permission)
        if not scoped:
            require_all(caller)
        return caller

    return check


CallerNow = Annotated[Callable[[], Awaitable[Caller]], Depends(again)]
Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
