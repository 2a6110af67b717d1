"""Where in a text something is: the one form in which tiers 1 and 3 tell it, and what tier 1 finds."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from cluster.detectors.compile import CompiledRules


class Span(BaseModel):
    """A stretch of a text, in code points, and the class of what stands there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    data_class: str
    score: float = Field(ge=0, le=1)
    tier: Literal["rules", "language"]


def find_spans(text: str, rules: "CompiledRules") -> list[Span]:
    """What the rules find in a text, in order and without overlap: classes of which the rules have a detector.

    Where two readings overlap, one that a check, a telling form or a word before it bears out goes before one that has
    nothing of the kind; then the surer one; then the longer one. Time grows linearly with the text.
    """
    from cluster.detectors.span_finding import finder_of

    return finder_of(rules).find(text)


def without_overlap(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, of overlapping ones the first given: hand in the more trusted first."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
