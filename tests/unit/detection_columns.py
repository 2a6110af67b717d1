"""Columns scanned, folded and judged as in a real run, for the tests of detection."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from actors.classification.verdict import Label, verdict
from cluster.connectors.interface import Partition
from cluster.detectors.compile import CompiledRules, RuleSetSpec, compile, load_rule_set
from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels import scan_batches
from cluster.kernels.merge import fold
from cluster.kernels.report import AssetEvidence, PartitionReport

SALT = b"a salt of the tests"


@cache
def rules(*include: str) -> CompiledRules:
    return compile(RuleSetSpec(include=include) if include else load_rule_set().value)


def report_of(*batches: pa.RecordBatch, number: int = 0, using: CompiledRules | None = None) -> PartitionReport:
    columns = tuple(batches[0].schema.names) if batches else ()
    partition = Partition(asset="t", number=number, kind="test", spec={}, columns=columns, fingerprint=f"f{number}")
    return scan_batches(iter(batches), partition, using or rules(), SALT)


def evidence_of(columns: dict[str, Any]) -> AssetEvidence:
    arrays = {name: v if isinstance(v, pa.Array) else pa.array(v) for name, v in columns.items()}
    return fold([report_of(pa.record_batch(arrays))], 1, 0)


def labels_of(
    name: str, values: Sequence[Any] | pa.Array, table: str = "public.things", neighbours: tuple[str, ...] = ()
) -> tuple[Label, ...]:
    column = evidence_of({name: values}).columns[0]
    return verdict(column, table, neighbours, load_taxonomy().value, rules())


def classes_of(
    name: str, values: Sequence[Any] | pa.Array, table: str = "public.things", neighbours: tuple[str, ...] = ()
) -> dict[str, str]:
    """The classes found, each with `automatic`, `review`, or the same with `some` before it for an occurrence."""
    return {
        label.data_class: label.state if label.whole_column else f"some {label.state}"
        for label in labels_of(name, values, table, neighbours)
    }
