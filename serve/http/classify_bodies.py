"""What is sent to be classified on the spot, with its bounds, and what is answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.classification.tiers import Ranked, Skipped

MOST_COLUMNS = 1_000
MOST_TEXTS = 10_000
LONGEST_TEXT = 10_000_000
LONGEST_NAME = 1_000

Cell = bool | int | float | str | None
Named = Literal["rules", "model", "language", "1", "2", "3", 1, 2, 3]
Tiers = Annotated[
    tuple[Named, ...] | None,
    Field(
        min_length=1, max_length=6, examples=[[1, 2]],
        description="1 or rules, 2 or model, 3 or language; all that there are if left out.",
    ),
]  # fmt: skip
Name = Annotated[str, Field(max_length=LONGEST_NAME)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    tiers: Tiers = None


class ColumnsOrder(_Order):
    """Values by the name of their column, "" for one without a name; `table` is the name of what holds them."""

    columns: dict[Name, tuple[Cell, ...]] = Field(
        min_length=1, max_length=MOST_COLUMNS, examples=[{"mail": ["ada@example.org", None]}]
    )
    table: Name = ""


class ValueOrder(_Order):
    """One value, with the name of its column and table where these are known."""

    value: Cell = Field(examples=["ada@example.org"])
    name: Name = ""
    table: Name = ""


class RecordOrder(_Order):
    """One row: values by the name of their field."""

    record: dict[Name, Cell] = Field(min_length=1, max_length=MOST_COLUMNS, examples=[{"dob": "1984-07-05"}])
    table: Name = ""


class TextOrder(_Order):
    """A text of at most ten million characters."""

    text: str = Field(max_length=LONGEST_TEXT, examples=["Write to ada@example.org."])


class BatchOrder(_Order):
    """Up to 10,000 texts."""

    texts: tuple[Annotated[str, Field(max_length=LONGEST_TEXT)], ...] = Field(max_length=MOST_TEXTS)


class SpanFound(BaseModel):
    """A stretch of the text by character offset (code points, the end exclusive), and what stands there."""

    start: int
    end: int
    data_class: str = Field(serialization_alias="class", validation_alias="class", examples=["contact.email"])
    score: float
    tier: Literal["rules", "language"]


class ColumnsFound(BaseModel):
    """The classes of each column, the likeliest first, and the tiers that did not take part."""

    columns: dict[str, tuple[Ranked, ...]]
    skipped: tuple[Skipped, ...]


class ValueFound(BaseModel):
    """The classes that the value may be of, and where in it something stands."""

    classes: tuple[Ranked, ...]
    spans: tuple[SpanFound, ...]
    skipped: tuple[Skipped, ...]


class TextFound(BaseModel):
    """What stands where in the text, in order and without overlap."""

    spans: tuple[SpanFound, ...]
    skipped: tuple[Skipped, ...]


class SpansOfText(BaseModel):
    """The spans of one text of many."""

    spans: tuple[SpanFound, ...]


class BatchFound(BaseModel):
    """The spans of each text, in the order in which the texts came."""

    results: tuple[SpansOfText, ...]
    skipped: tuple[Skipped, ...]


class FileFound(ColumnsFound):
    """The classes of the columns of a file of so many rows."""

    rows: int
