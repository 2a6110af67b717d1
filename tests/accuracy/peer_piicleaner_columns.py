"""Runs piicleaner over values of columns, in the environment of `tests.benchmarks.peer`. Imports nothing of Sextant.

    python peer_piicleaner_columns.py < columns.json > result.json

A column is what most of its values are: of each value the type of the longest find.
"""

import json
import sys
import time
from collections import Counter

from piicleaner import Cleaner


def main() -> None:
    columns = json.load(sys.stdin)
    cleaner = Cleaner()
    cleaner.detect_pii_list(["warming up"] * 5)
    began = time.process_time()
    told = []
    for column in columns:
        counted = Counter(_type(found) for found in cleaner.detect_pii_list(column))
        told.append(counted.most_common(1)[0][0] if counted else "")
    print("\n" + json.dumps({"told": told, "cpu_seconds": time.process_time() - began}))


def _type(found: list) -> str:
    return max(found, key=lambda one: one["end"] - one["start"])["type"] if found else ""


if __name__ == "__main__":
    main()
