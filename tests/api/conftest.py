"""The HTTP door on a real PostgreSQL and a real socket; commands go to the groups' writers in the same process."""

import asyncio
import importlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actors.rulesets.contract import DEFAULT, ReviseRuleSet
from cluster.context import Caller, system
from cluster.detectors.compile import load_rule_set
from cluster.runtime.actor import result_of
from cluster.runtime.commands import Command
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.writer import GroupWriter
from cluster.security.tokens import issue_token
from cluster.store.engine import make_engine
from cluster.store.migrate import upgrade
from serve.http.api import build_api

GROUPS = ("sources", "rulesets", "scans", "classification", "catalog", "compliance", "orchestrator")
ROLES = ("admin", "steward", "engineer", "auditor", "viewer")


@dataclass
class Groups:
    """All groups' writers in one event loop, as `send` reaches them."""

    engine: Engine
    writers: dict[str, GroupWriter] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        for group in GROUPS:
            writer = GroupWriter(importlib.import_module(f"actors.{group}.service").service, self.engine)
            await writer.open()
            self.writers[group] = writer
            self.tasks.append(asyncio.create_task(writer.run()))

    async def send(self, command: Command[Any], caller: Caller) -> Any:
        return result_of(command, await self.writers[command.group].execute(command, caller))

    async def probe(self) -> dict[str, dict[str, Any] | None]:
        return {group: {"group": group, "epoch": writer.epoch} for group, writer in self.writers.items()}

    def carry_out(self, command: Command[Any]) -> Any:
        """A command of the groups' own loops, sent from the test's thread."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(self.send(command, system(command.group)), self.loop).result(30)


class Server:
    """An ASGI application on a free port of this machine, in a thread of its own."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(
            app, host="127.0.0.1", port=0, lifespan="on", log_config=None, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert self._thread.is_alive(), "the application did not start"
            assert time.monotonic() < deadline, "the application did not start in time"
            time.sleep(0.01)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(15)
        assert not self._thread.is_alive()


@dataclass
class Instance:
    """A running instance with one token for each role."""

    url: str
    groups: Groups
    tokens: dict[str, str]
    app: Any = None

    def forget_tokens(self) -> None:
        """Makes the next request of each token ask who stands behind it now."""
        self.app.state.doors.known_tokens.clear()

    def client(self, role: str | None = "admin", **options: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        return httpx.Client(base_url=self.url, headers=headers | options.pop("headers", {}), timeout=30, **options)


@pytest.fixture(scope="session")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Engine]:
    url = postgres_server.ensure_database("api_tests")
    upgrade(url)
    engine = make_engine(url, 8)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def instance(store: Engine) -> Iterator[Instance]:
    with Session(store) as session, session.begin():
        tokens = {role: issue_token(session, f"{role}.person", [role], None).secret for role in ROLES}
    groups = Groups(store)
    app = build_api(groups.send, store, probe=groups.probe, on_start=groups.start)
    with Server(app) as url:
        groups.carry_out(ReviseRuleSet(name=DEFAULT, spec=load_rule_set(DEFAULT).value))
        yield Instance(url, groups, tokens, app)


@pytest.fixture
def admin(instance: Instance) -> Iterator[httpx.Client]:
    with instance.client("admin") as client:
        yield client


@pytest.fixture
def served() -> type[Server]:
    """A way to serve another application for as long as a `with` is open; it gives the address."""
    return Server
