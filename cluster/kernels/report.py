"""What a scan task brings home: one small report per partition, and what a whole asset's reports fold to.

A `PartitionReport` holds counts and sketches only, never a value. Reports merge associatively and commutatively
(`cluster.kernels.merge`), so that the order of partitions, and who scanned them, cannot be seen in the result.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DetectorCounts(_Value):
    """Counts of one detector on one column of one partition (mergeable).

    scanned: non-null values looked at; matched: values in which the pattern was found; whole: values that are the
    match from end to end; validated: matched values that also passed the validator (equal to matched where the
    detector has none); distinct_matched and distinct_validated: base64 of a distinct sketch of those values;
    examples: keyed hashes of up to three validated values, each after 16 bits by which the three are chosen.
    """

    scanned: int
    matched: int
    whole: int
    validated: int
    distinct_matched: str
    distinct_validated: str
    examples: tuple[str, ...] = ()


class TextSample(_Value):
    """Distinct texts drawn at random, and what was found in each: (keyed hash, classes parted by blanks), by hash.

    `bound`: the texts are all those with a hash up to it; None: all that there are. read: how many a tier has read so
    far, also such as more partitions have pushed out of the sample.
    """

    found: tuple[tuple[str, str], ...]
    bound: str | None = None
    read: int


class FreeText(_Value):
    """What was found in a sample of the texts of a column of prose (mergeable; see `cluster.kernels.free_text`).

    `reader` is the version of what reads. `rules` holds what tier 1 found; `language`, of fewer texts, what both tiers
    found, by the model of digest `model`. `skipped` says why tier 3 has read none although it was to.
    """

    reader: str
    rules: TextSample
    language: TextSample | None = None
    model: str | None = None
    skipped: str | None = None


class ColumnReport(_Value):
    """Profile and evidence of one column of one partition (mergeable).

    `traits` is what its values look like (`cluster.kernels.traits`); reports of before it was collected have none.
    `texts` is what a sample of its values holds, where they are prose and somebody read them.
    """

    name: str
    type: str
    rows: int
    nulls: int
    empties: int
    unreadable: int = 0
    distinct: str
    numbers: dict[str, Any] | None = None
    times: dict[str, Any] | None = None
    lengths: dict[str, Any] | None = None
    shapes: dict[str, int] = Field(default_factory=dict)
    traits: str | None = None
    texts: FreeText | None = None
    detectors: dict[str, DetectorCounts] = Field(default_factory=dict)


class PartitionReport(_Value):
    """The report of one partition. `seconds` and `cpu_seconds` are measurements and no part of the content."""

    asset: str
    partition: int
    fingerprint: str
    rules_digest: str
    rows: int
    bytes: int
    columns: tuple[ColumnReport, ...]
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    detector_seconds: dict[str, float] = Field(default_factory=dict)
    peak_rss_mb: float = 0.0
    node: str = ""


class ColumnProfile(_Value):
    """The profile of a column, blurred so that no value can be read from it.

    min, max and quantiles of numbers keep two significant digits (outward); times keep year and month; text has
    lengths and shapes only. `quantiles` maps "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99".
    """

    rows: int
    nulls: int
    empties: int
    unreadable: int
    distinct: int
    distinct_exact: bool
    min: str | None = None
    max: str | None = None
    mean: float | None = None
    quantiles: dict[str, float] = Field(default_factory=dict)
    length_min: int | None = None
    length_max: int | None = None
    shapes: tuple[tuple[str, int], ...] = ()


class ClassEvidence(_Value):
    """Evidence for one class on one column: figures with their interval, by which method, never a value.

    prevalence = validated / scanned; `low` and `high` are its two-sided 95 % Clopper-Pearson bounds (equal to the
    prevalence in a census, which has no sampling error); `missed_at_most` is the most rows, at 95 %, that may hold
    the class and were not seen (0 in a census). `examples` are salted hashes.
    """

    detector: str
    data_class: str
    scanned: int
    distinct: int
    matched: int
    whole: int
    distinct_matched: int
    validated: int
    distinct_validated: int
    prevalence: float
    low: float
    high: float
    missed_at_most: int
    chance: float
    examples: tuple[str, ...] = ()


class TextEvidence(_Value):
    """A class that was found inside free texts: in `matched` of `read` distinct ones drawn at random, by which tier.

    `low` and `high` bound the share of the column's distinct texts that hold it at 95 % (Clopper and Pearson; where
    partitions were left out, as wide at least as the partitions differ).
    """

    data_class: str
    tier: Literal["rules", "language"]
    matched: int
    read: int
    prevalence: float
    low: float
    high: float


class TextFindings(_Value):
    """What is known of the free texts of a column. `rules` and `language` count the texts that each tier has read;
    `skipped` says why tier 3 has read none."""

    rules: int
    language: int
    model: str | None = None
    skipped: str | None = None
    classes: tuple[TextEvidence, ...] = ()


class ColumnEvidence(_Value):
    """All that a scan knows of one column."""

    column: str
    type: str
    profile: ColumnProfile
    traits: str | None = None
    texts: TextFindings | None = None
    classes: tuple[ClassEvidence, ...] = ()


class AssetEvidence(_Value):
    """The fold of an asset's partition reports. `method` is census only if every partition was read without error."""

    asset: str
    method: Literal["census", "sample"]
    partitions: int
    partitions_read: int
    rows: int
    bytes: int
    rules_digest: str
    columns: tuple[ColumnEvidence, ...]
