"""Errors as problem documents (RFC 9457): what happened, what to do, and nothing of what was sent or stored."""

import re
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from cluster.errors import Internal, InvalidInput, MalformedRequest, NotFound, SextantError, all_errors
from serve.http.refusals import note

MEDIA_TYPE = "application/problem+json"
TYPES = "/api/v1/problems/"
_HARMLESS = re.compile(r"[A-Za-z0-9_.\-]{1,60}")

log = structlog.get_logger("http")


class Mistake(BaseModel):
    """One thing that is wrong with a request: where, and what is expected there. The value itself is not repeated."""

    model_config = ConfigDict(frozen=True)

    where: str = Field(examples=["body.url"])
    expected: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """A problem document (RFC 9457). `code` is stable; `remedy` says what to do; `request_id` finds it in the log."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["/api/v1/problems/not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(ge=400, le=599, examples=[404])
    detail: str = Field(examples=["There is no source with this id."])
    remedy: str = Field("", examples=["List the sources to see their ids."])
    code: str = Field(examples=["not-found"])
    instance: str = Field(examples=["urn:sextant:request:5f0c"])
    request_id: str = Field(examples=["5f0c"])
    context: dict[str, Any] = {}
    errors: tuple[Mistake, ...] = ()


def title_of(error: type[SextantError]) -> str:
    """The class name as words: "NotFound" becomes "Not found"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", error.__name__).capitalize()


def problem_response(
    error: SextantError,
    request_id: str,
    *,
    status: int | None = None,
    mistakes: Sequence[Mistake] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The response for an error. `status` overrides the one of its class, for what only HTTP knows (405, 413)."""
    problem = Problem(
        type=TYPES + error.code,
        title=title_of(type(error)),
        status=status or error.status,
        detail=error.detail,
        remedy=error.remedy,
        code=error.code,
        instance=f"urn:sextant:request:{request_id}",
        request_id=request_id,
        context=error.context,
        errors=tuple(mistakes),
    )
    extra = dict(headers or {})
    if problem.status == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="sextant"'
    if error.retryable and problem.status in {429, 503}:
        extra["Retry-After"] = "1"
    return JSONResponse(problem.model_dump(mode="json"), problem.status, extra, media_type=MEDIA_TYPE)


def install_handlers(app: FastAPI) -> None:
    """Makes every error of a route, of validation and of the routing itself a problem document."""
    app.add_exception_handler(SextantError, _sextant_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)


def request_id_of(request: Request) -> str:
    """The id that the outermost layer gave to this request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


async def _sextant_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SextantError)
    if error.status >= 500:
        log.warning("request failed", code=error.code, request_id=request_id_of(request))
    await note(request, error, request_id_of(request))
    return problem_response(error, request_id_of(request))


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        malformed = MalformedRequest("The body is not valid JSON.", "Send one JSON value in UTF-8.")
        return problem_response(malformed, request_id_of(request))
    mistakes = [Mistake(where=_place(entry["loc"]), expected=str(entry["msg"])[:300]) for entry in found[:50]]
    summary = "; ".join(f"{mistake.where}: {mistake.expected}" for mistake in mistakes[:3])
    invalid = InvalidInput(f"The request is not acceptable: {summary}.", "Correct what `errors` names.")
    return problem_response(invalid, request_id_of(request), mistakes=mistakes)


def _place(location: Sequence[Any]) -> str:
    # A part of a location may be a key that the client chose: only what looks like a name is repeated.
    return ".".join(str(part) if _HARMLESS.fullmatch(str(part)) else "?" for part in location)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    request_id = request_id_of(request)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        missing = NotFound("There is nothing at this address.", "See /api/v1/openapi.json for all addresses.")
        return problem_response(missing, request_id, headers=headers)
    if error.status_code == 405:
        allowed = _allowed(request)
        wrong = InvalidInput("This address does not take this method.", f"It takes {allowed}.")
        return problem_response(wrong, request_id, status=405, headers={"Allow": allowed})
    if error.status_code == 400:
        return problem_response(MalformedRequest("The body could not be read.", "Send valid JSON."), request_id)
    fitting = InvalidInput if error.status_code < 500 else Internal
    failed = fitting("The request could not be carried out.", "See /api/v1/openapi.json.")
    return problem_response(failed, request_id, status=error.status_code, headers=headers)


def _allowed(request: Request) -> str:
    """All methods of the address: each route knows its own only."""
    addresses: Sequence[tuple[re.Pattern[str], set[str]]] = request.app.state.addresses
    methods = {method for pattern, taken in addresses if pattern.match(request.url.path) for method in taken}
    return ", ".join(sorted(methods))


def error_class(code: str) -> type[SextantError]:
    """The class with this code. Raises NotFound."""
    known = all_errors()
    if code not in known:
        raise NotFound("There is no problem type with this code.", f"Known are: {', '.join(sorted(known))}.")
    return known[code]
