"""Spans that were found against those that stand there: strict, by groups of classes that people tell not apart."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tests.accuracy.measures import Score
from tests.accuracy.texts import Gold, Text

# A name alone may be called a given or a full name, and a place a town or a country: what counts is that it was found.
_GROUPS: Final = {
    "person.full_name": "person",
    "person.given_name": "person",
    "person.family_name": "person",
    "location.city": "place",
    "location.county": "place",
    "location.country": "place",
}
Found = Sequence[tuple[int, int, str]]
Group = Callable[[str], str | None]


def group_of(data_class: str) -> str | None:
    """The group that a class is judged in: its own, if it is in no other."""
    return _GROUPS.get(data_class, data_class)


def judged(texts: Sequence[Text], found: Sequence[Found], of_gold: Group, of_found: Group) -> dict[str, Score]:
    """By group: hits have start, end and group right. A group of None takes part in nothing: a gold span of such a
    group is not missed, and what is found within one is no false alarm."""
    hits: Counter[str] = Counter()
    told: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for text, spans in zip(texts, found, strict=True):
        gold = Counter((one.start, one.end, group) for one in text.gold if (group := of_gold(one.data_class)))
        beside = [one for one in text.gold if of_gold(one.data_class) is None]
        mine = Counter(
            (start, end, group)
            for start, end, name in spans
            if (group := of_found(name)) and not _within(start, end, beside)
        )
        for counter, some in ((there, gold), (told, mine), (hits, gold & mine)):
            counter.update(group for _, _, group in some.elements())
    return {
        group: Score(hits[group], told[group] - hits[group], there[group] - hits[group])
        for group in sorted(set(told) | set(there))
    }


def _within(start: int, end: int, spans: Iterable[Gold]) -> bool:
    return any(start < one.end and one.start < end for one in spans)


def together(by_group: dict[str, Score]) -> Score:
    return sum(by_group.values(), Score())
