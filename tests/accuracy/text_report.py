"""The report on texts: what was found by tier, class, genre and form; Presidio on the same texts; processor time."""

import gc
import time
from collections.abc import Sequence
from typing import Final

from actors.classification.realtime import classify_text
from tests.accuracy.figures import TextFigures, figures, table
from tests.accuracy.measures import Score
from tests.accuracy.shipped import for_texts
from tests.accuracy.spans import Found, group_of, judged, together
from tests.accuracy.text_peers import PresidioTexts, presidio_on
from tests.accuracy.texts import Text
from tests.benchmarks.peer import PeerAbsent

_TIERS: Final = {"1": (1,), "all": (1, 2, 3)}
_NAMES: Final = {"1": "Sextant, tier 1", "all": "Sextant, all tiers"}
_WARM: Final = [f"warming up {turn}: nobody lives at number {turn}" for turn in range(30)]
# What the texts hold and nobody marked in them: what is said of it is not judged, neither as right nor as wrong. Names
# of organisations are shown, and are not in the sums: there is no end to what may be called one.
_NOT_JUDGED: Final = frozenset(
    {
        *("organisation.name", "contact.username", "person.age", "person.gender", "person.marital_status"),
        *("person.nationality", "person.religion", "person.ethnicity", "person.salutation", "person.birth_year"),
        *("health.diagnosis", "health.medication", "health.event_date", "health.allergy", "financial.income"),
    }
)


def found_by(texts: Sequence[Text], tiers: Sequence[object]) -> tuple[list[Found], float]:
    """The spans of each text, and the processor time of the first time that they are asked about: answers are kept."""
    models = for_texts(tiers)
    classify_text(_WARM, tiers, models=models)
    gc.collect()
    gc.freeze()  # one search through all columns asked before takes longer than the texts: Presidio has its own process
    began = time.process_time()
    spans = classify_text([text.content for text in texts], tiers, models=models)
    seconds = time.process_time() - began
    gc.unfreeze()
    return [[(span.start, span.end, span.data_class) for span in some] for some in spans], seconds


def _known(data_class: str) -> str | None:
    """The group of a class that is judged and counts in the sums."""
    return None if data_class in _NOT_JUDGED else group_of(data_class)


def _shown(data_class: str) -> str | None:
    return data_class if data_class == "organisation.name" else _known(data_class)


def measure_texts(texts: Sequence[Text]) -> TextFigures:
    """All sections on texts."""
    characters = sum(len(text.content) for text in texts)
    mine = {name: found_by(texts, tiers) for name, tiers in _TIERS.items()}
    rows = []
    for name, (found, seconds) in mine.items():
        whole = together(judged(texts, found, _known, _known))
        rows.append([_NAMES[name], *figures(whole), seconds * 1e6 / characters])
    lines = ["## Texts: strict spans by tier", "", f"{len(texts)} texts, {characters} characters.", ""]
    lines += table(["", "P", "R", "F1", "CPU µs a character"], rows)
    found = mine["all"][0]
    lines += _groups(judged(texts, found, _shown, _shown)) + _parts(texts, found)
    try:
        more = _beside(texts, presidio_on(texts), mine, characters)
        return TextFigures(lines + more.lines, more.targets)
    except PeerAbsent as absent:
        return TextFigures([*lines, f"Presidio was not compared: {absent}", ""], [])


def _groups(scored: dict[str, Score]) -> list[str]:
    rows = [[group, score.hits + score.missed, *figures(score)] for group, score in scored.items()]
    return ["## Texts: strict spans by class, all tiers", "", *table(["class", "spans", "P", "R", "F1"], rows)]


def _parts(texts: Sequence[Text], found: Sequence[Found]) -> list[str]:
    rows = []
    for part in ("language", "genre", "form"):
        for value in sorted({getattr(text, part) for text in texts}):
            places = [place for place, text in enumerate(texts) if getattr(text, part) == value]
            scored = judged([texts[i] for i in places], [found[i] for i in places], _known, _known)
            rows.append([f"{part}: {value}", len(places), *figures(together(scored))])
    return ["## Texts: by language, genre and form, all tiers", "", *table(["", "texts", "P", "R", "F1"], rows)]


def _beside(
    texts: Sequence[Text], peer: PresidioTexts, mine: dict[str, tuple[list[Found], float]], characters: int
) -> TextFigures:
    lines = ["## Texts: beside Presidio", ""]
    rows = []
    for part, chosen in (("English", [t.language == "en" for t in texts]), ("all languages", [True] * len(texts))):
        some = [text for text, kept in zip(texts, chosen, strict=True) if kept]
        own = [spans for spans, kept in zip(mine["all"][0], chosen, strict=True) if kept]
        theirs = PresidioTexts([s for s, k in zip(peer.spans, chosen, strict=True) if k], peer.seconds, peer.types)
        threshold, scored = theirs.best(some)
        us, them = together(judged(some, own, peer.shared, peer.shared)), together(scored)
        rows.append([part, us.f1, them.f1, us.f1 - them.f1, threshold])
    lines += table(["types of both sides", "Sextant F1", "Presidio F1", "above", "its best threshold"], rows)
    _, theirs_by = peer.best(texts)
    ours_by = judged(texts, mine["all"][0], peer.shared, peer.shared)
    lines += table(
        ["", "spans", "Sextant P", "R", "F1", "Presidio P", "R", "F1"],
        [[g, s.hits + s.missed, *figures(s), *figures(theirs_by.get(g, Score()))] for g, s in ours_by.items()],
    )
    speeds = [[_NAMES[n], seconds * 1e6 / characters, peer.seconds / seconds] for n, (_, seconds) in mine.items()]
    lines += table(
        ["", "CPU µs a character", "times Presidio's speed"],
        [["Presidio", peer.seconds * 1e6 / characters, 1.0], *speeds],
    )
    targets: list[list[object]] = [
        ["strict-span F1 of texts above Presidio's", "at least 0.150", rows[1][3]],
        ["speed on texts, all tiers, times Presidio's", "at least 1", peer.seconds / mine["all"][1]],
        ["speed on texts, tier 3 off, times Presidio's", "at least 50", peer.seconds / mine["1"][1]],
    ]
    return TextFigures(lines, targets)
