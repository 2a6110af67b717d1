"""Routes of what can be found: the classes of the taxonomy, and the detectors that recognise them."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from actors.classification.trying import Trial, tried
from cluster.context import Caller
from cluster.detectors.compile import load_detector_packs
from cluster.detectors.detector import Detector
from cluster.detectors.taxonomy import DataClass, Sensitivity, load_taxonomy
from cluster.errors import NotFound
from serve.http.classify_bodies import LONGEST_NAME, Cell
from serve.http.identity import permitted
from serve.http.pages import After, Id, Limit, Page, page

router = APIRouter(tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
MOST_TRIED = 200
OneClass = Annotated[str | None, Query(min_length=1, max_length=100, description="Only detectors of this class.")]
OneSensitivity = Annotated[Sensitivity | None, Query(description="Only classes of this sensitivity.")]


class ClassView(DataClass):
    """A class with its id, what its tags mean, and the detectors that recognise it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(examples=["contact.email"])
    meanings: dict[str, str]
    detectors: tuple[str, ...]


class DetectorView(Detector):
    """A detector as its pack states it, and the pack that it is of."""

    pack: str


class TrialOrder(BaseModel):
    """Up to 200 values, with the name of their column and table where these are known."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    values: tuple[Cell, ...] = Field(min_length=1, max_length=MOST_TRIED, examples=[["ada@example.org", "none"]])
    name: str = Field("", max_length=LONGEST_NAME)
    table: str = Field("", max_length=LONGEST_NAME)


@router.get("/classes", operation_id="list_classes", summary="List classes")
def classes(
    caller: MayRead, sensitivity: OneSensitivity = None, after: After = None, limit: Limit = 50
) -> Page[ClassView]:
    """The classes of the taxonomy by id, with their sensitivity and what they mean for law and standards."""
    found = [
        one for one in _classes() if (sensitivity in (None, one.sensitivity)) and (after is None or one.id > after)
    ]
    return page(found[: limit + 1], limit, lambda one: one.id)


@router.get("/classes/{class_id}", operation_id="get_class", summary="Read a class")
def get_class(class_id: Id, caller: MayRead) -> ClassView:
    """One class of the taxonomy."""
    found = next((one for one in _classes() if one.id == class_id), None)
    if found is None:
        raise NotFound("There is no such class.", "List the classes to see their ids.")
    return found


@router.get("/detectors", operation_id="list_detectors", summary="List detectors")
def detectors(
    caller: MayRead, data_class: OneClass = None, after: After = None, limit: Limit = 50
) -> Page[DetectorView]:
    """The installed detectors by id, with pattern, check, names and examples."""
    found = [one for one in _detectors() if data_class in (None, one.data_class) and (after is None or one.id > after)]
    return page(found[: limit + 1], limit, lambda one: one.id)


@router.get("/detectors/{detector_id}", operation_id="get_detector", summary="Read a detector")
def get_detector(detector_id: Id, caller: MayRead) -> DetectorView:
    """One detector as its pack states it."""
    found = next((one for one in _detectors() if one.id == detector_id), None)
    if found is None:
        raise NotFound("There is no such detector.", "List the detectors to see their ids.")
    return found


@router.post("/detectors/{detector_id}/trials", operation_id="try_detector", summary="Try a detector on values")
def trial(detector_id: Id, body: TrialOrder, caller: MayRead) -> Trial:
    """What it finds in each value, by its place, and what a scan would make of them; no value is stored or repeated."""
    return tried(detector_id, body.values, body.name, body.table)


def _classes() -> Iterator[ClassView]:
    taxonomy = load_taxonomy().value
    known: dict[str, list[str]] = {}
    for detector in _detectors():
        known.setdefault(detector.data_class, []).append(detector.id)
    for name, found in sorted(taxonomy.classes.items()):
        meanings = {tag: taxonomy.tags[tag] for tag in found.tags}
        yield ClassView(id=name, meanings=meanings, detectors=tuple(known.get(name, ())), **found.model_dump())


def _detectors() -> list[DetectorView]:
    found = [
        DetectorView.model_construct(pack=pack.name, **dict(detector))
        for pack in load_detector_packs()
        for detector in pack.value.detectors
    ]
    return sorted(found, key=lambda detector: detector.id)
