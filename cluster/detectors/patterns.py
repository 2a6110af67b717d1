"""The regular expressions of a detector: over a whole value, and inside longer text between boundaries.

There is no look-around, so that one DFA in linear time does it. A boundary is therefore one consumed character (or an
end of the text), chosen so that it cannot continue the match: for `number` no letter, no digit and no sign or point
that leads on to more digits. Two matches with a single character between them share it, and the second is not seen:
what is counted are values that hold a match, so this matters only where the first fails its validator.
"""

from typing import Final

from cluster.detectors.detector import Detector

_LEFT: Final = {
    "word": r"(?:^|[^0-9A-Za-z_])",
    "number": r"(?:^|[^0-9A-Za-z_.,\-+/$#&=%])",
    "token": r"(?:^|[^0-9A-Za-z_+/\-])",
    "hex": r"(?:^|[^0-9A-Za-z_:.\-])",
}
_RIGHT: Final = {
    "word": r"(?:$|[^0-9A-Za-z_])",
    "number": r"(?:$|[.,\-/](?:$|[^0-9A-Za-z])|[^0-9A-Za-z_.,\-+/%])",
    "token": r"(?:$|[^0-9A-Za-z_+/\-])",
    "hex": r"(?:$|[^0-9A-Za-z_:\-])",
}
# What a match may carry of its surroundings; validators get it without.
EDGES: Final = " \t\r\n\v\f,;:|\"'<>[]{}()!?#`~*."


def whole_regex(detector: Detector) -> str:
    """Matches a value that is the pattern from end to end, but for white space around it."""
    return rf"^[ \t\r\n]*(?:{_pattern(detector)})[ \t\r\n]*$"


def embedded_regex(detector: Detector) -> str:
    """Matches a value that holds the pattern between boundaries; the boundaries are part of the match."""
    return f"{_LEFT[detector.boundary]}(?:{_pattern(detector)}){_RIGHT[detector.boundary]}"


def _pattern(detector: Detector) -> str:
    if detector.pattern is None:
        raise ValueError(f"{detector.id} has no pattern")
    return detector.pattern
