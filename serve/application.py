"""The Ray Serve application: one deployment that answers every route.

Each further deployment would cost a process of its own, so there is one, which scales from one replica to
three. A replica reads PostgreSQL itself and sends commands to the group actors; it imports no engine that reads data.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
import ray
import structlog
from fastapi import FastAPI
from ray import serve as ray_serve
from ray.exceptions import RayError
from sqlalchemy import Engine, text

from cluster.connectors.interface import SourceAccess
from cluster.errors import Unavailable
from cluster.runtime.doors import NAMESPACE, send
from cluster.runtime.tasks import run_task
from cluster.settings import settings
from cluster.store.engine import database_url, make_engine, reading
from cluster.telemetry import configure_logging
from serve.http.api import build_api
from serve.http.doors import GROUPS

T = TypeVar("T")
NAME = "sextant"
CONNECTIONS = 8
THREADS = CONNECTIONS + 2  # a thread without a connection could only wait for one
PROBE_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
SCALING = {"min_replicas": 1, "max_replicas": 3, "target_ongoing_requests": 200, "downscale_delay_s": 300}

log = structlog.get_logger("api")


def build() -> FastAPI:
    """The application of one replica, made inside it: nothing of it is pickled."""
    configure_logging("api")
    engine = make_engine(database_url(), CONNECTIONS)
    return build_api(send, engine, probe=probe, work=read_source, on_start=prepare)


async def read_source(function: Callable[..., T], *arguments: Any) -> T:
    """Runs a function that reads a source in a worker, on the nodes that reach the source."""
    labels = next((one.node_labels for one in arguments if isinstance(one, SourceAccess)), None)
    return await run_task(function, *arguments, cpus=0, labels=labels)


async def prepare() -> None:
    """Before the first request: as many threads as connections, and group actors to send commands to."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    if not all((await probe()).values()):
        try:
            await asyncio.to_thread(_ensure_actors)
        except RayError as error:
            log.warning("cannot make the group actors yet", error=type(error).__name__)


def _ensure_actors() -> None:
    # Imported only where an actor is missing: it brings the code of all groups into this process.
    from actors.ensure import ensure_all

    ensure_all()


async def probe() -> dict[str, dict[str, Any] | None]:
    """What each group's actor says of itself; None where it does not answer within two seconds."""
    answers = await asyncio.gather(*(_described(group) for group in GROUPS))
    return dict(zip(GROUPS, answers, strict=True))


async def _described(group: str) -> dict[str, Any] | None:
    try:
        handle = await asyncio.to_thread(ray.get_actor, group, NAMESPACE)
        answer: dict[str, Any] = await asyncio.wait_for(handle.describe.remote(), PROBE_SECONDS)
        return answer
    except (RayError, ValueError, TimeoutError):
        return None


@ray_serve.deployment(
    name="Api",
    num_replicas=None,
    autoscaling_config=SCALING,
    max_ongoing_requests=1000,
    max_queued_requests=10_000,
    max_surge_percent=100,
    health_check_period_s=5,
    health_check_timeout_s=15,
    graceful_shutdown_wait_loop_s=1,
    graceful_shutdown_timeout_s=5,
    ray_actor_options={"num_cpus": 0},
)
@ray_serve.ingress(build)
class Api:
    """The ingress. A replica that cannot reach the database for a minute is replaced, in case the fault is its own."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._reached = time.monotonic()

    async def check_health(self) -> None:
        """Called by Serve every five seconds. Raises Unavailable when the replica should be replaced."""
        try:
            await asyncio.to_thread(self._ping)
            self._reached = time.monotonic()
        except Unavailable:
            if time.monotonic() - self._reached > PATIENCE_SECONDS:
                raise

    def _ping(self) -> None:
        if self._engine is None:
            self._engine = make_engine(database_url(), 1)
        with reading(self._engine) as session:
            session.execute(text("SELECT 1"))


app = Api.bind()  # type: ignore[attr-defined]  # the decorator makes a Deployment of the class


def deploy(host: str, port: int) -> None:
    """Makes the group actors, starts Serve on this address, and runs the application; returns when it answers.

    This process must have joined the cluster. Safe to repeat.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its notes are not for whoever types `sextant up`
    _ensure_actors()
    ray_serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    ray_serve.run(app, name=NAME, route_prefix="/", blocking=False)
    if settings().model_endpoints:
        from serve.models.deployments import deploy_models  # each costs a process

        deploy_models()
