"""A budget on a real cluster: the scan keeps to it, is disturbed by nothing, and brings the same result."""

import os
import signal
import time

import pytest

from actors.scans.contract import Budget, ClearBudget, SetBudget
from tests.on_ray.scan_site import ROWS, Site, until

pytestmark = pytest.mark.ray

RATE = 300_000.0


def test_a_paced_scan_brings_the_same_and_takes_its_time_whatever_dies(site: Site, undisturbed: list[str]) -> None:
    site.forget_reports()
    access, _ = site.sources["files"]
    site.send(SetBudget(source_id=access.source_id, content=Budget(bytes_per_second=RATE)))
    began = time.monotonic()
    (scan,) = site.start("files")
    until(lambda: site.done([scan]) >= 2)
    os.kill(site.describe()["pid"], signal.SIGKILL)
    (ended,) = site.ended([scan])
    took = time.monotonic() - began
    assert (ended.state, ended.rows, ended.problems) == ("succeeded", ROWS, ())
    assert site.digests([ended]) == [undisturbed[list(site.sources).index("files")]]
    assert took >= ended.bytes / 2 / RATE, "Arrow holds less than twice what the file does"
    site.send(ClearBudget(source_id=access.source_id))
