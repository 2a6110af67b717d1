"""The instance as a whole, with nothing deployed on it: up, up again, killed, repaired, beside another, and down.

Each step runs in a process of its own, as commands do; what it prints as JSON is what it saw.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.runtime.ports import choose, is_free
from cluster.runtime.ray_head import processes

pytestmark = pytest.mark.ray

UP = """
import json, os
from cluster.runtime.instance import up
from cluster.settings import settings

class Keeper:
    def pid(self):
        return os.getpid()

def deploy():
    import ray
    actor = ray.remote(num_cpus=0)(Keeper)
    made = actor.options(name="keeper", lifetime="detached", get_if_exists=True, max_restarts=-1).remote()
    found["keeper"] = ray.get(made.pid.remote())

found = {}
record = up(settings(), deploy)
print(json.dumps(found | record))
"""
DOWN = "from cluster.runtime.instance import down; from cluster.settings import settings; print(down(settings()))"
STATUS = """
import json
from cluster.runtime.instance import status
from cluster.settings import settings
print(json.dumps(status(settings())))
"""


@dataclass
class Home:
    """An instance's home and what is run in it."""

    path: Path

    def run(self, program: str, check: bool = True, **more: str) -> Any:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SEXTANT_", "RAY_"))}
        own = {"SEXTANT_HOME": str(self.path), "SEXTANT_HTTP_PORT": "0", "SEXTANT_DASHBOARD_PORT": "0"}
        own |= {"SEXTANT_CPUS": "1"}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=inherited | own | more, capture_output=True, text=True, check=False)
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def living(self, word: str = "") -> set[int]:
        """Its processes of Ray whose command line holds the word."""
        record = json.loads((self.path / "run" / "instance.json").read_text())
        found = set()
        for process in processes(record["name"]):
            try:
                if process.status() != psutil.STATUS_ZOMBIE and word in " ".join(process.cmdline()):
                    found.add(process.pid)
            except psutil.Error:
                continue
        return found

    def kill_all(self) -> None:
        server = int((self.path / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        for pid in {*self.living(), server}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="sxt-") as folder:
        made = Home(Path(folder))
        try:
            yield made
        finally:
            made.run(DOWN)


def test_a_port_that_is_in_use_is_named_with_its_setting(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = str(listener.getsockname()[1])
        done = home.run(UP, check=False, SEXTANT_HTTP_PORT=taken)
    assert done.returncode != 0
    assert f"Port {taken} is in use by another process. Set SEXTANT_HTTP_PORT" in done.stderr


def test_two_at_once_bring_up_one(home: Home) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(home.run, [UP, UP])
    assert first == second
    assert len(home.living("gcs_server")) == 1


@pytest.fixture
def running(home: Home) -> dict[str, Any]:
    """The record of the instance, which runs, and the process of its actor."""
    found: dict[str, Any] = home.run(UP)
    return found


def test_what_it_runs_is_told_by_kind_with_its_memory(home: Home, running: dict[str, Any]) -> None:
    told = home.run(STATUS)
    assert told["running"]
    assert {"ray gcs", "ray raylet", "ray dashboard", "ray::Keeper", "postgres"} <= set(told["kinds"])
    assert "ray::DashboardAgent" in told["kinds"], "a process that gave itself a name is one of its own too"
    assert told["kinds"]["ray::Keeper"]["pss_mb"] > 10


def test_no_port_of_ray_leaves_the_loopback(home: Home, running: dict[str, Any]) -> None:
    listening = set()
    for pid in home.living():
        try:
            connections = psutil.Process(pid).net_connections("inet")
        except psutil.Error:
            continue
        listening |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_without_its_token_the_cluster_is_closed(running: dict[str, Any]) -> None:
    address = f"http://127.0.0.1:{running['ports']['dashboard']}/api/jobs/"
    program = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=30)"
    done = subprocess.run([sys.executable, "-c", program, address], capture_output=True, text=True, check=False)
    assert "401" in done.stderr, done.stderr


def test_a_job_with_the_token_runs_by_what_is_installed(home: Home, running: dict[str, Any]) -> None:
    own = {"RAY_ADDRESS": f"http://127.0.0.1:{running['ports']['dashboard']}", "RAY_AUTH_MODE": "token"}
    own |= {"RAY_AUTH_TOKEN_PATH": str(home.path / "run" / "ray_token")}
    command = [str(Path(sys.executable).with_name("ray")), "job", "submit", "--"]
    command += ["python", "-c", "import serve.jobs.govern"]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    assert (done.returncode, "succeeded" in done.stdout) == (0, True), done.stdout + done.stderr


def test_up_repairs_a_head_of_which_a_part_was_killed(home: Home, running: dict[str, Any]) -> None:
    (pid,) = home.living("raylet/raylet")
    os.kill(pid, signal.SIGKILL)
    repaired = home.run(UP)
    assert repaired["ports"] == running["ports"]
    assert repaired["keeper"] in home.living()
    assert len(home.living("raylet/raylet")) == 1


def test_up_repairs_what_was_killed_whole(home: Home, running: dict[str, Any]) -> None:
    home.kill_all()
    repaired = home.run(UP)
    assert repaired["ports"] == running["ports"]
    assert repaired["keeper"] in home.living()


def test_down_leaves_nothing_of_its_own_and_all_of_another(home: Home, running: dict[str, Any]) -> None:
    """Two instances on one machine; the second in a folder whose name is too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="sxt-") as folder:
        other = Home(Path(folder) / "a-long-name-of-a-home" / "of-which-no-socket-can-be-made" / "home")
        other.path.mkdir(parents=True)
        try:
            second = other.run(UP)
            assert not set(second["ports"].values()) & set(running["ports"].values())
            before = home.living()
            temporary = Path(second["temporary"])
            assert temporary.exists()
            assert other.run(DOWN) > 5
        finally:
            other.run(DOWN)
        assert home.living() == before
        assert not temporary.exists()
    assert home.run(STATUS)["running"]
    everything = home.living()
    assert home.run(DOWN) > 5
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in everything)
    assert not home.run(STATUS)["running"]
    assert home.run(DOWN) == 0
    assert is_free(running["ports"]["ray"])
    assert is_free(running["ports"]["postgres"])


def test_ports_are_kept_and_never_given_twice() -> None:
    names = {"http": 0, "ray": 0, "metrics": 0}
    first = choose(names, {}, 17)
    assert len(set(first.values())) == len(names)
    assert choose(names, first, 4711) == first
    with socket.create_server(("127.0.0.1", first["ray"])):
        second = choose(names, first, 17)
    assert second["ray"] not in first.values()
    assert (second["http"], second["metrics"]) == (first["http"], first["metrics"])
