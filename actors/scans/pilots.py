"""What the first batches of an asset say of the CPU seconds that more of its rows will take.

Cost does not grow with rows alone. Texts of a shape that was seen before are cheap, so that the second batch of a
partition costs less than the first, and the last step of a partition, its report, costs the same for few rows and many.
"""

from pydantic import BaseModel, ConfigDict

# Costs within a batch grow with its rows by this power: the smaller it is, the fewer of its values were seen before.
_WITHIN_A_BATCH = 0.7
_TELLING = 0.25  # of the first batch: a smaller last one is measured too roughly to stand alone


class Step(BaseModel):
    """One batch of a pilot: its rows, and the CPU seconds of reading and of scanning it."""

    model_config = ConfigDict(frozen=True)

    rows: int
    read_seconds: float
    seconds: float


class Pilot(BaseModel):
    """What some batches from one place of an asset took when its scan was planned; sizes are of Arrow's form.

    `report_seconds` is what a partition takes after its batches. `stored_bytes` is what the batches take in
    the source, where that is known; of a compressed file it is estimated.
    """

    model_config = ConfigDict(frozen=True)

    steps: tuple[Step, ...]
    bytes: int
    columns: int
    report_seconds: float
    stored_bytes: int | None = None

    @property
    def rows(self) -> int:
        return sum(step.rows for step in self.steps)

    @property
    def taken(self) -> float:
        """CPU seconds that it took itself."""
        return self.report_seconds + sum(step.read_seconds + step.seconds for step in self.steps)

    def seconds(self, rows: float) -> float:
        """CPU seconds of scanning a partition of so many rows, without its report.

        Rows that the pilot did not reach cost what those behind its first batch did.
        """
        first, *later = self._telling()
        if rows <= first.rows or not later:
            return first.seconds * float((rows / first.rows) ** _WITHIN_A_BATCH)
        each = sum(step.seconds for step in later) / sum(step.rows for step in later)
        return first.seconds + (rows - first.rows) * each

    def read_seconds(self, rows: float) -> float:
        """CPU seconds of reading so many rows, as all but the first batch took, in which the file was opened."""
        steps = self._telling()
        later = steps[1:] or steps
        return rows * sum(step.read_seconds for step in later) / sum(step.rows for step in later)

    def with_texts(self, seconds: float) -> "Pilot":
        """The same with CPU seconds of reading texts of prose, which a partition does once, behind its batches."""
        return self.model_copy(update={"report_seconds": self.report_seconds + seconds})

    def _telling(self) -> tuple[Step, ...]:
        *before, last = self.steps
        if not before or last.rows >= _TELLING * before[0].rows:
            return self.steps
        joined = Step(
            rows=before[-1].rows + last.rows,
            read_seconds=before[-1].read_seconds + last.read_seconds,
            seconds=before[-1].seconds + last.seconds,
        )
        return (*before[:-1], joined)
