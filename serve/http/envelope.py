"""The outermost layer of the HTTP door: what holds for every request before and after its route.

It gives the request an id and returns it, bounds the body, refuses text that PostgreSQL cannot hold where text is kept,
counts requests, and turns whatever nobody caught into a problem document that tells nothing about the inside.
"""

import json
import re
import time
from collections.abc import Callable, Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster.context import new_id
from cluster.errors import Internal, InvalidInput, SextantError
from cluster.telemetry import place_of
from serve.http.compression import GZIPPED, Unreadable, unpacked
from serve.http.problems import problem_response

MAX_BODY = 1 << 20
MAX_VALUES = 32 << 20
LARGE = ("/api/v1/classify/", "/api/v1/lineage")  # values, events and scripts of jobs
LOOKED_AT = ("/api/v1/classify/", "/api/v1/lineage/extract")  # what may hold any character, as none of it is stored
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000|\x00")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SAFE = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]

log = structlog.get_logger("http")

Observer = Callable[[str, str, int, float], None]


class Envelope:
    """ASGI middleware. `observe` is told method, route template, status and seconds of every request."""

    def __init__(self, app: ASGIApp, observe: Observer) -> None:
        self._app, self._observe = app, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in _SAFE if name not in present]
                message["headers"] = [*message["headers"], *added, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            body = await _body(scope, receive)
            if isinstance(body, Refusal):
                await problem_response(body.error, request_id, status=body.status)(scope, receive, reply)
            else:
                await self._app(scope, body, reply)
        except Exception as error:
            # The text of an unexpected error may quote data: the log gets its type and place only.
            log.error("request failed", error=type(error).__name__, place=place_of(error), request_id=request_id)
            if status:
                raise ConnectionAbortedError("the response was cut short") from None
            defect = Internal("The request failed inside Sextant.", "Report the request id; the log has its place.")
            await problem_response(defect, request_id)(scope, receive, reply)
        finally:
            route = getattr(scope.get("route"), "path", "(none)")
            self._observe(scope["method"], route, status, time.perf_counter() - started)


class Refusal:
    """A request that is turned away before any route sees it."""

    def __init__(self, status: int, error: SextantError) -> None:
        self.status, self.error = status, error


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    given = next((value.decode("latin-1") for name, value in headers if name == b"x-request-id"), "")
    return given if REQUEST_ID.fullmatch(given) else new_id()


async def _body(scope: Scope, receive: Receive) -> Receive | Refusal:
    """The receive function to go on with, its body read and found acceptable."""
    if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
        return Refusal(422, InvalidInput("The address holds a NUL character.", "Send text without it."))
    if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
        return receive
    most = MAX_VALUES if scope["path"].startswith(LARGE) else MAX_BODY
    too_large = Refusal(413, InvalidInput(f"The body is larger than {most} bytes.", "Send a smaller one."))
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not declared.isdigit() or int(declared) > most:
        return too_large
    content = await _content(scope, receive, most, too_large)
    if isinstance(content, Refusal):
        return content
    if not scope["path"].startswith(LOOKED_AT) and (_NUL.search(content) or _half_character(content)):
        return Refusal(422, InvalidInput("The body holds a NUL or half a character.", "Send text without it."))
    return _replay(bytes(content), receive)


async def _content(scope: Scope, receive: Receive, most: int, too_large: Refusal) -> bytearray | Refusal:
    """The body, unpacked where the client compressed it, of `most` bytes at most both before and after that."""
    content = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        content += message.get("body", b"")
        if len(content) > most:
            return too_large
        if not message.get("more_body", False):
            break
    encoding = next((value for name, value in scope["headers"] if name == b"content-encoding"), b"").decode("latin-1")
    if encoding.lower() in {"", "identity"}:
        return content
    if encoding.lower() not in GZIPPED:
        return Refusal(415, InvalidInput("The body is encoded in a way that is not read here.", "Send gzip, or none."))
    try:
        found = unpacked(bytes(content), most)
    except Unreadable:
        return Refusal(422, InvalidInput("The body is not the gzip that its header announces.", "Send it whole."))
    return too_large if found is None else bytearray(found)


def _half_character(content: bytearray) -> bool:
    """Whether a string of the JSON holds a surrogate without its other half, which is no text in any encoding."""
    if not _SURROGATE.search(content):
        return False
    try:
        json.dumps(json.loads(content), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False  # no JSON at all: the route says so
    return False


def _replay(content: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
