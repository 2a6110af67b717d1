"""Finding assets by what a person typed: full text and meaning, joined by reciprocal rank fusion.

Full text: all words of the question must occur, each as the beginning of a word; words that begin no known word are
corrected. Where no asset holds all of them, those that hold some are found. Meaning: the phrases nearest to the
question lead to the assets that hold them. An asset's score is the sum of 1 / (60 + rank) over both lists (Cormack,
Clarke and Buettcher, SIGIR 2009). Assets that are called what is asked come before all others. What the caller may not
see is left out of all before anything is ranked or counted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Float, String, case, cast, func, literal, or_, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.orm import Session

from actors.catalog import languages, search, vectors, vocabulary
from actors.catalog.meanings import lexeme, named
from actors.catalog.search_tables import Phrase
from actors.catalog.tables import Asset

WINDOW: Final = 500  # results that can be paged through
CANDIDATES: Final = 2_000  # matches that are ranked; of more, those that are looked at first
EXACT: Final = 10_000  # matches that are counted one by one
NAMESAKES: Final = 100  # assets that are called what is asked
NEAREST: Final = 40  # phrases that a question leads to
NEAR: Final = 0.40  # cosine below which a phrase is about something else
SCANNED: Final = 5_000  # phrases compared one by one where the database has no index of vectors
DAMPING: Final = 60
NAMED: Final = 1.0  # what it is worth that the name holds all words: more than any rank
_WORD: Final = re.compile(r"(\w+)(:\*)?")
# How much a word counts in comments, in people's words and labels, in names of columns, and in the name.
WEIGHTS: Final = (0.05, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Asked:
    """A question with its vector, if a model was there to make one; `model` is that model's digest."""

    text: str
    vector: tuple[float, ...] | None = None
    model: str | None = None


Conditions = Sequence[ColumnElement[bool]]


def found(session: Session, asked: Asked, conditions: Conditions) -> list[str]:
    """The ids of at most 500 assets that fit, the best first."""
    question = search.understood(asked.text)
    if not question.alternatives:
        return []
    told = forms(session, question)
    lists = [_by_words(session, question, told, conditions)]
    if asked.vector is not None and not question.explicit:
        lists.append(_by_meaning(session, asked, conditions))
    called = [] if question.explicit else _called(session, asked.text, question, told, conditions)
    return list(dict.fromkeys([*called, *fused(lists)]))[:WINDOW]


def fused(lists: Sequence[Sequence[str]]) -> list[str]:
    """Reciprocal rank fusion; of equal scores the one that comes first in the first list."""
    scores: dict[str, float] = {}
    for ranked in lists:
        for rank, identifier in enumerate(ranked, 1):
            scores[identifier] = scores.get(identifier, 0.0) + 1 / (DAMPING + rank)
    return sorted(scores, key=lambda identifier: -scores[identifier])


def matching(session: Session, asked: Asked) -> ColumnElement[bool] | None:
    """The condition that an asset holds all words of the question; None where it has no word."""
    question = search.understood(asked.text)
    if not question.alternatives:
        return None
    return _holds(search.strict(question, forms(session, question)))


def forms(session: Session, question: search.Question) -> dict[str, list[str]]:
    """What each word of the question may stand as: beginnings of words, or words that it may be a mistyping of."""
    told: dict[str, list[str]] = {}
    for word in dict.fromkeys(question.words):
        bare, others = search.stem(word), languages.meant(word)
        if not all(other.startswith(bare) for other in others):  # else the word itself finds them
            told[word] = [f"{bare}:*", f"({' & '.join(f'{other}:*' for other in others)})"]
        elif len(bare) < 3:
            told[word] = [word, *vocabulary.completions(session, bare)]
        elif len(bare) < vocabulary.SHORTEST or vocabulary.begins_any(session, bare):
            told[word] = [f"{bare}:*"]
        else:
            right = vocabulary.corrections(session, word) or vocabulary.corrections(session, bare)
            told[word] = right or [f"{bare}:*"]
    return told


def _holds(query: str) -> ColumnElement[bool]:
    return Asset.document.bool_op("@@")(func.to_tsquery(text("'simple'"), query))


def _called(
    session: Session, text: str, question: search.Question, told: dict[str, list[str]], conditions: Conditions
) -> list[str]:
    """Assets whose name or path is what was typed, its words that do not ask, or these corrected or translated."""
    words = question.words
    right = [word if told[word][0].endswith(":*") else told[word][0] for word in words]
    meant = [other for word in words for other in (languages.meant(word) or (word,))]
    names = dict.fromkeys(search.same_name("".join(each)) for each in ([text], words, right, meant))
    asked = [named(name) for name in names if name]
    fits = or_(*(Asset.document.bool_op("@@")(cast(func.quote_literal(name), TSQUERY)) for name in asked))
    some = select(Asset.id, Asset.name, Asset.path, Asset.status, Asset.popularity).where(fits, *conditions)
    held = some.limit(CANDIDATES).cte("namesakes").prefix_with("MATERIALIZED")
    literally = case((func.lower(held.c.name).in_([text.strip().lower(), "_".join(words)]), 0), else_=1)
    gone = case((held.c.status == "gone", 1), else_=0)
    order = (gone, literally, held.c.popularity.desc(), func.length(held.c.path), held.c.path)
    return list(session.scalars(select(held.c.id).order_by(*order).limit(NAMESAKES)))


def _by_words(
    session: Session, question: search.Question, told: dict[str, list[str]], conditions: Conditions
) -> list[str]:
    ranked = _ranked(session, search.strict(question, told), conditions)
    if not ranked and not question.explicit and len(question.words) > 1:
        return _ranked(session, search.relaxed(question, told), conditions)
    return ranked


def _ranked(session: Session, query: str, conditions: Conditions) -> list[str]:
    asked = func.to_tsquery(text("'simple'"), query)
    some = select(Asset.id, Asset.document, Asset.popularity, Asset.status).where(_holds(query), *conditions)
    held = some.limit(CANDIDATES).cte("held").prefix_with("MATERIALIZED")
    weights = cast(literal(list(WEIGHTS), ARRAY(Float)), ARRAY(Float(24)))
    rank = func.ts_rank(weights, held.c.document, asked, 1)  # 1: divided by 1 + log of the length
    used = 1 + 0.1 * func.ln(1 + held.c.popularity)
    gone = case((held.c.status == "gone", 0.5), else_=0.0)
    named = case((held.c.document.bool_op("@@")(func.to_tsquery(text("'simple'"), in_name(query))), NAMED), else_=0.0)
    score = (rank * used + named) * (1 - gone)
    return list(session.scalars(select(held.c.id).order_by(score.desc(), held.c.id).limit(WINDOW)))


def in_name(query: str) -> str:
    """The tsquery that asks for the same words in the name alone."""
    return _WORD.sub(lambda word: f"{word[1]}:{'*' if word[2] else ''}A", query)


def _by_meaning(session: Session, asked: Asked, conditions: Conditions) -> list[str]:
    """Assets that hold a phrase near to the question, those of the nearest phrase first."""
    near = nearest(session, asked)
    if not near:
        return []
    names = func.unnest(
        literal([lexeme(number) for number in near], ARRAY(String)), type_=String
    ).table_valued("name", with_ordinality="place", name="near").render_derived()  # fmt: skip
    fits = Asset.document.bool_op("@@")(cast(func.quote_literal(names.c.name), TSQUERY))
    each = select(Asset.id, Asset.popularity).where(fits, *conditions).limit(CANDIDATES // 10).correlate(names)
    one = each.lateral("one")
    statement = (
        select(one.c.id)
        .select_from(names)
        .join(one, true())
        .group_by(one.c.id)
        .order_by(func.min(names.c.place), func.max(one.c.popularity).desc(), one.c.id)
        .limit(WINDOW)
    )
    return list(session.scalars(statement))


def nearest(session: Session, asked: Asked, most: int = NEAREST, least: float = NEAR) -> list[int]:
    """The numbers of the phrases nearest to the question, the nearest first.

    By the index of pgvector where it is there (`vectors`); else the newest 5,000 phrases are compared one by one.
    """
    assert asked.vector is not None
    assert asked.model is not None
    if vectors.indexed(session):
        return vectors.nearest(session, asked.vector, asked.model, most, least)
    statement = select(Phrase.id, Phrase.vector).where(Phrase.model == asked.model)
    rows = session.execute(statement.order_by(Phrase.id.desc()).limit(SCANNED)).all()
    return vectors.compared([(row.id, row.vector) for row in rows], asked.vector, most, least)
