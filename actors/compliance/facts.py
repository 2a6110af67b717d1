"""The facts of a source as checks see them: values with versions, indexed by asset. No database, no clock but `now`.

How labels count is decided here once, for all checks:
- `automatic` and `confirmed` labels are evidence that the data is there, however few values hold it;
- a label in `review` is evidence of neither: what depends on it is INSUFFICIENT_EVIDENCE until a person decides;
- a `rejected` label does not count;
- that data is absent is only shown by a census without problems. A sample cannot show it, nor can silence.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

from actors.compliance.contract import FactKind

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
OF_ASSET: tuple[Literal["labels", "coverage", "profile", "flows", "records"], ...] = (
    "labels",
    "coverage",
    "profile",
    "flows",
    "records",
)
SETTLED = frozenset({"automatic", "confirmed"})


def canonical(value: Any) -> str:
    """One text for equal JSON values: keys sorted, no spaces."""
    return _JSON.encode(value)


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


class Cited(NamedTuple):
    """Which version of which fact, as a finding cites it."""

    kind: FactKind
    subject: str
    version: int
    digest: str


@dataclass(frozen=True, eq=False)
class Fact:
    """One version of a fact."""

    cited: Cited
    value: dict[str, Any]
    observed_at: datetime | None = None

    @cached_property
    def reference(self) -> str:
        """How it is cited, as JSON. Many findings cite one fact, so it is written once."""
        return canonical(self.cited)


class Label(NamedTuple):
    """A class on a column, reduced to what checks ask."""

    column: str
    tags: tuple[str, ...]
    settled: bool
    matched: int | None
    scanned: int | None
    whole_column: bool


class Holding(NamedTuple):
    """Whether an asset holds a kind of data.

    held: settled labels say so; review: only labels that await a decision; absent: a census found none;
    unknown: it was not read, or not far enough, and `why` says how far.
    """

    state: Literal["held", "review", "absent", "unknown"]
    labels: tuple[Label, ...]
    why: str


@dataclass
class AssetFacts:
    """All that is known of one asset."""

    subject: str
    asset: Fact
    labels: Fact | None = None
    coverage: Fact | None = None
    profile: Fact | None = None
    flows: Fact | None = None
    records: Fact | None = None
    _holdings: dict[tuple[tuple[str, ...], tuple[str, ...]], Holding] = field(default_factory=dict, init=False)
    _stands: dict[tuple[str, ...], tuple[Fact, ...]] = field(default_factory=dict, init=False)

    @cached_property
    def name(self) -> str:
        return str(self.asset.value.get("path") or self.subject)

    @cached_property
    def is_view(self) -> bool:
        """A view holds no data of its own: its labels and coverage are facts only where somebody gave them."""
        return self.asset.value.get("kind") == "view" and self.labels is None

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The facts at hand, in a fixed order."""
        return tuple(fact for fact in (self.asset, self.coverage, self.labels) if fact is not None)

    @cached_property
    def on_record(self) -> dict[str, Any]:
        """What people put on record about it, as `deriving.py` says it."""
        return self.records.value if self.records else {}

    def stand(self, *kinds: str) -> tuple[Fact, ...]:
        """The facts at hand, and those of these other kinds that there are."""
        if kinds not in self._stands:
            more = (getattr(self, kind) for kind in kinds)
            self._stands[kinds] = (*self.facts, *(fact for fact in more if fact is not None))
        return self._stands[kinds]

    @cached_property
    def label_list(self) -> tuple[Label, ...]:
        """Labels that were not rejected, by column."""
        columns = (self.labels.value.get("columns") or {}) if self.labels else {}
        found = [
            _label(column, label)
            for column, labels in sorted(columns.items())
            for label in labels
            if label.get("state") in SETTLED or label.get("state") == "review"
        ]
        return tuple(found)

    @cached_property
    def unread(self) -> str:
        """Why nothing may be concluded from silence, in words; empty after a census without problems."""
        covered = self.coverage.value if self.coverage else {}
        if self.unreadable:
            return f"a part of it could not be read ({self.unreadable})"
        if self.labels is None or covered.get("method") == "none":
            return "it has not been scanned"
        if covered.get("method") == "sample":
            return f"only a sample of it was read ({_share(covered)} partitions)"
        if covered.get("method") != "census":
            return "it is not known how far it was scanned"
        return ""

    @cached_property
    def unreadable(self) -> str:
        """What kept a scan from reading all of it: a problem's code, or how many partitions failed; else empty."""
        covered = self.coverage.value if self.coverage else {}
        failed = covered.get("partitions_failed") or 0
        partitions = f"{failed} of {covered.get('partitions', '?')} partitions" if failed else ""
        return str(covered.get("problem") or self.asset.value.get("problem") or partitions)

    def holds(self, tags: Sequence[str], unless: Sequence[str] = ()) -> Holding:
        """Whether it holds data with one of these tags, or with a tag below one of them ("a" covers "a.b", "a:b").

        Labels with a tag in `unless`, or below one, do not count.
        """
        key = (tuple(tags), tuple(unless))
        if key not in self._holdings:
            self._holdings[key] = self._holds(*key)
        return self._holdings[key]

    def _holds(self, tags: tuple[str, ...], unless: tuple[str, ...]) -> Holding:
        labels = tuple(
            label for label in self.label_list if covers(tags, label.tags) and not covers(unless, label.tags)
        )
        settled = tuple(label for label in labels if label.settled)
        if settled:
            return Holding("held", settled, "")
        if labels:
            return Holding("review", labels, "")
        return Holding("unknown", (), self.unread) if self.unread else Holding("absent", (), "")


class FactSet:
    """The facts of one source; checks read nothing else. `now` is when they are judged, by which periods are measured.

    What a check says may turn with `now` only from one verdict to another, not in its words day by day.
    """

    def __init__(self, source_id: str, facts: Iterable[Fact], now: datetime) -> None:
        by_kind: dict[str, dict[str, Fact]] = {kind: {} for kind in get_args(FactKind)}
        for fact in facts:
            by_kind[fact.cited.kind][fact.cited.subject] = fact
        self.source_id, self.now = source_id, now
        self.source = by_kind["source"].get(source_id)
        self.records = by_kind["records"].get(source_id)
        self.attestations = by_kind["attestation"]
        assets = [
            AssetFacts(subject, asset, **{kind: by_kind[kind].get(subject) for kind in OF_ASSET})
            for subject, asset in by_kind["asset"].items()
            if asset.value.get("status") != "gone"
        ]
        self.assets = tuple(sorted(assets, key=lambda asset: (asset.name, asset.subject)))

    @cached_property
    def oldest(self) -> datetime:
        """When the fact that was not confirmed for longest was last observed."""
        seen = [fact.observed_at for fact in self.everything if fact.observed_at is not None]
        more = [fact.observed_at for fact in self.attestations.values() if fact.observed_at is not None]
        return min([*seen, *more], default=self.now)

    @property
    def today(self) -> date:
        """The day of `now` in UTC."""
        return self.now.astimezone(UTC).date()

    @cached_property
    def by_subject(self) -> dict[str, AssetFacts]:
        """The assets by their ids."""
        return {asset.subject: asset for asset in self.assets}

    @cached_property
    def on_record(self) -> dict[str, Any]:
        """What people put on record about the source as a whole, as `deriving.py` says it."""
        return self.records.value if self.records else {}

    @cached_property
    def source_name(self) -> str:
        return str(self.source.value.get("name") or self.source_id) if self.source else self.source_id

    @cached_property
    def everything(self) -> tuple[Fact, ...]:
        """All facts, in a fixed order."""
        of_source = (fact for fact in (self.source, self.records) if fact is not None)
        return (*of_source, *(fact for asset in self.assets for fact in asset.stand("profile", "flows", "records")))

    def told(self, name: str) -> Any:
        """What the source tells of itself under this name; None if it does not."""
        return self.source.value.get(name) if self.source else None


def covers(wanted: Sequence[str], tags: Sequence[str]) -> bool:
    """True if one of the tags is a wanted one or lies below it."""
    return any(tag == want or tag.startswith((f"{want}.", f"{want}:")) for want in wanted for tag in tags)


def _label(column: str, label: dict[str, Any]) -> Label:
    return Label(
        column=column,
        tags=(*(label.get("tags") or ()), f"class:{label.get('data_class')}"),
        settled=label.get("state") in SETTLED,
        matched=label.get("matched"),
        scanned=label.get("scanned"),
        whole_column=label.get("whole_column") is not False,
    )


def _share(covered: dict[str, Any]) -> str:
    return f"{covered.get('partitions_read', '?')} of {covered.get('partitions', '?')}"
