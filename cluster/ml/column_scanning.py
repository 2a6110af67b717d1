"""The evidence of generated tables: by the kernels that scan sources, with a salt that is always the same."""

from collections.abc import Sequence

import pyarrow as pa

from cluster.connectors.interface import Partition
from cluster.detectors.compile import CompiledRules
from cluster.kernels.lexicon import Lexicon
from cluster.kernels.merge import fold
from cluster.kernels.report import ColumnEvidence
from cluster.kernels.scan import PartitionScan
from cluster.ml.column_examples import ExampleTable

_SALT = b"generated tables hold nobody's values"
_PARTITION = Partition(asset="generated", number=0, kind="generated", spec={}, columns=(), fingerprint="")


def scanned(table: ExampleTable, rules: CompiledRules, lexicon: Lexicon | None = None) -> list[ColumnEvidence]:
    """The evidence of each column, in order. Columns of one name, as those without any, are scanned one by one."""
    found: dict[int, ColumnEvidence] = {}
    left = list(range(len(table.columns)))
    while left:
        once = {table.columns[place].name: place for place in reversed(left)}
        places = sorted(once.values())
        arrays = [_array(table.columns[place].values) for place in places]
        scan = PartitionScan(_PARTITION, rules, _SALT, lexicon)
        scan.add(pa.RecordBatch.from_arrays(arrays, names=[table.columns[place].name for place in places]))
        found |= dict(zip(places, fold([scan.report()], 1, 0).columns, strict=True))
        left = [place for place in left if place not in found]
    return [found[place] for place in range(len(table.columns))]


def _array(values: Sequence[object]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])
