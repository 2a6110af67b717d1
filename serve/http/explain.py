"""Routes that say why: of columns and texts that are sent, and of labels that are stored."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from actors.classification.explained_labels import place_of_label
from actors.classification.explaining import Explanation, Place, explain_column, explain_text
from actors.classification.realtime import default_rules, evidence_of
from actors.classification.tiers import TIERS, wanted
from cluster.context import Caller
from cluster.errors import InvalidInput
from serve.http.classify import MOST_VALUES, ColumnsOrder, TextOrder
from serve.http.doors import Access
from serve.http.identity import permitted
from serve.http.pages import Id

router = APIRouter(tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
Wanted = Annotated[
    str | None, Field(alias="class", min_length=1, max_length=100, description="The likeliest class if left out.")
]


class ColumnQuestion(ColumnsOrder):
    """Columns as they are classified, and the name of the one that is to be explained."""

    column: str = Field(max_length=1_000, examples=["mail"])
    data_class: Wanted = None


class TextQuestion(TextOrder):
    """A text, of which the surest span of the class is explained."""

    text: str = Field(max_length=100_000, examples=["Write to ada@example.org."])
    data_class: Wanted = None


@router.post("/classify/explain", operation_id="explain_columns", summary="Explain the class of a column")
def columns(body: ColumnQuestion, doors: Access, caller: MayRead) -> Explanation:
    """What of the column carries its class: its name, its table, its neighbours, the evidence of each detector."""
    if sum(map(len, body.columns.values())) > MOST_VALUES:
        raise InvalidInput(f"There are more than {MOST_VALUES} values.", "Send a sample of them.")
    if body.column not in body.columns:
        raise InvalidInput("The column to explain is not among those that were sent.", "Name one of them.")
    tiers, rules = wanted(body.tiers), default_rules()
    evidence = evidence_of(body.columns, rules)
    others = tuple(found for name, found in evidence.items() if name != body.column)
    place = Place(evidence[body.column], body.table, others)
    return explain_column(place, doors.models.for_columns(tiers, body.table), rules, tiers, body.data_class)


@router.post("/classify/explain-text", operation_id="explain_text", summary="Explain what stands in a text")
def text(body: TextQuestion, doors: Access, caller: MayRead) -> Explanation:
    """Which words carry the class, named by their place in the text (`start:end` in code points)."""
    tiers = wanted(body.tiers)
    models = doors.models.for_texts(tiers, caller.principal)
    return explain_text(body.text, models, default_rules(), tiers, body.data_class)


@router.get("/labels/{label_id}/explanation", operation_id="get_label_explanation", summary="Explain a label")
def label(label_id: Id, doors: Access, caller: MayRead) -> Explanation:
    """Why the machine finds this class on the column, from the stored evidence, under the installed rules."""
    with doors.reading() as session:
        place, data_class = place_of_label(session, label_id)
    models = doors.models.for_columns(TIERS, place.table)
    return explain_column(place, models, default_rules(), TIERS, data_class)
