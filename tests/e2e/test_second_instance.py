"""A second instance beside the first: run by an ordinary user, bounded in memory, and brought down without a trace."""

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sextant_instance import PATIENCE, Instance

pytestmark = pytest.mark.ray

BIG_MB = int(os.environ.get("BIG_CSV_MB", "300"))
LIMIT_MB = 1024
USER = "nobody"


@pytest.fixture(scope="module")
def second(instance: Instance) -> Iterator[Instance]:
    """Run by root it is given to another user, who may read everything, since the tests' own Python may lie anywhere.

    A partition may be as large as it likes, so that a worker has nothing to bound its memory but the batch.
    """
    home = Path(tempfile.mkdtemp(prefix="sxt-second-"))
    settings = {"SEXTANT_PARTITION_BYTES": str(1 << 40), "HOME": str(home)}
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("there is no setpriv to become another user with")
        entry = pwd.getpwnam(USER)
        os.chown(home, entry.pw_uid, entry.pw_gid)
        # The programs may lie where only root may look: this user may look there too, and write nowhere more.
        keep = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup"]
        prefix = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", *keep)
    made = Instance(home, settings, prefix=prefix)
    try:
        made.cli("up")
        yield made
    finally:
        made.cli("down")
        shutil.rmtree(home, ignore_errors=True)


def test_it_runs_as_an_ordinary_user(second: Instance) -> None:
    found = second.processes()
    pid = second.server.pid()
    assert len(found) > 8
    assert pid is not None
    users = {process.uids().effective for process in [*found, psutil.Process(pid)]}
    assert 0 not in users
    assert len(users) == 1


def big_csv(path: Path, size: int) -> int:
    """Writes about that many megabytes of rows that differ from each other; how many rows."""
    rows, number = 0, 0
    with path.open("w") as file:
        file.write("id,email,phone,amount,note\n")
        while file.tell() < size << 20:
            lines = [
                f"{n},person{n % 977}@example.org,+49 30 {1_000_000 + n % 1999},{n % 5003}.50,"
                f"order {n % 20011} left the warehouse and nobody has asked for it since; shelf {n % 307}\n"
                for n in range(number, number + 20_000)
            ]
            file.write("".join(lines))
            rows, number = rows + len(lines), number + len(lines)
    return rows


@pytest.mark.timeout(300 + BIG_MB)
def test_the_memory_of_a_worker_does_not_grow_with_the_file(second: Instance) -> None:
    folder = second.home / "big"
    folder.mkdir(mode=0o755)
    rows = big_csv(folder / "big.csv", BIG_MB)
    done = second.ended(second.start("govern", str(folder), "--name", "big"), PATIENCE + BIG_MB)
    assert done.returncode == 0, done.stdout + done.stderr
    workflow = second.workflows("big")[-1]
    assert workflow["state"] == "succeeded"
    scan = second.http("GET", f"/scans/{second.scan(workflow['id'])}").json()
    assert (scan["rows"], sum(scan["partitions"].values())) == (rows, 1)
    peaks = second.peaks("big")
    print(f"{BIG_MB} MB in one part: the worker's peak was {max(peaks):.0f} MB")
    assert 50 < max(peaks) < LIMIT_MB
    shutil.rmtree(folder)


def test_down_ends_one_instance_and_leaves_the_other(instance: Instance, second: Instance) -> None:
    actors = {process.pid for process in instance.processes("Actor")}
    ports, store = second.ports, second.server.pid()
    assert not set(ports.values()) & set(instance.ports.values())
    assert second.http("GET", "/health/ready", token=None).status_code == 200
    assert second.http("GET", "/status", token=instance.token).status_code == 401
    assert "processes" in second.cli("down").stdout
    assert second.processes() == []
    assert store is not None
    assert not lives(store)
    assert not [process for process in psutil.process_iter() if str(second.home) in " ".join(line_of(process))]
    assert not [name for name, port in ports.items() if listens(port)]
    assert instance.http("GET", "/health/ready", token=None).status_code == 200
    assert {process.pid for process in instance.processes("Actor")} == actors
    assert len(actors) >= 7
    assert "Nothing was running" in second.cli("down").stdout


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def line_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
