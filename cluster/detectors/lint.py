"""What a detector pack must hold before it may run: regexes compile, validators exist, examples come out as stated."""

from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from cluster.detectors.backtracking import backtracks
from cluster.detectors.detector import Detector, DetectorPack
from cluster.detectors.patterns import EDGES, embedded_regex, whole_regex
from cluster.detectors.taxonomy import Taxonomy, load_taxonomy
from cluster.detectors.validators import validator
from cluster.errors import InvalidInput, PackInvalid
from cluster.packs import Pack

LONGEST_EXAMPLES = 100
LONGEST_EXAMPLE = 2_000

_CORRECT = "Correct the detector."
_NOT_LINEAR = "not a regular expression that matches in linear time"
_BACKTRACKS = "a repetition of a repetition, which backtracks without end where it does not match"
_REMEDIES = {
    f"{field}: {problem}": remedy
    for field in ("pattern", "gate")
    for problem, remedy in (
        (_NOT_LINEAR, "Write it in the syntax of RE2: without look-around, back-references and huge counts."),
        (
            _BACKTRACKS,
            "Repeat once: [0-9]+ for ([0-9]+)+, or part the repetitions by a sign that must stand between them.",
        ),
    )
}


def lint(pack: Pack[DetectorPack]) -> None:
    """Raises PackInvalid naming the file, the detector and the field at fault."""
    for place, detector in enumerate(pack.value.detectors):
        problem = _unknown(detector, load_taxonomy().value) or _problem(detector)
        if problem:
            raise PackInvalid(
                f"configs/{pack.name} is not valid: detectors.{place} ({detector.id}) {problem}.", "Correct the pack."
            )


def lint_own(detectors: Sequence[Detector], taxonomy: Taxonomy) -> None:
    """The same for detectors that somebody wrote into a rule set. Raises InvalidInput naming detector and field."""
    seen: set[str] = set()
    for place, detector in enumerate(detectors):
        problem = _unbounded(detector) or _unknown(detector, taxonomy) or _problem(detector)
        if detector.id in seen:
            problem = "id: another one has it"
        if problem:
            raise InvalidInput(f"detectors.{place} ({detector.id}) {problem}.", _REMEDIES.get(problem, _CORRECT))
        seen.add(detector.id)


def _unbounded(detector: Detector) -> str | None:
    for field, texts in detector.examples.model_dump().items():
        if len(texts) > LONGEST_EXAMPLES or any(len(text) > LONGEST_EXAMPLE for text in texts):
            return f"examples.{field}: at most {LONGEST_EXAMPLES} of at most {LONGEST_EXAMPLE} characters"
    return None


def _unknown(detector: Detector, taxonomy: Taxonomy) -> str | None:
    known = detector.data_class in taxonomy.classes
    return None if known else f"data_class: {detector.data_class!r} is not in configs/taxonomy.yaml"


@lru_cache(maxsize=1024)
def _problem(detector: Detector) -> str | None:
    if detector.validator is not None and validator(detector.validator) is None:
        return f"validator: there is no {detector.validator!r}"
    if detector.pattern is None:
        return None
    for field, regex, written in (("pattern", whole_regex(detector), detector.pattern),
                                  ("gate", detector.gate or "", detector.gate or "")):  # fmt: skip
        try:
            pl.Series([""]).str.contains(regex)
        except pl.exceptions.ComputeError:
            return f"{field}: {_NOT_LINEAR}"
        if backtracks(written):
            return f"{field}: {_BACKTRACKS}"
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
