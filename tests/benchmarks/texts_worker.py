"""One measured process: columns of short texts, read by polars and scanned by Sextant one after the other.

    python -m tests.benchmarks.texts_worker FOLDER DETECTORS REPEAT

DETECTORS is a number, or `all` for the default rule set. For each file of the folder it prints one line of JSON with
the least CPU seconds of `REPEAT` runs of each: `floor` (polars reads the file), `scan` (connector, batches and kernels)
and `kernels` (the same batches without reading them), and `naive`: the same regexes and validators, value by value in
Python, on a few values and extrapolated to all.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.corpus import read

if TYPE_CHECKING:
    from cluster.connectors.interface import AssetInfo, Connector
    from cluster.detectors.compile import CompiledRules

NAIVE_VALUES = 1_000
# What finds something in these texts: among the few too, so that few and all have the same finds to make.
FINDING = (
    "contact.email", "contact.phone", "credential.aws_access_key", "government.us_ssn", "network.ipv4", "network.ipv6",
    "network.mac", "network.url", "payment.card.digits", "payment.card.grouped", "payment.iban",
)  # fmt: skip


def rules(detectors: str) -> "CompiledRules":
    """The default rule set, or so many of its detectors that match every column by pattern, the finding ones first."""
    from cluster.detectors.compile import RuleSetSpec, compile, load_rule_set

    every = compile(load_rule_set().value)
    if detectors == "all":
        return every
    others = [d.id for d in every.detectors if d.pattern and not d.needs_name and d.id not in FINDING]
    return compile(RuleSetSpec(include=(*FINDING, *others)[: int(detectors)]))


def naive(using: "CompiledRules", values: list[str]) -> None:
    """What a loop over values does: every regex over the whole value and inside it, and the validator on a match."""
    from cluster.detectors.patterns import EDGES, embedded_regex, whole_regex
    from cluster.detectors.validators import validator

    probes = [
        (re.compile(whole_regex(d)), re.compile(embedded_regex(d)) if d.embedded else None, d.validator)
        for d in using.detectors
        if d.pattern and not d.needs_name
    ]
    for value in values:
        for whole, embedded, name in probes:
            match = whole.search(value) or (embedded.search(value) if embedded else None)
            check = validator(name) if match and name else None
            if match and check:
                check(match[0].strip(EDGES))


def least(work: Callable[[], Any], repeat: int) -> float:
    """The least CPU seconds of some runs."""
    seconds = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def line_of(
    connector: "Connector", asset: "AssetInfo", path: Path, using: "CompiledRules", repeat: int
) -> dict[str, Any]:
    """The figures of one file."""
    from cluster.kernels import scan_batches
    from cluster.settings import settings

    limits = settings()
    parts = list(connector.plan(asset, limits.partition_bytes))
    batches = [list(connector.read(part, limits.batch_rows, limits.batch_bytes)) for part in parts]

    def scan() -> None:
        for part in parts:
            scan_batches(iter(connector.read(part, limits.batch_rows, limits.batch_bytes)), part, using, b"bench")

    def kernels() -> None:
        for part, some in zip(parts, batches, strict=True):
            scan_batches(iter(some), part, using, b"bench")

    kernels()  # what is made once a process is made
    frame = read(path)
    few = frame.sample(min(frame.height, NAIVE_VALUES // frame.width), seed=1)
    values = [value for column in few.get_columns() for value in column.to_list()]
    cells = frame.height * frame.width
    return {
        "file": path.name,
        "cells": cells,
        "bytes": sum(int(column.str.len_bytes().sum()) for column in frame.get_columns()),
        "floor": least(lambda: read(path).null_count(), repeat),
        "scan": least(scan, repeat),
        "kernels": least(kernels, repeat),
        "naive": least(lambda: naive(using, values), 1) / len(values) * cells,
    }


def main() -> None:
    folder, detectors, repeat = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    from cluster.connectors import open_connector
    from cluster.connectors.interface import SourceAccess

    using = rules(detectors)
    connector = open_connector(SourceAccess(source_id="bench", url=folder.resolve().as_uri()), {})
    for asset in sorted(connector.enumerate().assets, key=lambda a: a.path):
        print(json.dumps(line_of(connector, asset, folder / asset.path, using, repeat)), flush=True)


if __name__ == "__main__":
    main()
