"""Where in a text something is: the one form in which tiers 1 and 3 tell it, and what tier 1 finds."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from cluster.detectors.compile import CompiledRules

STREET = "location.street_address"


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


def both_tiers(rules: Sequence[Span], language: Sequence[Span]) -> list[Span]:
    """The spans of the rules and of the language model without overlap, in order: what the rules say goes first.

    But for a street: where the model's one holds that of the rules and nothing else of theirs, it is the longer address
    (`Flat 2, 14 Mill Lane`), and stands.
    """
    wider = [span for span in language if span.data_class == STREET and _only_streets_in(span, rules)]
    return without_overlap([*wider, *rules, *language])


def _only_streets_in(span: Span, rules: Sequence[Span]) -> bool:
    inside = [other for other in rules if other.start < span.end and span.start < other.end]
    return bool(inside) and all(
        other.data_class == STREET and span.start <= other.start and other.end <= span.end for other in inside
    )


def without_overlap(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, of overlapping ones the first given: hand in the more trusted first."""
    kept: list[Span] = []
    starts: list[int] = []
    for span in spans:
        place = bisect_left(starts, span.end)
        if not place or kept[place - 1].end <= span.start:
            at = bisect_left(starts, span.start)
            starts.insert(at, span.start)
            kept.insert(at, span)
    return kept
