"""How good the token classifier of free text is, on texts of templates it never saw, and on names of every origin.

Needs the packages that training texts are made of (extra `ml-train`).
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from cluster.ml.entities import TextEntities
from cluster.ml.entity_examples import Example, Maker, prose
from cluster.ml.entity_pools import NATIVE, Pools
from cluster.ml.evaluation import NONE, Answer, Evaluation, evaluation_of

TEXTS: Final = 1000
NAMES: Final = 60  # of each locale
SEED: Final = 20_261
# Sentences around a name that say nothing of where it comes from.
AROUND: Final = (
    "Please send the form to {} by Friday.", "The call was taken by {}.", "{} wrote back on Monday.",
    "I spoke with {} about the contract.", "Signed by {} on behalf of the tenant.", "Patient {} was seen at noon.",
)  # fmt: skip
OTHER_SCRIPTS: Final = {
    "Cyrillic": "ru_RU", "Greek": "el_GR", "Arabic": "ar_AA", "Hebrew": "he_IL", "Han": "zh_CN", "Devanagari": "hi_IN",
}  # fmt: skip


def evaluate_entities(model: TextEntities, texts: int = TEXTS, seed: int = SEED) -> Evaluation:
    """Strict spans on held-out texts, and detection of full names by origin, locale and script.

    The names make the groups only; they take no part in F1 or calibration. A span that is not there is an answer
    whose truth is none.
    """
    pools = Pools(seed)
    examples = list(islice(Maker(pools, seed, "held_out"), texts))
    answers = list(_spans(model, examples))
    told = evaluation_of(answers, data=_digest(examples), seed=seed)
    named = evaluation_of(list(_names(model, pools, seed)), data="", seed=seed)
    return told.model_copy(update={"groups": named.groups})


def _spans(model: TextEntities, examples: Sequence[Example]) -> Iterator[Answer]:
    for example, found in zip(examples, model.find_labels([each.text for each in examples]), strict=True):
        truth = {(start, end): kind for start, end, kind in example.spans}
        for start, end, kind, score in found:
            yield Answer(truth.pop((start, end), NONE), kind, score)
        yield from (Answer(kind, NONE, 0.0) for kind in truth.values())


def _names(model: TextEntities, pools: Pools, seed: int) -> Iterator[Answer]:
    """Full names in sentences that fit any, and as many sentences without one."""
    chance = random.Random(seed)  # noqa: S311 - test data, not a secret
    for groups, names in _groups(pools, seed):
        texts = [chance.choice(AROUND).format(name) for name in names]
        for name, text, spans in zip(names, texts, model.find_labels(texts), strict=True):
            start = text.index(name)
            hit = [
                score for begin, end, kind, score in spans if (begin, end, kind) == (start, start + len(name), "full")
            ]
            yield Answer("full", "full" if hit else NONE, max(hit, default=0.0), groups)
    plain = chance.sample(prose(), 500)
    for spans in model.find_labels(plain):
        hit = [score for _, _, kind, score in spans if kind == "full"]
        yield Answer(NONE, "full" if hit else NONE, max(hit, default=0.0), {"script": "Latin"})


def _groups(pools: Pools, seed: int) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Names of a given and a family name, and what they are of. The origin is the language of the locale.

    Names of other scripts are of their script only: that they are found less often is not for where they come from.
    """
    chance = random.Random(seed)  # noqa: S311 - test data, not a secret
    native = {locale: language for language, locales in NATIVE.items() for locale in locales}
    for locale, pool in sorted(pools.locales.items()):
        names = [f"{chance.choice(pool['given'])} {chance.choice(pool['family'])}" for _ in range(NAMES)]
        origin = native.get(locale, locale.split("_")[0])
        yield {"name_origin": origin, "locale": locale, "script": "Latin"}, names
    from faker import Faker

    for script, locale in OTHER_SCRIPTS.items():
        source = Faker(locale)
        source.seed_instance(seed)
        yield {"script": script}, [f"{source.first_name()} {source.last_name()}" for _ in range(NAMES)]


def _digest(examples: Sequence[Example]) -> str:
    return hashlib.sha256(repr([(each.text, each.spans) for each in examples]).encode()).hexdigest()
