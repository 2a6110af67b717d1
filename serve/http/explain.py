"""Routes that say why: of columns and texts that are sent, and of labels that are stored."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from actors.classification.contract import Explanation
from actors.classification.explained_labels import place_of_label
from actors.classification.explaining import Place, explain_column, explain_text
from actors.classification.model_choice import version_of
from actors.classification.realtime import default_rules, evidence_of
from actors.classification.tiers import TIERS, wanted
from cluster.context import Caller
from cluster.errors import InvalidInput, NotFound
from serve.http.classify import MOST_VALUES
from serve.http.classify_bodies import ColumnsOrder, TextOrder
from serve.http.doors import Access
from serve.http.identity import permitted
from serve.http.models import ModelId
from serve.http.pages import Id

router = APIRouter(tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
Wanted = Annotated[
    str | None, Field(alias="class", min_length=1, max_length=100, description="The likeliest class if left out.")
]


Most = Annotated[int, Query(ge=1, le=2000, description="Most features.")]


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


class Importance(BaseModel):
    """The share of a model's gain by feature, the largest first: what it goes by over all that it was trained on."""

    model_id: str
    features: dict[str, float]


@router.get("/models/{model_id}/importance", operation_id="get_model_importance", summary="Read what a model goes by")
def importance(model_id: ModelId, doors: Access, caller: MayRead, limit: Most = 50) -> Importance:
    """The features of a column model and their share of the gain. Models of texts have no features of their own."""
    with doors.reading() as session:
        version = version_of(session, model_id)
    if not model_id.startswith("columns-"):
        raise NotFound("A model of texts has no features.", "Explain a text, or read its figures.")
    from cluster.ml.column_model import ColumnModel  # xgboost

    features = ColumnModel.load(version.folder).importance()
    return Importance(model_id=model_id, features=dict(islice(features.items(), limit)))
