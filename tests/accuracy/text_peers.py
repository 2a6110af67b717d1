"""Presidio's analyzer on the same texts, and which of its types is which class. Fair to it: only types that both sides
know are compared, at that threshold of score at which Presidio does best."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.accuracy.measures import Score
from tests.accuracy.spans import Found, group_of, judged, together
from tests.accuracy.texts import Text
from tests.benchmarks.machine import ONE_THREAD
from tests.benchmarks.peer import PRESIDIO, PeerAbsent

# Types of Presidio that say the same as a class or group. Left out: DATE_TIME and NRP, which have no class; what it
# calls LOCATION inside a street address is left out as well, since it has no type for these.
MAPPING: Final = {
    "PERSON": "person",
    "LOCATION": "place",
    "EMAIL_ADDRESS": "contact.email",
    "PHONE_NUMBER": "contact.phone",
    "CREDIT_CARD": "payment.card_number",
    "IBAN_CODE": "financial.iban",
    "IP_ADDRESS": "network.ip_address",
    "MAC_ADDRESS": "network.mac_address",
    "URL": "network.url",
    "US_SSN": "government.us_ssn",
    "UK_NHS": "government.uk_nhs",
    "UK_NINO": "government.uk_nino",
    "US_PASSPORT": "government.passport",
    "UK_PASSPORT": "government.passport",
    "US_DRIVER_LICENSE": "government.driving_licence",
}
_THRESHOLDS: Final = (0.0, 0.2, 0.35, 0.5, 0.6)


@dataclass(frozen=True)
class PresidioTexts:
    """What it found: by text spans of (start, end, type, score), the processor time, the types that it knows."""

    spans: list[list[tuple[int, int, str, float]]]
    seconds: float
    types: frozenset[str]

    def groups(self) -> frozenset[str]:
        return frozenset(group for name, group in MAPPING.items() if name in self.types)

    def found(self, threshold: float) -> list[Found]:
        """Its spans from a score on, without overlap: the surest, then the longest stays, as its anonymizer does."""
        return [_apart([span for span in some if span[3] >= threshold]) for some in self.spans]

    def best(self, texts: Sequence[Text]) -> tuple[float, dict[str, Score]]:
        """The threshold at which its F1 on the types of both sides is highest, and the scores there."""
        tried = {threshold: judged(texts, self.found(threshold), self.shared, self.told) for threshold in _THRESHOLDS}
        best = max(tried, key=lambda threshold: together(tried[threshold]).f1)
        return best, tried[best]

    def shared(self, data_class: str) -> str | None:
        """The group of a class, if both sides know it."""
        group = group_of(data_class)
        return group if group in self.groups() else None

    def told(self, name: str) -> str | None:
        return MAPPING.get(name)


def presidio_on(texts: Sequence[Text]) -> PresidioTexts:
    """Raises PeerAbsent, whose message says why."""
    result = run(str(PRESIDIO.python()), "peer_presidio_texts.py", [text.content for text in texts])
    spans = [[(start, end, name, score) for start, end, name, score in some] for some in result["spans"]]
    return PresidioTexts(spans, result["cpu_seconds"], frozenset(result["types"]))


def run(python: str, script: str, given: Any) -> dict[str, Any]:
    """The answer of a script beside this one, run by another interpreter on one thread. Raises PeerAbsent."""
    done = subprocess.run(
        [python, str(Path(__file__).with_name(script))],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD},
        check=False,
    )
    if done.returncode:
        raise PeerAbsent((done.stderr.strip().splitlines() or ["no output"])[-1])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _apart(spans: Sequence[tuple[int, int, str, float]]) -> Found:
    kept: list[tuple[int, int, str]] = []
    for start, end, name, _ in sorted(spans, key=lambda span: (-span[3], span[0] - span[1])):
        if all(end <= low or high <= start for low, high, _ in kept):
            kept.append((start, end, name))
    return kept
