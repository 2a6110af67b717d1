"""Reading OpenLineage events: which job and run they are of, and which data flows they tell of.

Format: OpenLineage specification 2-0-2 (RunEvent, JobEvent, DatasetEvent) with the facets columnLineage 1-2-0 and
symlinks 1-0-1. Emitters differ in what they leave out or write as null, so only what is needed here is asked for; all
else is kept in the event's body and not looked at.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from actors.catalog.dataset_names import plain_name, plain_namespace
from cluster.errors import InvalidInput

INDIRECT: Final = ("JOIN", "FILTER", "GROUP_BY", "SORT", "WINDOW", "CONDITIONAL")
MOST_DATASETS: Final = 2_000

Name = Annotated[str, Field(min_length=1, max_length=2_000)]
RunState = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        return {name: v for name, v in value.items() if v is not None} if isinstance(value, dict) else value


class Named(_Part):
    """A job or a dataset: a name within a namespace."""

    namespace: Name
    name: Name


class Dataset(Named):
    """A dataset as OpenLineage names it; what emitters spell in several ways is spelled in one."""

    @model_validator(mode="before")
    @classmethod
    def _in_one_way(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        namespace, name = value.get("namespace"), value.get("name")
        if not isinstance(namespace, str) or not isinstance(name, str):
            return value
        plain = plain_namespace(namespace)
        inside = plain_name(plain, name)
        return value if (plain, inside) == (namespace, name) else value | {"namespace": plain, "name": inside}


class Transformation(_Part):
    type: str = "DIRECT"
    subtype: str = ""
    masking: bool = False


class _InputField(Dataset):
    field: Name
    transformations: tuple[Transformation, ...] = Field((), max_length=100)


class _Inputs(_Part):
    input_fields: tuple[_InputField, ...] = Field((), alias="inputFields", max_length=10_000)
    # The way of the facet before 1-0-2 to say the same.
    transformation_type: str | None = Field(None, alias="transformationType", max_length=100)


class _ColumnLineage(_Part):
    fields: dict[Name, _Inputs] = Field({}, max_length=10_000)
    dataset: tuple[_InputField, ...] = Field((), max_length=10_000)

    @property
    def origins(self) -> set[Dataset]:
        """The datasets whose columns it names."""
        told = [*self.dataset, *(one for inputs in self.fields.values() for one in inputs.input_fields)]
        return {Dataset(namespace=namespace, name=name) for namespace, name in {(o.namespace, o.name) for o in told}}


class _Symlinks(_Part):
    identifiers: tuple[Dataset, ...] = Field((), max_length=20)

    @field_validator("identifiers", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        """Emitters write names without a namespace too; those name nothing."""
        if not isinstance(value, list):
            return ()
        return [one for one in value if isinstance(one, dict) and one.get("namespace") and one.get("name")]


class _Facets(_Part):
    lineage: _ColumnLineage | None = Field(None, alias="columnLineage")
    symlinks: _Symlinks | None = None


class EventDataset(Dataset):
    """A dataset of an event with the facets that lineage is made of; `told` are all of them, as they came."""

    facets: _Facets = _Facets()
    told: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _with_all(cls, value: Any) -> Any:
        """Facets of the data that a run read or wrote (`inputFacets`, `outputFacets`) are facets like others here."""
        if not isinstance(value, dict):
            return value
        parts = [value.get(name) for name in ("inputFacets", "outputFacets", "facets")]
        told = {name: facet for part in parts if isinstance(part, dict) for name, facet in part.items()}
        if "dataQuality" in told:  # as it was called before
            told.setdefault("dataQualityMetrics", told["dataQuality"])
        return value | {"told": told}

    @property
    def names(self) -> tuple[Dataset, ...]:
        """Its name, and the other names that it goes by."""
        links = self.facets.symlinks.identifiers if self.facets.symlinks else ()
        return (Dataset(namespace=self.namespace, name=self.name), *links)


class _Run(_Part):
    run_id: Annotated[str, Field(alias="runId", min_length=1, max_length=200)]


class _Job(Named):
    facets: Any = None  # whatever an emitter writes there, the event is taken in


class Event(_Part):
    """An event of any of the three kinds. `job` is None in an event of a dataset, `run` in one of a job."""

    at: Annotated[datetime, Field(alias="eventTime")]
    state: RunState | None = Field(None, alias="eventType")
    run: _Run | None = None
    job: _Job | None = None
    dataset: EventDataset | None = None
    inputs: tuple[EventDataset, ...] = Field((), max_length=MOST_DATASETS)
    outputs: tuple[EventDataset, ...] = Field((), max_length=MOST_DATASETS)

    @property
    def kind(self) -> Literal["run", "job", "dataset"]:
        if self.job is None:
            return "dataset"
        return "run" if self.run else "job"

    @property
    def streaming(self) -> bool:
        """Whether the job says of itself that it never ends."""
        told: Any = self.job.facets if self.job else None
        kind = told.get("jobType") if isinstance(told, dict) else None
        return isinstance(kind, dict) and str(kind.get("processingType")).upper() == "STREAMING"

    @property
    def sql(self) -> str | None:
        """The SQL that the job ran, where the emitter tells it."""
        told: Any = self.job.facets if self.job else None
        for name in ("sql", "query"):
            told = told.get(name) if isinstance(told, dict) else None
        return told if isinstance(told, str) and told else None


class Flow(NamedTuple):
    """Data of one dataset, or of one column of it, goes into another. No columns: the datasets as wholes."""

    origin: Dataset
    origin_column: str | None
    target: Dataset
    target_column: str | None
    transformation: Literal["DIRECT", "INDIRECT"]
    subtype: str
    masking: bool


def read_event(body: Mapping[str, Any]) -> Event:
    """The event that a body holds. Raises InvalidInput with the place and kind of the first thing that is wrong."""
    try:
        event = Event.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"][:6]) or "the event"
        raise InvalidInput(f"This is no OpenLineage event: {place[:200]}: {first['type']}.", _REMEDY) from None
    if event.job is None and event.dataset is None:
        raise InvalidInput("This is no OpenLineage event: it names neither a job nor a dataset.", _REMEDY)
    if event.run is not None and event.job is None:
        raise InvalidInput("This is no OpenLineage event: its run has no job.", _REMEDY)
    if event.at.tzinfo is None:  # some emitters leave the zone out and mean UTC
        event = event.model_copy(update={"at": event.at.replace(tzinfo=UTC)})
    return event


_REMEDY = "Send a RunEvent, JobEvent or DatasetEvent of the OpenLineage specification, one an HTTP request."


def flows(event: Event, done: Mapping[tuple[str, str, str], tuple[str, bool]] | None = None) -> Iterator[Flow]:
    """The flows an event tells of: by column where it says so, otherwise from each input to each output as a whole.

    An input of the only output which the columns do not name goes into it as a whole: it was read for something.

    `done` tells subtype and masking, by table, column and target's column in lower case, of flows that it only names.
    """
    for output in event.outputs or ((event.dataset,) if event.dataset is not None else ()):
        lineage = output.facets.lineage
        target = output.names[0]
        if lineage is None or not (lineage.fields or lineage.dataset):
            for source in event.inputs:
                yield Flow(source.names[0], None, target, None, "DIRECT", "TRANSFORMATION", False)
            continue
        for column, inputs in lineage.fields.items():
            for source_field in inputs.input_fields:
                named = (source_field.name.rpartition(".")[2].lower(), source_field.field.lower(), column.lower())
                known = (done or {}).get(named)
                if known and not source_field.transformations and inputs.transformation_type is None:
                    origin = _dataset(source_field.namespace, source_field.name)
                    yield Flow(origin, source_field.field, target, column, "DIRECT", *known)
                else:
                    yield from _column_flows(source_field, target, column, inputs.transformation_type)
        for source_field in lineage.dataset:
            yield from _column_flows(source_field, target, None, "INDIRECT")
        for source in event.inputs if len(event.outputs) == 1 else ():
            if lineage.origins.isdisjoint(source.names):
                yield Flow(source.names[0], None, target, None, "DIRECT", "TRANSFORMATION", False)


@lru_cache(maxsize=4_096)
def _dataset(namespace: str, name: str) -> Dataset:
    return Dataset(namespace=namespace, name=name)


def other_names(event: Event) -> dict[Dataset, tuple[Dataset, ...]]:
    """All names of the datasets that go by more than one, by the name that flows use."""
    return {one.names[0]: one.names for one in (*event.inputs, *event.outputs) if len(one.names) > 1}


def _column_flows(field: _InputField, target: Dataset, column: str | None, stated: str | None) -> Iterator[Flow]:
    origin = _dataset(field.namespace, field.name)
    for step in field.transformations or (Transformation(type=_type(stated), masking=stated == "MASKED"),):
        direct = step.type.upper() != "INDIRECT"
        subtype = step.subtype.upper()[:50] or _subtype(stated, direct)
        yield Flow(origin, field.field, target, column, "DIRECT" if direct else "INDIRECT", subtype, step.masking)


def _type(stated: str | None) -> str:
    return "INDIRECT" if stated == "INDIRECT" else "DIRECT"


def _subtype(stated: str | None, direct: bool) -> str:
    """What an emitter that names no subtype can have meant: nothing more than what it says."""
    if not direct:
        return "CONDITIONAL"
    return "IDENTITY" if stated == "IDENTITY" else "TRANSFORMATION"
