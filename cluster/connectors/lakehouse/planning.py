"""Cutting a table into partitions: a data file each, large ones by row group, and very many small ones in groups.

A data file is never written again, so that its path and size identify its content, whatever else the table gained or
lost meanwhile: after a commit that adds a file only that file is new. Where a table has more small files than
`MOST_ALONE`, they are put into groups of about the target by the hash of their paths, since each partition costs more
than such a file; a commit then makes new those groups that it puts a file into or takes one out of.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import Partition
from cluster.connectors.lakehouse.table import DataFile, TableState
from cluster.errors import SourceObjectGone
from cluster.formats import parquet
from cluster.formats.layout import Way

if TYPE_CHECKING:
    from cluster.connectors.files.tree import Opened, Tree

MOST_ALONE = 1000
_WHOLE_SHARE = 2  # a file above this part of the target is opened to be cut, as its pages may expand


def plan_table(tree: "Tree", state: TableState, asset: str, format_: str, target_bytes: int) -> list[Partition]:
    """The partitions of one version of a table. Raises SourceObjectGone where a large data file is gone."""
    shape = [[column.name, column.key, column.arrow, column.default] for column in state.columns]
    how = {"by": state.by, "shape": shape, "ids": state.names_of_ids, "log_first": state.log_first}
    found = []
    for number, part in enumerate(_parts(tree, state, target_bytes)):
        found.append(
            Partition(
                asset=asset,
                number=number,
                kind=f"lakehouse.{format_}",
                spec={**how, "files": part["files"]},
                columns=tuple(column.name for column in state.columns),
                rows_estimate=part["rows"],
                bytes=part["bytes"],
                fingerprint=digest(state.identity, how, part["files"]),
            )
        )
    return found


def content_of(tree: "Tree", path: str, size: int) -> "Opened":
    """A data file as the log knows it. Raises SourceObjectGone if another one is in its place."""
    content = tree.open(path, None)
    if content.size != size:
        raise SourceObjectGone(f"{path} is not the file that the log of its table names.", "Scan the source again.")
    return content


def _parts(tree: "Tree", state: TableState, target: int) -> Iterator[dict[str, Any]]:
    small = [file for file in state.files if file.size <= target // _WHOLE_SHARE]
    for file in state.files:
        if file.size > target // _WHOLE_SHARE:
            yield from _pieces(tree, file, target)
    for group in _groups(small, target) if len(small) > MOST_ALONE else ([file] for file in small):
        rows = [file.rows for file in group]
        yield {
            "files": [_spec(file) for file in group],
            "rows": None if None in rows else sum(row or 0 for row in rows),
            "bytes": sum(file.size for file in group),
        }


def _pieces(tree: "Tree", file: DataFile, target: int) -> Iterator[dict[str, Any]]:
    first = 0
    for piece in parquet.plan(content_of(tree, file.path, file.size), Way(), target):
        spec = {**_spec(file), "piece": piece.spec, "first": first}
        yield {"files": [spec], "rows": piece.rows_estimate, "bytes": piece.bytes}
        first += piece.rows_estimate or 0


def _groups(files: list[DataFile], target: int) -> list[list[DataFile]]:
    """As many groups as the power of two that makes them about as large as the target."""
    wanted = max(1, sum(file.size for file in files) // target)
    count = 1 << (wanted - 1).bit_length()
    groups: dict[int, list[DataFile]] = {}
    for file in files:
        place = int.from_bytes(hashlib.sha256(file.path.encode()).digest()[:8], "big")
        groups.setdefault(place % count, []).append(file)
    return [groups[place] for place in sorted(groups)]


def _spec(file: DataFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "size": file.size,
        "constants": file.constants,
        "deletions": [asdict(deletion) for deletion in file.deletions],
    }
