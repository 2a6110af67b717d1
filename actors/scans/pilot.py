"""Reading some batches of an asset when its scan is planned, to say what it will take. Runs in planning tasks."""

import gzip
import io
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, cast

from actors.scans.pilots import Pilot, Step
from actors.scans.rates import is_packed
from cluster.connectors.interface import AssetInfo, Connector, Partition
from cluster.settings import settings

if TYPE_CHECKING:
    from collections.abc import Generator

    import pyarrow as pa

    from cluster.detectors.compile import CompiledRules
    from cluster.kernels.scan import PartitionScan
    from cluster.kernels.text_reader import TextReader

_PACKED_BYTES = 4 << 20  # more than any of the formats looks back
_WARM_SHARE = 8
_LEAST_BATCHES, _MOST_BATCHES = 3, 8
_LONG_SECONDS = 1.0
_PATIENCE_SECONDS = 20.0  # of the clock: under a slow pace a batch may take minutes
_SALT = b"pilot"
_READ: set[str] = set()  # kinds of partitions that this process has tried


def pilot_of(
    connector: Connector,
    asset: AssetInfo,
    partitions: Sequence[Partition],
    rules: "CompiledRules",
    reader: "TextReader | None" = None,
) -> Pilot | None:
    """What some batches from within the asset take to be read and scanned; None where there is no row.

    They have the size of those of a scan, and come from a partition drawn at random, always the same for the same
    content. The texts of its columns of prose are read by `reader`. Raises SourceError.
    """
    most = max((part.bytes or 0 for part in partitions), default=0)
    large = [part for part in partitions if 2 * (part.bytes or 0) >= most]
    if not large:
        return None
    chosen = random.Random(large[0].fingerprint).choice(large)  # noqa: S311  # which one is no secret
    until = time.monotonic() + _PATIENCE_SECONDS
    pilot, scan = _tried(connector, asset, chosen, rules, until)
    if pilot is None:
        return None
    texts = _seconds_of_texts(scan, reader, len(partitions))
    if (pilot.taken >= _LONG_SECONDS and chosen.kind in _READ) or time.monotonic() > until:
        return pilot.with_texts(texts)
    # The clock is rough where little was measured, and what a process does for the first time is not what others cost.
    _READ.add(chosen.kind)
    again, _ = _tried(connector, asset, chosen, rules, until)
    return min((one for one in (pilot, again) if one), key=lambda one: one.taken).with_texts(texts)


def _scan_of(partition: Partition, rules: "CompiledRules") -> "PartitionScan":
    from cluster.kernels.scan import PartitionScan

    return PartitionScan(partition, rules, _SALT)


def _seconds_of_texts(scan: "PartitionScan", reader: "TextReader | None", partitions: int) -> float:
    """CPU seconds that a partition takes to read what it holds of prose, in the mean of so many.

    A model remembers what it has read, so that texts that recur cost it once. Several workers pay once each, which is
    left out.
    """
    prose = scan.prose()
    if reader is None or not prose:
        return 0.0
    reader.warm()
    total = 0.0
    for column in prose:
        first = _seconds(lambda: scan.read_text(column, reader, len(prose)))  # noqa: B023 - called at once
        known = column.recurrence if partitions > 1 else 0.0
        again = _seconds(lambda: scan.read_text(column, reader, len(prose))) if known else first  # noqa: B023
        total += first - known * (first - again) * (partitions - 1) / partitions
    return total


def _seconds(run: "Callable[[], object]") -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def _reading(connector: Connector, partition: Partition) -> "closing[Generator[pa.RecordBatch]]":
    reader = _generator(connector.read(partition, *_batch_size()))
    return closing(cast("Generator[pa.RecordBatch]", reader))


def _tried(
    connector: Connector, asset: AssetInfo, partition: Partition, rules: "CompiledRules", until: float
) -> "tuple[Pilot | None, PartitionScan]":
    """The pilot of a partition's first batches, None where there is no row, and the scan of them."""
    scan, steps, size = _scan_of(partition, rules), list[Step](), 0
    first: pa.RecordBatch | None = None
    whole = False
    with _reading(connector, partition) as batches:
        while not whole and (not steps or (time.monotonic() < until and _more(steps))):
            started = time.process_time()
            pieces = _full(batches, until)
            read = time.process_time() - started
            whole = not pieces
            if pieces and first is None:
                first = pieces[0]
                _warm(first, partition, rules)
            if pieces:
                steps.append(_step(scan, pieces, read))
                size += sum(piece.nbytes for piece in pieces)
    if first is None:
        return None, scan
    started = time.process_time()
    scan.report()
    took = time.process_time() - started
    stored = partition.bytes if whole else None
    if stored is None and is_packed(partition.kind, asset.path):
        stored = _packed(first, sum(step.rows for step in steps))
    found = Pilot(steps=tuple(steps), bytes=size, columns=first.num_columns, report_seconds=took, stored_bytes=stored)
    return found, scan


def _more(steps: "Sequence[Step]") -> bool:
    """Whether there are too few, or cheap ones: some work is done with every few batches only."""
    cheap = sum(step.read_seconds + step.seconds for step in steps) < _LONG_SECONDS
    return len(steps) < (_MOST_BATCHES if cheap else _LEAST_BATCHES)


def _step(scan: "PartitionScan", pieces: "list[pa.RecordBatch]", read: float) -> Step:
    started = time.process_time()
    for piece in pieces:
        scan.add(piece)
    return Step(rows=sum(piece.num_rows for piece in pieces), read_seconds=read, seconds=time.process_time() - started)


def _warm(piece: "pa.RecordBatch", partition: Partition, rules: "CompiledRules") -> None:
    """What a process does once, like compiling patterns, is not what a batch costs."""
    scan = _scan_of(partition, rules)
    scan.add(piece.slice(0, max(1, piece.num_rows // _WARM_SHARE)))
    scan.report()


def _batch_size() -> tuple[int, int]:
    return settings().batch_rows, settings().batch_bytes


def _full(batches: "Iterator[pa.RecordBatch]", until: float) -> "list[pa.RecordBatch]":
    """One full batch, in as many pieces as the reader makes of it; fewer where the partition or the time ends."""
    most_rows, most_bytes = _batch_size()
    found: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            found.append(batch)
        if found and time.monotonic() > until:
            break
        if sum(b.num_rows for b in found) >= most_rows or sum(b.nbytes for b in found) >= most_bytes:
            break
    return found


def _generator(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    yield from batches


def _packed(batch: "pa.RecordBatch", rows: int) -> int:
    """Bytes that `rows` rows like those of the batch take as compressed text."""
    import pyarrow.csv as arrow_csv

    part = batch.slice(0, max(1, min(batch.num_rows, _PACKED_BYTES * batch.num_rows // max(1, batch.nbytes))))
    text = io.BytesIO()
    arrow_csv.write_csv(part, text, arrow_csv.WriteOptions(quoting_style="needed"))
    size: int = len(gzip.compress(text.getvalue(), 6)) * rows // part.num_rows
    return max(1, size)
