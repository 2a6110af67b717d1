"""Runs DataProfiler over values, in the environment of `tests.benchmarks.peer`. Imports nothing of Sextant.

    python peer_dataprofiler.py {labels|profile} < values.json > result.json

`labels` has its structured data labeler look at every value; `profile` is its profile of the column without labels.
"""

import json
import logging
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import dataprofiler
import numpy as np
import pandas as pd


def main() -> None:
    logging.disable(logging.WARNING)
    values = json.load(sys.stdin)
    if sys.argv[1] == "labels":
        labeler = dataprofiler.DataLabeler(labeler_type="structured")
        labeler.predict(np.array(values[:50], dtype=object))
        started, cpu = time.perf_counter(), time.process_time()
        predicted = labeler.predict(np.array(values, dtype=object))["pred"]
        found, recognizers = len(predicted), len(labeler.label_mapping)
    else:
        options = dataprofiler.ProfilerOptions()
        options.set({"data_labeler.is_enabled": False, "multiprocess.is_enabled": False})
        frame = pd.DataFrame({"text": values})
        started, cpu = time.perf_counter(), time.process_time()
        dataprofiler.Profiler(frame, profiler_type="structured", options=options, samples_per_update=len(values))
        found, recognizers = 0, 0
    result = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu, "found": found}
    print("\n" + json.dumps({**result, "values": len(values), "recognizers": recognizers}))


if __name__ == "__main__":
    main()
