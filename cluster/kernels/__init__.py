"""Pure per-partition work: batches in, one small mergeable report out. Nothing here does I/O of its own."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from cluster.connectors.interface import Partition
    from cluster.detectors.compile import CompiledRules
    from cluster.kernels.report import PartitionReport
    from cluster.kernels.text_reader import TextReader


def scan_batches(
    batches: "Iterator[pa.RecordBatch]",
    partition: "Partition",
    rules: "CompiledRules",
    salt: bytes,
    only: "tuple[str, ...]" = (),
    *,
    between: "Callable[[], None] | None" = None,
    reader: "TextReader | None" = None,
) -> "PartitionReport":
    """The report of a partition, from one pass over its batches. See `cluster.kernels.scan`.

    With `only` it holds the counts of these detectors of the rules, for the columns that one of them may look at.
    `between` is called after each column of each batch. Samples of prose are read by `reader`, unless it is `only` so.

    The numerical libraries are loaded on the first call, not with the package: `report` is imported everywhere.
    """
    from cluster.kernels.plan import looked_at_by
    from cluster.kernels.rebase import counts_of
    from cluster.kernels.scan import PartitionScan

    scan = PartitionScan(partition, rules, salt, between=between, reader=None if only else reader)
    for batch in batches:
        names = batch.schema.names if only else ()
        kept = [place for place, name in enumerate(names) if looked_at_by(name, only, rules)]
        scan.add(batch.select(kept) if only else batch)
    return counts_of(scan.report(), only) if only else scan.report()
