"""The HTTP application: every route under /api/v1, put together over the means it is given."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette.routing import compile_path

from serve.http import (
    accounts,
    acting,
    audit,
    catalog,
    classification,
    classify,
    compliance,
    compliance_records,
    connectors,
    credentials,
    curation,
    endpoints,
    events,
    explain,
    findings,
    glossary,
    health,
    incidents,
    jobs,
    lineage,
    models,
    orders,
    pools,
    preview,
    quality,
    reports,
    review,
    risk,
    rulesets,
    scan_budgets,
    scan_definitions,
    scan_figures,
    scans,
    source_health,
    sources,
    tokens,
    vocabulary,
    watch,
    workflows,
)
from serve.http.doors import Doors, Probe, SendCommand, Work, in_thread, no_probe
from serve.http.envelope import Envelope
from serve.http.identity import KnownTokens
from serve.http.loaded_models import ModelsAtHand
from serve.http.measure import Measures
from serve.http.openapi import document, only_known_parameters
from serve.http.problems import install_handlers
from serve.http.refusals import Refusals
from serve.http.tail import Tail

PREFIX = "/api/v1"
GROUPS = (
    sources,
    connectors,
    credentials,
    endpoints,
    source_health,
    pools,
    accounts,
    preview,
    rulesets,
    scans,
    scan_figures,
    scan_budgets,
    scan_definitions,
    classification,
    classify,
    review,
    models,
    watch,
    explain,
    vocabulary,
    catalog,
    curation,
    glossary,
    quality,
    incidents,
    compliance,
    compliance_records,
    findings,
    orders,
    risk,
    reports,
    acting,
    workflows,
    events,
    audit,
    tokens,
    health,
    lineage,
    jobs,
)
DESCRIPTION = (
    "Data governance on Ray. Errors are problem documents (RFC 9457); lists are pages with a cursor; a request that "
    "changes something may carry an `Idempotency-Key`; long work answers 202 with a `Location`."
)


def addresses() -> list[tuple[re.Pattern[str], set[str]]]:
    """The pattern of every address with a method that it takes, for saying which ones do where another was tried."""
    routes = [route for group in GROUPS for route in group.router.routes if isinstance(route, APIRoute)]
    return [(compile_path(PREFIX + route.path)[0], route.methods or set()) for route in routes]


async def nothing() -> None:
    """The start of an application that has nothing to prepare."""


def build_api(
    send: SendCommand, engine: Engine, *, probe: Probe = no_probe, work: Work = in_thread,
    on_start: Callable[[], Awaitable[None]] = nothing,
) -> FastAPI:  # fmt: skip
    """The application over a way to send commands and a database to read.

    `probe` tells `/health/ready` which actors answer; `work` runs what reads a source; `on_start` is awaited once
    before the first request. In production `send` is `cluster.runtime.doors.send`; a test hands in one that uses
    writers of its own process.
    """
    tail, measures, refusals = Tail(engine), Measures(), Refusals(engine)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await on_start()
        yield
        await tail.close()
        await refusals.close()

    app = FastAPI(
        title="Sextant",
        version=version("sextant"),
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.doors = Doors(send, engine, KnownTokens(), tail, measures, ModelsAtHand(engine), probe, work)
    app.state.refusals = refusals
    install_handlers(app)
    app.add_middleware(Envelope, observe=measures.observe)
    api = APIRouter(prefix=PREFIX, dependencies=[Depends(only_known_parameters)])
    for group in GROUPS:
        api.include_router(group.router)
    app.include_router(api)
    app.state.addresses = addresses()
    app.openapi = lambda: document(app)  # type: ignore[method-assign]  # the way FastAPI documents for extending it
    return app
