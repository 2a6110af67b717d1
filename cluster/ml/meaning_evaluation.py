"""How good matching by meaning is: each wording in turn is the name of a column, and does not count itself."""

import hashlib
from collections import Counter

from cluster.ml.evaluation import NONE, Answer, Evaluation, evaluation_of
from cluster.ml.meaning import Column, Embeds, Meaning, figures
from cluster.ml.wordings import load_meanings

TOLD_FROM = 0.5
LEAST = 3


def evaluate_meaning(embedder: Embeds) -> Evaluation:
    """Figures over wordings, each left out in turn; a guess below an even chance counts as none. A class of fewer than
    three is left out as a truth: without its wording hardly anything is said of it.

    Groups are the scripts of the wordings: the encoder was trained on English.
    """
    meaning, calibration = Meaning(embedder), load_meanings().value.calibration
    nearness = meaning.nearness([Column(text) for text in meaning.texts], without=range(len(meaning.texts)))
    answers = []
    wordings = Counter(meaning.owners.tolist())
    for near, owner, text in zip(nearness, meaning.owners, meaning.texts, strict=True):
        if owner and wordings[owner] < LEAST:
            continue
        best = int(near[1:].argmax()) + 1
        chance = calibration.probability(figures(near, best)) if near[best] > near[0] else 0.0
        told = meaning.classes[best] if chance >= TOLD_FROM else NONE
        groups = {"locale": "en" if text.isascii() else "other"}
        answers.append(Answer(meaning.classes[owner], told, chance, groups))
    data = hashlib.sha256(repr(list(zip(meaning.owners.tolist(), meaning.texts, strict=True))).encode()).hexdigest()
    return evaluation_of(answers, data=data, seed=0)
