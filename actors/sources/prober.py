"""The prober: looks at each source in turn, judges what it finds, tells of changes at once and of the rest each minute.

Between two tellings it holds the minute that has not ended in memory; a prober that dies loses that minute and nothing
else. A source that is down is probed less and less often, up to once a minute (`cluster.connectors.breaker`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zlib import crc32

import structlog

from actors.sources.contract import HealthNote, MinuteOfProbes, RecordHealth
from actors.sources.health import Standing, bin_of, probed, refused
from actors.sources.probing import PORTS, Sample, Target, probe_all, target_of
from cluster.connectors.breaker import Breaker
from cluster.connectors.interface import SourceAccess
from cluster.errors import SextantError

log = structlog.get_logger("sources")

REFRESH_SECONDS = 5.0
HELD_BACK_SECONDS = 60.0

Elsewhere = Callable[[Sequence[Target], Mapping[str, str]], Awaitable[list[Sample]]]
"""Probes from nodes with these labels."""


class Known(NamedTuple):
    """A source as the store has it: what it is reached by, how it stood, and when a probe was asked for."""

    access: SourceAccess
    standing: Standing | None
    asked_at: datetime | None


class _Probed:
    """What the prober holds of one source."""

    def __init__(self, target: Target, labels: Mapping[str, str], standing: Standing, due: float, pause: float) -> None:
        self.target, self.labels, self.standing, self.due = target, labels, standing, due
        self.breaker = Breaker(trip=5, settle=2, pause=pause, longest=max(pause, HELD_BACK_SECONDS))
        self.since = self.checked_at = datetime.now(UTC)
        self.diagnosis: str | None = None
        self.probes = self.failures = 0
        self.counts: dict[str, int] = {}
        self.max_ms: float | None = None
        self.busy = self.asked = False


class Prober:
    """`known` reads the sources; `tell` carries out a command; `elsewhere` probes from other nodes."""

    def __init__(
        self, known: Callable[[], list[Known]], tell: Callable[[RecordHealth], Awaitable[Any]], elsewhere: Elsewhere,
        every: float,
    ) -> None:  # fmt: skip
        self._known, self._tell, self._elsewhere, self._every = known, tell, elsewhere, every
        self._sources: dict[str, _Probed] = {}
        self._read, self._minute = -REFRESH_SECONDS, _minute()
        self._tasks: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Starts the probes that are due, and tells of the minute that has ended. Called about once a second."""
        now = time.monotonic()
        if now - self._read >= REFRESH_SECONDS:
            self._read = now
            self._take(await asyncio.to_thread(self._known), now)
        if _minute() != self._minute:
            await self._told()
        groups: dict[tuple[tuple[str, str], ...], list[_Probed]] = {}
        for source in self._sources.values():
            if not source.busy and (source.asked or (now >= source.due and source.breaker.passes())):
                source.busy, source.due = True, max(now, source.due + self._every)
                groups.setdefault(tuple(sorted(source.labels.items())), []).append(source)
        for labels, due in groups.items():
            task = asyncio.create_task(self._probe(dict(labels), due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self, known: list[Known], now: float) -> None:
        ids = {one.access.source_id for one in known}
        self._sources = {name: source for name, source in self._sources.items() if name in ids}
        for access, standing, asked_at in known:
            name = access.source_id
            target = target_of(access, PORTS)
            source = self._sources.get(name)
            if source is None:  # spread over the interval, so that the sources are not all looked at in one moment
                due = now + crc32(name.encode()) / 2**32 * self._every
                source = _Probed(target, access.node_labels, standing or Standing(), due, self._every)
                self._sources[name] = source
            source.target, source.labels = target, access.node_labels
            source.asked = asked_at is not None and not source.busy
            if standing is not None and standing.refused != source.standing.refused:
                source.standing = refused(source.standing, standing.refused)

    async def _probe(self, labels: Mapping[str, str], sources: list[_Probed]) -> None:
        targets = [source.target for source in sources]
        try:
            samples = await (self._elsewhere(targets, labels) if labels else probe_all(targets))
        except SextantError as error:  # of the cluster, not of the sources
            log.warning("not probed", error=error.code)
            samples = []
        changed = [
            source for source, sample in zip(sources, samples, strict=bool(samples)) if self._judge(source, sample)
        ]
        for source in sources:
            source.busy = source.asked = False
        if changed:
            await self._tell(RecordHealth(notes=tuple(self._noted(source) for source in changed)))

    def _judge(self, source: _Probed, sample: Sample) -> bool:
        """Counts a sample; whether it is to be told of now."""
        before, asked = source.standing.state, source.asked
        source.standing = probed(source.standing, sample.up, sample.ms)
        source.checked_at, source.diagnosis = datetime.now(UTC), sample.diagnosis
        (source.breaker.succeeded if sample.up else source.breaker.failed)()
        source.probes += 1
        source.failures += not sample.up
        if sample.up:
            name = str(bin_of(sample.ms))
            source.counts[name] = source.counts.get(name, 0) + 1
            source.max_ms = max(source.max_ms or 0.0, sample.ms)
        return asked or source.standing.state != before

    async def _told(self) -> None:
        """Tells of the minute that has ended, and begins the next."""
        minute, self._minute = self._minute, _minute()
        seen = [source for source in self._sources.values() if source.probes]
        minutes = tuple(
            MinuteOfProbes(
                source_id=source.target.source_id, minute=minute, probes=source.probes, failures=source.failures,
                counts=source.counts, max_ms=source.max_ms,
            )
            for source in seen
        )  # fmt: skip
        for source in seen:
            source.probes = source.failures = 0
            source.counts, source.max_ms = {}, None
        if minutes:
            await self._tell(RecordHealth(notes=tuple(self._noted(source) for source in seen), minutes=minutes))

    def _noted(self, source: _Probed) -> HealthNote:
        wait = max(source.breaker.wait, source.due - time.monotonic(), 0.0)
        return HealthNote(
            source_id=source.target.source_id, standing=source.standing, since=source.since,
            checked_at=source.checked_at, diagnosis=source.diagnosis, breaker=source.breaker.state,
            next_probe_at=datetime.now(UTC) + timedelta(seconds=wait),
        )  # fmt: skip


def _minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)
