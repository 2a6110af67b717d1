"""Runs DataProfiler's structured labeler over values of columns, in the environment of `tests.benchmarks.peer`. Imports
nothing of Sextant.

    python peer_dataprofiler_columns.py < columns.json > result.json

A column is what most of its values are, as its own profiler takes it.
"""

import json
import logging
import os
import sys
import time
from collections import Counter

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import dataprofiler
import numpy as np


def main() -> None:
    logging.disable(logging.WARNING)
    columns = json.load(sys.stdin)
    labeler = dataprofiler.DataLabeler(labeler_type="structured")
    labeler.predict(np.array(["warming up"] * 20, dtype=object))
    values = [value for column in columns for value in column]
    began = time.process_time()
    found = [str(label) for label in labeler.predict(np.array(values, dtype=object))["pred"]]
    seconds = time.process_time() - began
    told, done = [], 0
    for column in columns:
        counted = Counter(found[done : done + len(column)])
        done += len(column)
        told.append(counted.most_common(1)[0][0] if counted else "")
    print("\n" + json.dumps({"told": told, "cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
