"""Calls to the HTTP API that may be repeated: a lost reply is asked for again with the same Idempotency-Key."""

import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from pydantic_core import to_jsonable_python

from cluster.context import new_id
from cluster.errors import ConfigurationError, Internal, SextantError, Unauthenticated, Unavailable, all_errors

PREFIX = "/api/v1"
REPEATABLE = frozenset({429, 502, 503, 504})


class Transport:
    """One connection pool to one instance. `patience` is how many seconds a call goes on trying.

    Raises the error tree of `cluster.errors`: what the instance answered as a problem document, or Unavailable where
    it did not answer at all.
    """

    def __init__(
        self, url: str, token: str | None, *, patience: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"User-Agent": "sextant"} | ({"Authorization": f"Bearer {token}"} if token else {})
        if token is not None and not (token.isascii() and token.isprintable()):
            raise Unauthenticated("The token holds characters that no token has.", "Copy it again.")
        self.url, self.patience = url.rstrip("/"), patience
        try:
            self._client = httpx.Client(base_url=self.url, headers=headers, timeout=60.0, transport=transport)
        except httpx.InvalidURL:
            raise ConfigurationError("The address of the instance is not a URL.", "Check SEXTANT_URL.") from None

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The response, of a status below 400. A request that changes something gets an Idempotency-Key."""
        sent = dict(headers or {})
        if method != "GET":
            sent.setdefault("Idempotency-Key", new_id())
        given = {key: value for key, value in (params or {}).items() if value is not None}
        deadline, pause = time.monotonic() + self.patience, 0.1
        while True:
            error, again = self._once(method, path, body, given, sent)
            if isinstance(error, httpx.Response):
                return error
            if not again or time.monotonic() + pause > deadline:
                raise error
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the retries, keeps no secret
            pause = min(pause * 2, 2.0)

    def _once(
        self, method: str, path: str, body: Any, params: dict[str, Any], headers: dict[str, str]
    ) -> tuple[httpx.Response | SextantError, bool]:
        try:
            response = self._client.request(
                method, PREFIX + path, json=to_jsonable_python(body), params=params, headers=headers
            )
        except httpx.TransportError as error:
            return unreachable(self.url, error), True
        if response.status_code < 400:
            return response, False
        # Where a replica dies at work, the proxy before it answers 500 in words of its own.
        strange = response.status_code >= 500 and "problem+json" not in response.headers.get("Content-Type", "")
        return problem_of(response), strange or response.status_code in REPEATABLE

    def stream(self, path: str, params: Mapping[str, Any], last_event_id: str) -> Iterator[str]:
        """The lines of an event stream until it ends or breaks; raises SextantError if it is refused."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        given = {key: value for key, value in params.items() if value is not None}
        try:
            with self._client.stream("GET", PREFIX + path, params=given, headers=headers) as response:
                if response.status_code >= 400:
                    response.read()
                    raise problem_of(response)
                yield from response.iter_lines()
        except httpx.TransportError:
            return


def unreachable(url: str, error: Exception) -> Unavailable:
    """The error of an instance that does not answer."""
    return Unavailable(
        f"Sextant does not answer at {url} ({type(error).__name__}).", "Start it with `sextant up`, or set SEXTANT_URL."
    )


def problem_of(response: httpx.Response) -> SextantError:
    """The error that a response of status 400 or above stands for, problem document or not."""
    try:
        problem = response.json()
        cls = all_errors().get(problem["code"], Internal)
        return cls(str(problem["detail"]), str(problem.get("remedy", "")), problem.get("context") or None)
    except (ValueError, KeyError, TypeError):
        text = f"The instance answered with status {response.status_code}."
    if response.status_code in REPEATABLE:
        return Unavailable(text, "Try again; see `sextant status`.")
    return Internal(text, "Check that SEXTANT_URL is a Sextant instance.")
