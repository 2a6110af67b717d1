"""Tables of search: the words that occur, for typing errors, and the phrases that names mean, as vectors."""

from sqlalchemy import ARRAY, REAL, BigInteger, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}


class Word(Base):
    """A word of some document. `variants` are the word with none or one of its letters left out."""

    __tablename__ = "word"
    __table_args__ = (Index("ix_word_variants", "variants", postgresql_using="gin"), SCHEMA)
    word: Mapped[str] = mapped_column(String(collation="C"), primary_key=True)
    variants: Mapped[list[str]] = mapped_column(ARRAY(String))


class Phrase(Base):
    """What names and descriptions say, in words; many assets share one. `vector` has length one, and is null until
    the model that `model` names (its digest) was asked."""

    __tablename__ = "phrase"
    __table_args__ = (Index("ix_phrase_pending", "id", postgresql_where="vector IS NULL"), SCHEMA)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    text: Mapped[str] = mapped_column(unique=True)
    model: Mapped[str | None]
    vector: Mapped[list[float] | None] = mapped_column(ARRAY(REAL))
