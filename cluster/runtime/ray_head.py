"""The Ray head of an instance: started with ports, folders and a token of its own, so that two live side by side."""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

import psutil

from cluster.errors import ConfigurationError, Unavailable
from cluster.settings import Settings

MARK = "SEXTANT_INSTANCE"
# Ray's switch for systems on which it forms no clusters. Off, it keeps to 127.0.0.1; on, it would listen everywhere and
# take a network card's address for its own, which a laptop may lose at any time.
CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"

RAY_PORTS = (
    "ray", "node_manager", "object_manager", "dashboard_agent", "dashboard_agent_grpc", "runtime_env_agent",
    "metrics", "dashboard_metrics", "client", "haproxy_metrics", "haproxy_stats", "fallback", "fallback_grpc",
    "ingress",
)  # fmt: skip


class Record(TypedDict):
    """What an instance remembers of itself in `run/instance.json`."""

    name: str
    ports: dict[str, int]
    temporary: str


def ray_environment(settings: Settings, record: Record, store_url: str) -> dict[str, str]:
    """The environment of every process of the instance: the one place where Ray is told how to behave."""
    home, ports = settings.home, record["ports"]
    haproxy = socket_folder(home, record["name"])
    environment = {name: value for name, value in os.environ.items() if name.startswith("SEXTANT_")}
    environment |= {
        "SEXTANT_HOME": str(home),
        "SEXTANT_STORE_URL": store_url,
        "RAY_ADDRESS": settings.ray_address or f"127.0.0.1:{ports['ray']}",
        # Ray gives its processes names, and a long name would be written over the mark by which they are found again.
        "SPT_NOENV": "1",
        "PATH": _path(),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(_token(home)),
        "RAY_USAGE_STATS_ENABLED": "0",
        "DASHBOARD_METRIC_PORT": str(ports.get("dashboard_metrics", 0)),
        # The cluster's own state survives the loss of the head: detached actors come back with it.
        "RAY_gcs_storage": "rocksdb",
        "RAY_gcs_storage_path": str(home / "run" / "gcs"),
        # HAProxy and the throughput mode belong together: 3.5 times the requests of the default proxy.
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(ports["ingress"]),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(ports["ingress"] + 50),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports["haproxy_metrics"]),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports["haproxy_stats"]),
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports["fallback"]),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(ports["fallback_grpc"]),
        # No Arrow data crosses the object store (a task returns a report), so workers need not load what carries it.
        "RAY_DISABLE_CUSTOM_ARROW_DATA_SERIALIZATION": "1",
        "RAY_DISABLE_CUSTOM_ARROW_JSON_OPTIONS_SERIALIZATION": "1",
        "RAY_SERVE_LOG_TO_STDERR": "0",
        # The job that made the actors ended with `up`. Of such a job Ray ends each worker that it finds idle, and looks
        # five times a second: between two tasks. The next worker would load the libraries of a scan anew.
        "RAY_kill_idle_workers_interval_ms": "10000",
        # Native thread pools would take every core in every process, and each arena of malloc keeps memory.
        "POLARS_MAX_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_IO_THREADS": "2",
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": "131072",
        # Last, since Ray's processes overwrite the beginning of their environment with their new names.
        MARK: record["name"],
    }
    if not settings.ray_address:
        environment[CLUSTERS] = "0"
    return environment


def _path() -> str:
    """Where commands are looked for: with `python` first that which runs this, so that jobs find what is installed."""
    here, path = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
    return path if path.split(os.pathsep)[0] == here else here + os.pathsep + path


def start_head(settings: Settings, record: Record, environment: dict[str, str]) -> None:
    """Starts the head and waits until it is up. Raises Unavailable with Ray's last words."""
    ports, temporary = record["ports"], Path(record["temporary"])
    _own_folder(socket_folder(settings.home, record["name"]))
    options = {
        "node-ip-address": "127.0.0.1", "port": ports["ray"], "node-manager-port": ports["node_manager"],
        "object-manager-port": ports["object_manager"], "min-worker-port": 0, "max-worker-port": 0,
        "ray-client-server-port": ports["client"], "dashboard-host": "127.0.0.1",
        "dashboard-port": ports["dashboard"], "dashboard-agent-listen-port": ports["dashboard_agent"],
        "dashboard-agent-grpc-port": ports["dashboard_agent_grpc"],
        "runtime-env-agent-port": ports["runtime_env_agent"], "metrics-export-port": ports["metrics"],
        "object-store-memory": settings.object_store_mb << 20, "include-log-monitor": "false",
        "include-dashboard": "true", "temp-dir": temporary, "log-style": "record",
    }  # fmt: skip
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--disable-usage-stats"]
    command += ["--no-monitor"]  # the autoscaler's process, of no use to one node
    command += [f"--{name}={value}" for name, value in options.items()]
    command += [f"--num-cpus={settings.cpus}"] if settings.cpus else []
    log = settings.home / "logs" / "ray_start.log"
    with log.open("w") as file:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        done = subprocess.run(
            command, env=inherited | environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True, check=False, cwd="/",
        )  # fmt: skip
    if done.returncode:
        stop_all(record["name"])
        raise Unavailable(f"Ray did not start (exit code {done.returncode}).", f"See {log}.")
    _drop_client_server(record["name"])


def _drop_client_server(name: str) -> None:
    """Ends the server of `ray://` clients, which `ray start` always starts and nothing here uses: 90 MB."""
    for process in processes(name):
        with contextlib.suppress(psutil.Error):
            if "ray.util.client.server" in process.cmdline():
                process.terminate()


def temporary_folder(home: Path, name: str) -> Path:
    """Ray's session folder: in the home, or, where sockets would have too long a name there, under /tmp.

    A socket's name has 107 characters at most, of which the session and the longest socket in it take up to 68.
    """
    inside = home / "run" / "ray"
    return inside if len(str(inside)) <= 38 else Path("/tmp") / f"sextant-{name}"  # noqa: S108 - see `_own_folder`


def socket_folder(home: Path, name: str) -> Path:
    """The folder of HAProxy's sockets: in the home, or, where they would have too long a name there, under /tmp.

    Ray appends the 56 digits of the node, and HAProxy allows 97 characters in all.
    """
    inside = home / "run" / "haproxy"
    return inside if len(str(inside)) <= 28 else Path("/tmp") / f"sextant-{name}"  # noqa: S108 - see `_own_folder`


def _own_folder(folder: Path) -> None:
    """Makes the folder for this user alone. Raises ConfigurationError if somebody else has made it before."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise ConfigurationError(f"{folder} belongs to somebody else.", "Remove it, or set SEXTANT_HOME.")


def processes(name: str) -> list[psutil.Process]:
    """The processes of the instance: those with its mark and those of their sessions; never this one or its parents."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    mark = f"{MARK}={name}".encode()
    others = [process for process in psutil.process_iter() if process.pid not in own]
    marked = {process.pid for process in others if mark in _environment(process.pid)}
    sessions = {_session(pid) for pid in marked} - {_session(pid) for pid in own} - {0}
    # Only those that an instance began: in the session of a terminal there may be a marked child of a driver.
    sessions = {session for session in sessions if session in marked or not psutil.pid_exists(session)}
    return [process for process in others if process.pid in marked or _session(process.pid) in sessions]


def _environment(pid: int) -> list[bytes]:
    """What a process was started with. Ray's processes rename themselves and blank the beginning of it."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def stop_all(name: str) -> int:
    """Ends every process of the instance and returns how many there were."""
    found = processes(name)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    alive = _left(found, 8)
    # A raylet that goes down may have started a last worker meanwhile, so the list is made anew.
    while rest := {*alive, *processes(name)}:
        for process in rest:
            with contextlib.suppress(psutil.Error):
                process.kill()
        alive = _left(list(rest), 5)
    return len(found)


def _left(found: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still live after at most that time. One that nobody has reaped yet, as in a container, has ended."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in found if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def forget_session(home: Path, record: Record) -> None:
    """Removes what a stopped cluster left: its own state and its session folder. PostgreSQL has all that matters."""
    shutil.rmtree(home / "run" / "gcs", ignore_errors=True)
    shutil.rmtree(record["temporary"], ignore_errors=True)
    shutil.rmtree(socket_folder(home, record["name"]), ignore_errors=True)


def _token(home: Path) -> Path:
    path = home / "run" / "ray_token"
    if not path.exists():
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        draft.replace(path)
    return path
