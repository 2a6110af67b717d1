"""The most memory that reading a file takes, measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_SCRIPT = """
import importlib, json, sys
from pathlib import Path
import pyarrow as pa
import cluster.connectors.batches, cluster.formats.arrow_columns
from cluster.connectors.files.local import LocalTree
from cluster.formats import format_named, format_of
from cluster.formats.layout import Way

def most():
    # Not getrusage: its figure is inherited from the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10

path, edits = Path(sys.argv[1]), json.loads(sys.argv[2])
for name, value in edits.items():
    module, _, attribute = name.rpartition(".")
    setattr(importlib.import_module(module), attribute, value)
name, codec = format_of(path.name)
format_, content = format_named(name), LocalTree(path.parent).open(path.name, None)
if name == "parquet":
    import cluster.formats.parquet_rows, pyarrow.parquet
before, rows = most(), 0
for piece in format_.plan(content, Way(codec), 64 << 20):
    for batch in format_.read(content, piece.spec, 32_768, 8 << 20):
        rows += batch.num_rows
print(json.dumps({"rows": rows, "grown_mb": most() - before}))
"""


def reading(path: Path, **edits: Any) -> dict[str, int]:
    """Rows of a file, and the MB by which the process that read them grew at most. `edits` set names of modules."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(path), json.dumps(edits)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))
