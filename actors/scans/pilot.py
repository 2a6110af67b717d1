"""Reading one batch of an asset when its scan is planned, to say what the scan will take. Runs in planning tasks."""

import gzip
import io
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, cast

from actors.scans.rates import Pilot, is_packed
from cluster.connectors.interface import AssetInfo, Connector, Partition
from cluster.settings import settings

if TYPE_CHECKING:
    from collections.abc import Generator

    import pyarrow as pa

    from cluster.detectors.compile import CompiledRules

_PACKED_ROWS = 2_000
_WARM_SHARE = 8


def pilot_of(
    connector: Connector, asset: AssetInfo, partitions: Sequence[Partition], rules: "CompiledRules"
) -> Pilot | None:
    """What a batch from within the asset takes to be read and scanned; None where there is no row.

    The batch has the size of those of a scan: cost does not grow in proportion below that. It comes from a partition
    drawn at random, always the same for the same content. Raises SourceError.
    """
    from cluster.kernels import scan_batches

    most = max((part.bytes or 0 for part in partitions), default=0)
    large = [part for part in partitions if 2 * (part.bytes or 0) >= most]
    if not large:
        return None
    chosen = random.Random(large[0].fingerprint).choice(large)  # noqa: S311  # which one is no secret
    started = time.process_time()
    batches = _some(connector, chosen)
    read = time.process_time() - started
    rows = sum(batch.num_rows for batch in batches)
    if not rows:
        return None
    # What a process does once, like compiling patterns, is not what a batch costs.
    scan_batches(iter([batches[0].slice(0, max(1, batches[0].num_rows // _WARM_SHARE))]), chosen, rules, b"pilot")
    started = time.process_time()
    scan_batches(iter(batches), chosen, rules, b"pilot")
    return Pilot(
        rows=rows,
        bytes=sum(batch.nbytes for batch in batches),
        columns=batches[0].num_columns,
        read_seconds=read,
        seconds=time.process_time() - started,
        packed_bytes=_packed(batches[0], rows) if is_packed(chosen.kind, asset.path) else None,
    )


def _some(connector: Connector, partition: Partition) -> "list[pa.RecordBatch]":
    """One full batch, in as many pieces as the reader makes of it."""
    most_rows, most_bytes = settings().batch_rows, settings().batch_bytes
    found: list[pa.RecordBatch] = []
    reader = cast("Generator[pa.RecordBatch]", _generator(connector.read(partition, most_rows, most_bytes)))
    with closing(reader) as batches:
        for batch in batches:
            found.append(batch)
            if sum(b.num_rows for b in found) >= most_rows or sum(b.nbytes for b in found) >= most_bytes:
                break
    return found


def _generator(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    yield from batches


def _packed(batch: "pa.RecordBatch", rows: int) -> int:
    """Bytes that `rows` rows like those of the batch take as compressed text."""
    import pyarrow.csv as arrow_csv

    part = batch.slice(0, _PACKED_ROWS)
    text = io.BytesIO()
    arrow_csv.write_csv(part, text)
    size: int = len(gzip.compress(text.getvalue(), 6)) * rows // part.num_rows
    return max(1, size)
