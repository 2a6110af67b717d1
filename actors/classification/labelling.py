"""Writing labels: what is new, changed and withdrawn against the stored ones, and the events that tell it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.contract import ClassifyReceipt
from actors.classification.decisions import LabelFacts, Ruling, settle
from actors.classification.observing import Observed
from actors.classification.tables import Decision, Label
from cluster.detectors.taxonomy import Taxonomy
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

Verdicts = Mapping[str, Mapping[str, LabelFacts]]


def label_id(asset_id: str, column: str, data_class: str) -> str:
    """The identifier of a label: the same whenever the class is found on the column again."""
    return hashlib.sha256(f"{asset_id}\0{column}\0{data_class}".encode()).hexdigest()[:32]


class Relabelling:
    """The labels of one asset being brought in line with verdicts and decisions."""

    def __init__(self, work: UnitOfWork, source_id: str, asset_id: str, asset: str) -> None:
        self.work, self.source_id, self.asset_id, self.asset = work, source_id, asset_id, asset
        self.stored = {
            (row.column, row.data_class): row
            for row in work.session.scalars(select(Label).where(Label.asset_id == asset_id))
        }
        self.told: dict[str, list[tuple[dict[str, Any] | None, dict[str, Any] | None]]] = defaultdict(list)

    def apply(self, observed: Iterable[Observed], verdicts: Verdicts, taxonomy: Taxonomy) -> ClassifyReceipt:
        """Writes the difference and emits at most one event of each kind for the asset."""
        rulings = rulings_of(self.work.session, self.asset_id)
        wanted: dict[tuple[str, str], tuple[LabelFacts, LabelFacts | None]] = {}
        columns = 0
        for seen in observed:
            columns += 1
            column = seen.evidence.column
            machine = verdicts.get(column, {})
            settled = settle(machine, rulings.get(column, ()), taxonomy, census=seen.is_census)
            wanted |= {(column, name): (facts, machine.get(name)) for name, facts in settled.items()}
        same = sum(self._write(key, *facts) for key, facts in wanted.items())
        for key, row in self.stored.items():
            if key not in wanted:
                self._tell("withdrawn", row, None)
                self.work.session.delete(row)
        self._emit()
        return ClassifyReceipt(
            columns=columns, created=len(self.told["labelled"]), changed=len(self.told["relabelled"]),
            withdrawn=len(self.told["withdrawn"]), unchanged=same,
        )  # fmt: skip

    def _write(self, key: tuple[str, str], facts: LabelFacts, machine: LabelFacts | None) -> bool:
        row = self.stored.get(key)
        if row is not None and facts_of(row) == facts and machine_of(row) == machine and row.asset == self.asset:
            return True
        column, data_class = key
        if row is None:
            row = Label(id=label_id(self.asset_id, column, data_class), asset_id=self.asset_id, column=column)
            self.work.session.add(row)
            self._tell("labelled", None, facts, column)
        elif facts_of(row) != facts:
            self._tell("relabelled", row, facts)
        fill(row, facts, machine)
        row.source_id, row.asset, row.updated_at = self.source_id, self.asset, self.work.now
        return False

    def _tell(self, kind: str, before: Label | None, after: LabelFacts | None, column: str = "") -> None:
        column = before.column if before else column
        old = brief(column, facts_of(before)) if before else None
        self.told[kind].append((old, brief(column, after) if after else None))

    def _emit(self) -> None:
        for kind in ("labelled", "relabelled", "withdrawn"):
            if self.told[kind]:
                place = {"source_id": self.source_id, "asset": self.asset}
                before = [old for old, _ in self.told[kind] if old]
                after = [new for _, new in self.told[kind] if new]
                self.work.emit(
                    kind, asset_entity(self.asset_id),
                    place | {"labels": before} if before else None, place | {"labels": after} if after else None,
                )  # fmt: skip


def brief(column: str, facts: LabelFacts) -> dict[str, Any]:
    """A label as events carry it."""
    names = {"data_class", "sensitivity", "confidence", "origin", "state", "drifted"}
    return {"column": column, **facts.model_dump(mode="json", include=names)}


def fill(row: Label, facts: LabelFacts, machine: LabelFacts | None) -> None:
    """Writes the facts of a label into its row."""
    for name, value in facts.model_dump().items():
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    row.machine = machine.model_dump(mode="json") if machine else None


def facts_of(row: Label) -> LabelFacts:
    """The facts of a stored label."""
    return LabelFacts.model_validate({name: getattr(row, name) for name in LabelFacts.model_fields})


def machine_of(row: Label) -> LabelFacts | None:
    """What the machine alone says of a stored label."""
    return LabelFacts.model_validate(row.machine) if row.machine else None


def rulings_of(session: Session, asset_id: str) -> dict[str, list[Ruling]]:
    """The decisions in force on the columns of an asset, whether these exist at present or not."""
    found: dict[str, list[Ruling]] = defaultdict(list)
    statement = select(Decision).where(Decision.asset_id == asset_id, Decision.ended_at.is_(None))
    for row in session.scalars(statement.order_by(Decision.seq)):
        found[row.column].append(ruling(row))
    return found


def ruling(row: Decision) -> Ruling:
    """A stored decision as a value."""
    return Ruling.model_validate({name: getattr(row, name) for name in Ruling.model_fields})
