"""Killing what is at work: the run goes on by itself to the result of a run that nothing disturbed."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sextant_estate import Estate
from sextant_instance import Instance, until

pytestmark = pytest.mark.ray

NAME = "target"
STATES = """
SELECT p.state, count(*) FROM scans.partition p JOIN scans.run r ON r.id = p.run_id
JOIN sources.source s ON s.id = r.source_id WHERE s.name = %s AND s.state <> 'retired' GROUP BY 1
"""


class Target:
    """A folder that is governed as a new source each time, so that nothing is known of it beforehand."""

    def __init__(self, instance: Instance, folder: Path) -> None:
        self.instance, self.folder = instance, folder

    def in_mid_run(self) -> None:
        """Returns when some of the source was read and some was not."""

        def some() -> bool:
            states = dict(self.instance.rows(STATES, NAME))
            return states.get("done", 0) >= 2 and states.get("leased", 0) > 0

        until(some, "the run is under way", 90)

    def running(self) -> bool:
        return bool(self.instance.workflows(NAME)[-1]["state"] == "running")

    def digests_after(self, disturb: Callable[[], None]) -> dict[str, str]:
        """What is held of the source after a run of the command line in whose middle `disturb` was called."""
        command = self.instance.start("govern", str(self.folder), "--name", NAME)
        try:
            self.in_mid_run()
            disturb()
            done = self.instance.ended(command)
        finally:
            command.kill()
        assert done.returncode == 0, done.stdout + done.stderr
        return self.digests()

    def digests(self) -> dict[str, str]:
        (workflow,) = self.instance.workflows(NAME)
        assert workflow["state"] == "succeeded", workflow
        return self.instance.digests(NAME)

    def retire(self) -> None:
        with contextlib.suppress(StopIteration):
            answer = self.instance.http("POST", f"/sources/{self.instance.source_id(NAME)}/retire")
            assert answer.status_code == 200


@pytest.fixture(scope="module")
def folder(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that make a dozen parts."""
    made = tmp_path_factory.mktemp("target") / "files"
    made.mkdir()
    for name in ("exports/orders.parquet", "exports/payments.csv", "marketing/leads.csv"):
        shutil.copy(estate.files / name, made)
    lines = (estate.files / "logs" / "web" / "2026-03-28.jsonl").read_text()
    (made / "logs.jsonl").write_text(lines * 20)
    return made


@pytest.fixture
def target(instance: Instance, folder: Path) -> Iterator[Target]:
    made = Target(instance, folder)
    yield made
    made.retire()


@pytest.fixture(scope="module")
def undisturbed(instance: Instance, folder: Path) -> dict[str, str]:
    made = Target(instance, folder)
    found = made.digests_after(lambda: None)
    made.retire()
    return found


def killed(instance: Instance, word: str) -> None:
    """Kills the processes of that name, which have to be there."""
    found = until(lambda: instance.processes(word), f"a process '{word}'", 20)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


# By day two at once, which is no easier for those that are left; by night each alone as well.
VICTIMS = [("ScansActor", "ServeReplica"), ("scan_partition", "OrchestratorActor")]
if os.environ.get("LONG_TESTS"):
    VICTIMS += [(victim,) for pair in VICTIMS for victim in pair]


@pytest.mark.parametrize("victims", VICTIMS, ids=" and ".join)
def test_killed_processes_change_nothing(target: Target, undisturbed: dict[str, str], victims: tuple[str, ...]) -> None:
    def disturb() -> None:
        assert target.running()
        for victim in victims:
            killed(target.instance, f"ray::{victim}")

    assert target.digests_after(disturb) == undisturbed


def test_a_killed_database_changes_nothing(target: Target, undisturbed: dict[str, str]) -> None:
    def disturb() -> None:
        pid = target.instance.server.pid()
        assert pid is not None
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs(family, timeout=20)  # its backends notice, and end
        target.instance.cli("up")

    assert target.digests_after(disturb) == undisturbed


def test_an_instance_that_was_killed_whole_goes_on(target: Target, undisturbed: dict[str, str]) -> None:
    instance = target.instance
    command = instance.start("govern", str(target.folder), "--name", NAME)
    target.in_mid_run()
    command.kill()
    instance.ended(command)
    pid = instance.server.pid()
    assert pid is not None
    victims = [*instance.processes(), psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(victims) > 8
    for process in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(victims, timeout=20)
    instance.cli("up")
    until(lambda: not target.running(), "the workflow ends")
    assert target.digests() == undisturbed
