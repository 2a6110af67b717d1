"""Runs piicleaner over values, in the environment of `tests.benchmarks.peer`. Imports nothing of Sextant.

python peer_piicleaner.py patterns < values.json > result.json
"""

import json
import sys
import time

from piicleaner import Cleaner


def main() -> None:
    values = json.load(sys.stdin)
    cleaner = Cleaner()
    cleaner.detect_pii_list(values[:50])
    started, cpu = time.perf_counter(), time.process_time()
    found = sum(bool(hits) for hits in cleaner.detect_pii_list(values))
    result = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu, "found": found}
    json.dump({**result, "values": len(values), "recognizers": len(Cleaner.get_available_cleaners())}, sys.stdout)


if __name__ == "__main__":
    main()
