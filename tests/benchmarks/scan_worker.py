"""One measured process: reads its share of a folder with polars (the floor), or scans it with Sextant.

    python -m tests.benchmarks.scan_worker {floor|scan} FOLDER SHARE OF

It imports and warms up, prints `ready`, waits for a line, does the work, and prints one line of JSON. Sextant goes the
way of a scan task: connector, plan, batches, kernels, with the default rule set and no network, actor or database.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.corpus import read

Work = Callable[[], dict[str, Any]]


def floor(folder: Path, share: int, of: int) -> Work:
    """Reads every file of the share whole, and touches every value once by counting nulls."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".csv", ".parquet", ".jsonl"})[share::of]

    def work() -> dict[str, Any]:
        cells = memory = 0
        for path in files:
            frame = read(path)
            frame.null_count()
            cells += frame.height * frame.width
            memory += int(frame.estimated_size())
        return {"cells": cells, "bytes": sum(p.stat().st_size for p in files), "memory": memory}

    return work


def scan(folder: Path, share: int, of: int) -> Work:
    """Scans every `of`-th partition of the folder, largest first, as the workers of a scan take them."""
    from cluster.connectors import open_connector
    from cluster.connectors.interface import SourceAccess
    from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
    from cluster.kernels import scan_batches
    from cluster.settings import settings

    compiled = compile(load_rule_set().value, load_detector_packs())
    connector = open_connector(SourceAccess(source_id="bench", url=folder.resolve().as_uri()), {})
    found = connector.enumerate()
    parts = [p for asset in found.assets for p in connector.plan(asset, settings().partition_bytes)]
    parts = sorted(parts, key=lambda p: -(p.bytes or 0))[share::of]

    def work() -> dict[str, Any]:
        cells = rows = 0
        for part in parts:
            batches = connector.read(part, settings().batch_rows, settings().batch_bytes)
            report = scan_batches(batches, part, compiled, b"bench")
            cells += report.rows * len(report.columns)
            rows += report.rows
        return {"cells": cells, "rows": rows, "partitions": len(parts), "detectors": len(compiled.order)}

    return work


def main() -> None:
    kind, folder, share, of = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    work = (floor if kind == "floor" else scan)(folder, share, of)
    print("ready", flush=True)
    sys.stdin.readline()
    started, cpu = time.perf_counter(), time.process_time()
    result = work()
    result |= {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    result["rss_mb"] = psutil.Process().memory_info().rss / 2**20
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
