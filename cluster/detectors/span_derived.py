"""Forms in running text for the classes that no pack of forms has: numbers, by their shipped detectors.

What a detector expects in the name of a column, a text says before the number: `your NRIC is ...`. A form that hardly
anything else has, and that its detector looks for inside longer values too, stands alone.
"""

import re
from collections.abc import Iterable
from typing import Final

from cluster.detectors.compile import CompiledRules, load_detector_packs
from cluster.detectors.detector import Detector
from cluster.detectors.needs import needs_of
from cluster.detectors.span_forms import FormExamples, SpanForm

_WIDTH: Final = 5  # a shorter form is too common to be tried in texts, and one without a digit too
_REACH: Final = 20
# Words of columns that in sentences mean something else.
_OF_SENTENCES: Final = frozenset(
    {"run", "said", "cc", "sim", "fin", "che", "nic", "kt", "rc", "ci", "ik", "tz", "nn", "pk"}
)
_WIDE: Final = re.compile(r"\[[^\]]* [^\]]*\]\{[0-9]+,[0-9]{2}\}")  # would run on into the words that follow
_UNTOLD: Final = FormExamples.model_construct(found=())


def derived_forms(rules: CompiledRules, written: Iterable[str]) -> tuple[list[SpanForm], dict[str, set[str]]]:
    """The forms of detectors whose class is none of the `written` ones, and the words that announce them, by label."""
    shipped = {detector.id for pack in load_detector_packs() for detector in pack.value.detectors}
    have = set(written)
    forms: list[SpanForm] = []
    cues: dict[str, set[str]] = {}
    for detector in rules.detectors:
        words = {word for word in detector.names if word not in _OF_SENTENCES}
        if detector.id in shipped and detector.data_class not in have and words and _is_number(detector):
            forms.append(_form(detector))
            cues[detector.id] = words
    return forms, cues


def _is_number(detector: Detector) -> bool:
    if detector.pattern is None or _WIDE.search(detector.pattern):
        return False
    return all(need.digits and need.width >= _WIDTH for need in needs_of(detector.pattern))


def _form(detector: Detector) -> SpanForm:
    alone = 0.85 if detector.form == "distinctive" and detector.embedded and detector.validator else 0.0
    return SpanForm.model_construct(
        id=detector.id, data_class=detector.data_class, at="code", pattern=detector.pattern or "", alone=alone,
        cued=0.95 if detector.validator else 0.8, label=detector.id, reach=_REACH, telling=alone > 0,
        validator=detector.validator, examples=_UNTOLD,
    )  # fmt: skip
