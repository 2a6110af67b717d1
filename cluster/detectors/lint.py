"""What a detector pack must hold before it may run: regexes compile, validators exist, examples come out as stated."""

from functools import lru_cache

import polars as pl

from cluster.detectors.detector import Detector, DetectorPack
from cluster.detectors.patterns import EDGES, embedded_regex, whole_regex
from cluster.detectors.taxonomy import load_taxonomy
from cluster.detectors.validators import validator
from cluster.errors import PackInvalid
from cluster.packs import Pack


def lint(pack: Pack[DetectorPack]) -> None:
    """Raises PackInvalid naming the file, the detector and the field at fault."""
    for place, detector in enumerate(pack.value.detectors):
        problem = _problem(detector)
        if problem:
            raise PackInvalid(
                f"configs/{pack.name} is not valid: detectors.{place} ({detector.id}) {problem}.", "Correct the pack."
            )


@lru_cache(maxsize=1024)
def _problem(detector: Detector) -> str | None:
    if detector.data_class not in load_taxonomy().value.classes:
        return f"data_class: {detector.data_class!r} is not in configs/taxonomy.yaml"
    if detector.validator is not None and validator(detector.validator) is None:
        return f"validator: there is no {detector.validator!r}"
    if detector.pattern is None:
        return None
    for field, regex in (("pattern", whole_regex(detector)), ("gate", detector.gate or "")):
        try:
            pl.Series([""]).str.contains(regex)
        except pl.exceptions.ComputeError:
            return f"{field}: not a regular expression that matches in linear time"
    return _wrong_example(detector)


def _wrong_example(detector: Detector) -> str | None:
    examples = detector.examples
    if not examples.match or not examples.reject:
        return "examples: needs at least one match and one reject"
    for field, texts, expected in (("match", examples.match, True), ("reject", examples.reject, False)):
        for place, text in enumerate(texts):
            if _holds_whole(detector, text) is not expected:
                return f"examples.{field}.{place}: comes out the other way"
            if expected and not _passes_gate(detector, text):
                return f"examples.{field}.{place}: does not pass the gate"
    if detector.embedded:
        for field, texts, expected in (("found_in", examples.found_in, True),
                                       ("not_found_in", examples.not_found_in, False)):  # fmt: skip
            for place, text in enumerate(texts):
                if _holds_inside(detector, text) is not expected:
                    return f"examples.{field}.{place}: comes out the other way"
    return None


def _passes_gate(detector: Detector, text: str) -> bool:
    return detector.gate is None or bool(pl.Series([text]).str.contains(detector.gate)[0])


def _holds_whole(detector: Detector, text: str) -> bool:
    if not pl.Series([text]).str.contains(whole_regex(detector))[0]:
        return False
    return _validates(detector, [text])


def _holds_inside(detector: Detector, text: str) -> bool:
    found = pl.Series([text]).str.extract_all(embedded_regex(detector))[0].to_list()
    return _passes_gate(detector, text) and bool(found) and _validates(detector, found)


def _validates(detector: Detector, matches: list[str]) -> bool:
    check = validator(detector.validator) if detector.validator else None
    return check is None or any(check(match.strip(EDGES)) for match in matches)
