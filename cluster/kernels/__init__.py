"""Pure per-partition work: batches in, one small mergeable report out. Nothing here does I/O of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from cluster.connectors.interface import Partition
    from cluster.detectors.compile import CompiledRules
    from cluster.kernels.report import PartitionReport


def scan_batches(
    batches: "Iterator[pa.RecordBatch]", partition: "Partition", rules: "CompiledRules", salt: bytes
) -> "PartitionReport":
    """The report of a partition, from one pass over its batches. See `cluster.kernels.scan`.

    The numerical libraries are loaded on the first call, not with the package: `report` is imported everywhere.
    """
    from cluster.kernels.scan import PartitionScan

    scan = PartitionScan(partition, rules, salt)
    for batch in batches:
        scan.add(batch)
    return scan.report()
