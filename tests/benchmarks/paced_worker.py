"""One measured process: plans and scans a table again and again at a pace, as a worker under a budget does.

    python -m tests.benchmarks.paced_worker

Reads one line of JSON from its input: url, port, credential, path of the asset, pace, and whether to detect. It prints
`ready`, begins, and goes on until its input ends; then it prints one line of JSON: what its pace let through, and what
had come over the wire by then ten times a second, each with the time of the monotonic clock.
"""

import json
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from actors.scans import worker
from actors.scans.contract import ScanRules
from cluster.connectors import open_connector
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.connectors.pace import Pace, Pacer
from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
from cluster.security.secrets import seal
from cluster.settings import settings

SAMPLES_A_SECOND = 10
NICENESS = 15  # what Ray gives its workers (RAY_worker_niceness)
_BYTES_RECEIVED = 128  # in struct tcp_info of linux/tcp.h, since Linux 4.1


class Wire:
    """What the connections of this process to one port have received so far, sampled: (time, bytes in all)."""

    def __init__(self, port: int) -> None:
        self._port, self._seen, self.samples = port, Counter[str](), list[tuple[float, int]]()

    def watch(self) -> None:
        """Samples for ever; for a thread of its own."""
        while True:
            for entry in Path("/proc/self/fd").iterdir():
                self._look(entry)
            self.samples.append((time.monotonic(), self._seen.total()))
            time.sleep(1 / SAMPLES_A_SECOND)

    def _look(self, entry: Path) -> None:
        try:
            name = os.readlink(entry)
            if not name.startswith("socket:"):
                return
            with socket.socket(fileno=os.dup(int(entry.name))) as found:
                if found.family == socket.AF_INET and found.getpeername()[1] == self._port:
                    told = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    self._seen[name] = max(self._seen[name], struct.unpack_from("=Q", told, _BYTES_RECEIVED)[0])
        except OSError:
            return  # it was closed meanwhile


def scan(given: dict[str, Any], access: SourceAccess, asset: AssetInfo, rules: ScanRules) -> None:
    """Plans and scans the asset for ever."""
    pace = Pace.model_validate(given["pace"])
    while True:
        (planned,) = worker.plan_assets(access, [asset], settings().partition_bytes, None, pace)
        for part in planned.partitions:
            if given["detect"]:
                worker.scan_partition(access, part, rules, pace)
            else:
                read(access, given["credential"], part, pace)


def read(access: SourceAccess, credential: dict[str, str], part: Partition, pace: Pace) -> None:
    """Reads a partition as a worker does, and leaves what it read alone."""
    connector = open_connector(access, credential, vars(worker)["Pacer"](pace))
    for _ in connector.read(part, settings().batch_rows, settings().batch_bytes):
        pass
    connector.close()


def main() -> None:
    os.nice(NICENESS - os.nice(0))
    given = json.loads(sys.stdin.readline())
    access = SourceAccess(source_id="load", url=given["url"], sealed=seal(given["credential"], "load"))
    connector = open_connector(access, given["credential"])
    (asset,) = (found for found in connector.enumerate().assets if found.path == given["path"])
    connector.close()
    spec = load_rule_set().value
    rules = ScanRules(name="default", version=1, digest=compile(spec, load_detector_packs()).digest, spec=spec)
    taken: list[tuple[float, int, int]] = []
    # The worker makes its own pacer and nobody else listens to it.
    vars(worker)["Pacer"] = partial(Pacer, record=lambda *entry: taken.append(entry))
    wire = Wire(given["port"])
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.time()
    threading.Thread(target=wire.watch, daemon=True).start()
    threading.Thread(target=scan, args=(given, access, asset, rules), daemon=True).start()
    sys.stdin.read()
    print(json.dumps({"began": began, "taken": taken, "wire": wire.samples}), flush=True)
    os._exit(0)  # the scan goes on for ever


if __name__ == "__main__":
    main()
