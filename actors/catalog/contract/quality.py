"""Data quality: tests, runs and results, suggestions, scores, learned bounds, and data contracts."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from actors.catalog.contract.assets import GROUP, CatalogReceipt, View
from actors.catalog.contract.curation import AssetId
from cluster.runtime.commands import Command, Done

# The names are those of OpenMetadata's test definitions.
Definition = Literal[
    "tableRowCountToBeBetween", "tableRowCountToEqual", "tableRowInsertedCountToBeBetween",
    "tableColumnCountToBeBetween", "tableColumnCountToEqual", "tableColumnNameToExist", "tableColumnToMatchSet",
    "tableCustomSQLQuery", "tableDiff", "columnValuesToBeNotNull", "columnValuesToBeUnique",
    "columnValuesToBeBetween", "columnValuesToBeInSet", "columnValuesToBeNotInSet", "columnValuesToMatchRegex",
    "columnValuesToNotMatchRegex", "columnValueLengthsToBeBetween", "columnValueMinToBeBetween",
    "columnValueMaxToBeBetween", "columnValueMeanToBeBetween", "columnValueMedianToBeBetween",
    "columnValueStdDevToBeBetween", "columnValuesSumToBeBetween", "columnValuesMissingCount",
    "columnValuesToBeAtExpectedLocation",
]  # fmt: skip
# The test of another tool, which it ran and told the result of.
QUALITY_TOLD: Final = "dataQualityAssertion"
Dimension = Literal["Completeness", "Accuracy", "Consistency", "Validity", "Uniqueness", "Integrity"]
TestStatus = Literal["Success", "Failed", "Aborted", "Queued"]


class QualityTestView(View):
    """A test. A dataQualityAssertion is run by another tool (origin openlineage), and its parameters are what that tool
    calls the test, and the job that runs it."""

    id: str
    asset_id: str
    column: str
    definition: Definition | Literal["dataQualityAssertion"]
    parameters: dict[str, Any]
    dimension: Dimension
    severity: int
    origin: Literal["human", "suggested", "contract", "openlineage"]
    enabled: bool


class QualityResultView(View):
    """What a test came to: `observed` is what was measured, `low` and `high` what it was held against.

    `method`: profile (the last scan already knew), read (the asset was read), pushdown (the source was asked),
    told (another tool ran the test).
    """

    run_id: str
    test_id: str
    asset_id: str
    at: datetime
    status: TestStatus
    method: Literal["profile", "read", "pushdown", "told"]
    observed: float | None
    passed_rows: int | None
    failed_rows: int | None
    low: float | None
    high: float | None
    reason: str | None


class QualityRunView(View):
    """A run of the tests of an asset: `pending` until a worker has read what profiles could not decide."""

    id: str
    asset_id: str
    state: Literal["pending", "succeeded", "failed"]
    requested_at: datetime
    finished_at: datetime | None
    problem: str | None
    results: tuple[QualityResultView, ...] = ()


class DimensionScoreView(View):
    """The share of a dimension's tests that passed on a day, by the last result of each test."""

    dimension: Dimension
    day: date
    passed: int
    total: int
    score: float


class FigureView(View):
    """A figure at a time: rows, bytes, shares of nulls and of distinct values, means; of jobs what they read and wrote.

    `told_` stands before figures that another tool told of an asset which scans measure too.
    """

    column: str
    metric: str
    at: datetime
    value: float


class Bounds(View):
    """Where the next value of a metric is expected, learned from its history; `season` says of which days."""

    asset_id: str
    column: str
    metric: str
    low: float
    high: float
    points: int
    season: Literal["weekday", "none"]


class CheckOutcome(View):
    """What a test came to, as a worker tells it."""

    test_id: str
    status: Literal["Success", "Failed", "Aborted"]
    method: Literal["profile", "read", "pushdown"] = "read"
    observed: float | None = None
    passed_rows: int | None = None
    failed_rows: int | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class TestOrder(View):
    """A test as its evaluation needs it."""

    id: str
    definition: Definition
    column: str
    parameters: dict[str, Any]


class PendingRun(View):
    """A run that waits for its asset to be read. `others` are the second tables of differences by the name that the
    test gives: (source, asset)."""

    run_id: str
    source_id: str
    asset_id: str
    tests: tuple[TestOrder, ...]
    others: dict[str, tuple[str, str]] = Field(default_factory=dict)


class ContractResult(View):
    """What the check of a contract found, part by part; a part without anything to check is true."""

    schema_met: bool
    missing_fields: tuple[str, ...] = ()
    duplicate_fields: tuple[str, ...] = ()
    type_mismatches: tuple[str, ...] = ()
    semantics_met: bool = True
    semantics: tuple[str, ...] = ()
    quality_met: bool = True
    failed_tests: tuple[str, ...] = ()
    undecided_tests: tuple[str, ...] = ()
    sla_met: bool = True
    sla: tuple[str, ...] = ()


class ContractView(View):
    """A data contract in force on an asset. `unsupported` names rules of it that are kept and not checked."""

    id: str
    asset_id: str
    schema_name: str
    version: str
    status: str
    result: ContractResult | None
    checked_at: datetime | None
    tests: int = 0
    unsupported: tuple[str, ...] = ()


class DefineTest(Command[QualityTestView]):
    """Adds a test to an asset; the same definition with the same parameters again is the same test."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    definition: Definition
    column: str = Field("", max_length=1_000)
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=20)
    dimension: Dimension | None = None
    severity: int = Field(3, ge=1, le=5, description="1 is the worst.")


class RemoveTest(Command[Done]):
    """Removes a test; its results stay."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    test_id: AssetId


class SuggestTests(Command[CatalogReceipt]):
    """Adds the tests that the profiles of an asset's columns suggest; those that were removed come again."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId


class RunTests(Command[QualityRunView]):
    """Runs the tests of an asset. What its profiles decide is decided at once, for the rest the asset is read."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    fresh: Annotated[bool, Field(description="Reads the asset even where profiles would decide.")] = False


class RecordOutcomes(Command[QualityRunView]):
    """Internal: what a worker found; with `problem` the run failed. Repeating it changes nothing."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    run_id: str
    outcomes: tuple[CheckOutcome, ...] = ()
    problem: str | None = None


class ImportContract(Command[ContractView]):
    """Takes in a data contract (ODCS 3.0 or 3.1, as JSON or YAML): its schema, its quality rules and its SLA.

    `asset_id` says which asset the schema object `schema_name` (the first, if it is left out) is about.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    text: str = Field(min_length=1, max_length=900_000)
    schema_name: str | None = Field(None, max_length=1_000)


class CheckContract(Command[ContractView]):
    """Holds an asset to its contract, by what is known of it now and by the last results of the contract's tests."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    contract_id: AssetId


class RemoveContract(Command[Done]):
    """Takes a contract out of force, with the tests that it brought."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    contract_id: AssetId
