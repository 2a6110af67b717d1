"""The instance: PostgreSQL, a Ray head and what is deployed on it, brought up, looked at and brought down as one."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from cluster.errors import ConfigurationError, Unavailable
from cluster.runtime.ports import choose, is_free
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.ray_head import (
    RAY_PORTS,
    Record,
    forget_session,
    processes,
    ray_environment,
    start_head,
    stop_all,
    temporary_folder,
)
from cluster.settings import Settings

Progress = Callable[[str], None]
# The processes without which a head cannot go on; Ray does not start them again.
HEAD = {"ray gcs", "ray raylet", "ray dashboard"}


def up(settings: Settings, deploy: Callable[[], None], progress: Progress = lambda _: None) -> Record:
    """Brings the instance up, or what is missing of it, and returns its record. Safe to repeat.

    `deploy` is called in this process once it has joined the cluster. Raises ConfigurationError or Unavailable.
    """
    with _alone(settings):
        name = hashlib.sha256(str(settings.home.resolve()).encode()).hexdigest()[:12]
        progress("Starting PostgreSQL")
        store_url = _start_store(settings)
        record = _running(settings, name)
        if record is None:
            stop_all(name)
            record = _new_record(settings, name)
            environment = ray_environment(settings, record, store_url)
            if not settings.ray_address:
                progress("Starting Ray")
                try:
                    start_head(settings, record, environment)
                except Unavailable:
                    stop_all(name)  # half a head would only be in the way of the next one
                    raise
        _adopt(ray_environment(settings, record, store_url))
        progress("Deploying")
        join()
        deploy()
        return record


def _adopt(environment: dict[str, str]) -> None:
    """Makes this process one of the instance; a token of another cluster would come before the one of its file."""
    os.environ.pop("RAY_AUTH_TOKEN", None)
    os.environ.update(environment)


def join() -> None:
    """Joins the cluster of this instance, whose address and token are in the environment.

    Ray reads both when it is imported, so it must not have been before. Raises Unavailable.
    """
    import ray

    if not ray.is_initialized():
        try:
            ray.init(namespace="sextant", log_to_driver=False, logging_level=logging.ERROR)
        except ConnectionError:
            raise Unavailable("The Ray cluster does not answer.", "Run `sextant up`.") from None


def enter(settings: Settings) -> Record:
    """Makes this process one of the running instance. Raises Unavailable if it does not run."""
    record = _read_record(settings)
    if record is None:
        raise Unavailable(f"No instance runs in {settings.home}.", "Run `sextant up`.")
    _adopt(ray_environment(settings, record, _store_url(settings)))
    return record


def down(settings: Settings) -> int:
    """Stops the instance and returns how many processes it had; nothing of it is left running. Safe to repeat."""
    if not settings.home.exists():
        return 0
    with _alone(settings):
        record = _read_record(settings)
        stopped = 0
        if record is not None:
            stopped = stop_all(record["name"])
            forget_session(settings.home, record)
        server = _server(settings)
        if server.running():
            stopped += 1
            server.stop()
        _record_path(settings).unlink(missing_ok=True)
        return stopped


def status(settings: Settings) -> dict[str, Any]:
    """What runs: the record, and the processes by kind with resident and proportional memory in MB."""
    record = _read_record(settings)
    found = processes(record["name"]) if record else []
    if settings.home.exists():
        found += _postgres_processes(settings)
    kinds: dict[str, dict[str, float]] = {}
    for process in found:
        with contextlib.suppress(psutil.Error):
            memory = process.memory_full_info()
            entry = kinds.setdefault(_kind(process), {"processes": 0, "rss_mb": 0.0, "pss_mb": 0.0})
            entry["processes"] += 1
            entry["rss_mb"] += memory.rss / 1e6
            entry["pss_mb"] += memory.pss / 1e6
    return {"home": str(settings.home), "running": bool(found), "record": record, "kinds": kinds}


def _start_store(settings: Settings) -> str:
    if settings.database_url is None:
        server = _server(settings)
        server.start()
    url = _store_url(settings)
    from cluster.store.migrate import upgrade

    upgrade(url)
    return url


def _store_url(settings: Settings) -> str:
    if settings.database_url is None:
        return _server(settings).url
    scheme, _, rest = settings.database_url.get_secret_value().partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else f"{scheme}://{rest}"


def _store_port(settings: Settings) -> int:
    """The port of the embedded PostgreSQL; 0 where another one is used."""
    return _server(settings).port if settings.database_url is None else 0


def _server(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.home / "postgres", settings.postgres_port, settings.postgres_user)


def _running(settings: Settings, name: str) -> Record | None:
    """The record of this instance if its head is alive and whole, and knows the store where it is now."""
    record = _read_record(settings)
    if record is None or settings.ray_address:
        return record
    if is_free(record["ports"]["ray"]) or record["ports"].get("postgres") != _store_port(settings):
        return None
    kinds = set()
    for process in processes(name):
        with contextlib.suppress(psutil.Error):  # one that was killed and that nobody has reaped
            kinds.add(_kind(process))
    return record if kinds >= HEAD else None


def _new_record(settings: Settings, name: str) -> Record:
    earlier = _read_record(settings)
    wanted = {"http": settings.http_port, "dashboard": settings.dashboard_port}
    wanted |= dict.fromkeys(RAY_PORTS, 0) | {"ray": settings.ray_port}
    ports = choose(wanted, earlier["ports"] if earlier else {}, int(name[:6], 16))
    ports["postgres"] = _store_port(settings)
    temporary = temporary_folder(settings.home, name)
    record = Record(name=name, ports=ports, temporary=str(temporary))
    draft = _record_path(settings).with_suffix(".new")
    draft.write_text(json.dumps(record))
    draft.replace(_record_path(settings))
    return record


def _record_path(settings: Settings) -> Path:
    return settings.home / "run" / "instance.json"


def _read_record(settings: Settings) -> Record | None:
    try:
        record: Record = json.loads(_record_path(settings).read_text())
    except (OSError, ValueError):
        return None
    return record


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Only one `up` or `down` of an instance at a time; a second one waits for the first."""
    for folder in (settings.home, settings.home / "run", settings.home / "logs"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be made: {error.strerror}.", "Set SEXTANT_HOME.") from None
    with (settings.home / "run" / "lock").open("w") as file:
        deadline = time.monotonic() + 180
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable("Another `sextant up` or `down` is under way.", "Wait for it.") from None
                time.sleep(0.2)
        yield


def _postgres_processes(settings: Settings) -> list[psutil.Process]:
    pid = _server(settings).pid()
    if pid is None:
        return []
    with contextlib.suppress(psutil.Error):
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]
    return []


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline()) or process.name()
    for word, kind in (
        ("ray::", line.split(" ")[0].split(".")[0]), ("gcs_server", "ray gcs"), ("raylet/raylet", "ray raylet"),
        ("client.server", "ray client server"), ("dashboard.py", "ray dashboard"),
        ("ray-dashboard", "ray dashboard modules"), ("multiprocessing", "ray dashboard modules"),
        ("haproxy", "haproxy"), ("postgres", "postgres"),
    ):  # fmt: skip
        if word in line:
            return kind
    return process.name()
