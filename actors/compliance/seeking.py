"""Looking for a person in batches of rows: whole values, values inside longer text, and ids that lead to them.

Values are compared as text, without regard to case and to space around them. What is found is counted; the values
themselves never leave the process that reads them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

# A value this short stands inside other text by chance.
INSIDE = 6
# Ids that a person's rows lead to; more of them are no longer of one person.
MOST_IDS = 10_000
# Names of columns that say nothing of whose id it is.
ANYBODYS = frozenset({"id", "uuid", "key", "pk", "oid", "rowid", "code", "number"})


@dataclass
class Found:
    """What was found in an asset: rows, and by column how many hold a value, hold it inside, or are led to by an id."""

    rows: int = 0
    whole: dict[str, int] = field(default_factory=dict)
    inside: dict[str, int] = field(default_factory=dict)
    linked: dict[str, int] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(sorted({*self.whole, *self.inside, *self.linked}))


@dataclass(frozen=True)
class Wanted:
    """What is looked for in an asset: values anywhere, and ids in certain columns. All are `normal`."""

    values: frozenset[str]
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)


def normal(value: str) -> str:
    """A value as it is compared."""
    return value.strip().lower()


def seek(
    batches: Iterable["pa.RecordBatch"], wanted: Wanted, collect: Collection[str]
) -> tuple[Found, dict[str, set[str]]]:
    """What is found in the batches, and the values of the columns `collect` in the rows that are the person's."""
    import polars as pl

    found, ids = Found(), {column: set[str]() for column in collect}
    for batch in batches:
        frame = _frame(batch)
        if frame.height == 0:
            continue
        texts = {name: text for name in frame.columns if (text := _text(frame[name])) is not None}
        found.unread |= set(frame.columns) - set(texts)
        mine = pl.Series([False]).new_from_index(0, frame.height)
        mine = _whole(texts, wanted, found, mine)
        touched = _inside(texts, wanted, found, mine)
        found.rows += int(touched.sum())
        for column in collect:
            if column in texts and len(ids[column]) <= MOST_IDS:
                ids[column] |= set(texts[column].filter(mine).drop_nulls().to_list())
    return found, {column: values for column, values in ids.items() if 0 < len(values) <= MOST_IDS}


def _frame(batch: "pa.RecordBatch") -> "pl.DataFrame":
    """The batch with the storage of types that only their maker knows, such as JSON of a database."""
    import polars as pl
    import pyarrow as pa

    plain = [one.storage if isinstance(one.type, pa.BaseExtensionType) else one for one in batch.columns]
    return pl.DataFrame(dict(zip(batch.schema.names, map(pl.Series, plain), strict=True)))


def _text(column: "pl.Series") -> "pl.Series | None":
    """The values as text; None if some have none, such as bytes that are no UTF-8."""
    import polars as pl

    try:
        text = column.cast(pl.String, strict=False)
    except pl.exceptions.PolarsError:
        return None
    return text.str.strip_chars().str.to_lowercase() if text.null_count() == column.null_count() else None


def _whole(texts: Mapping[str, "pl.Series"], wanted: Wanted, found: Found, mine: "pl.Series") -> "pl.Series":
    """Which rows hold a value or an id as a whole; `mine` is false for all."""
    for name, text in texts.items():
        for looked_for, counted in ((wanted.values, found.whole), (wanted.ids.get(name, frozenset()), found.linked)):
            hit = text.is_in(list(looked_for)).fill_null(False) if looked_for else None
            if hit is not None and hit.any():
                counted[name] = counted.get(name, 0) + int(hit.sum())
                mine = mine | hit
    return mine


def _inside(texts: Mapping[str, "pl.Series"], wanted: Wanted, found: Found, mine: "pl.Series") -> "pl.Series":
    """Which rows hold a value, also inside longer text."""
    long = [value for value in wanted.values if len(value) >= INSIDE]
    touched = mine
    for name, text in texts.items() if long else ():
        hit = text.str.contains_any(long).fill_null(False) & ~text.is_in(list(wanted.values)).fill_null(False)
        if hit.any():
            found.inside[name] = found.inside.get(name, 0) + int(hit.sum())
            touched = touched | hit
    return touched
