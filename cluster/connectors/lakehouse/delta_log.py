"""The log of a Delta table, replayed (https://github.com/delta-io/delta/blob/master/PROTOCOL.md).

The state is that of the newest complete checkpoint (classic, of several parts, or of version 2 with side files) and of
the commits after it. All files are read through the source's own tree, with its credential and within its root.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.connectors.lakehouse.table import MOST_DATA_FILES
from cluster.errors import SourceObjectGone, SourceUnreadable

if TYPE_CHECKING:
    from cluster.connectors.files.tree import Tree

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.([0-9a-fA-F-]{36}))?\.(parquet|json)")
_KEPT = ("path", "size", "partitionValues", "deletionVector")
_ADD = (*_KEPT, "stats", "stats_parsed.numRecords")
_WANTED = ("metaData", "protocol", "sidecar", *(f"add.{name}" for name in _ADD))
_WRITE_AGAIN = "Check the table with the tool that writes it."
Action = dict[str, Any]


@dataclass
class DeltaLog:
    """The state of a table at `version`: its last `metadata` and `protocol`, and its active files by their keys."""

    version: int
    metadata: Action = field(default_factory=dict)
    protocol: Action = field(default_factory=dict)
    adds: dict[tuple[str, str], Action] = field(default_factory=dict)

    def apply(self, action: Action, what: str) -> None:
        if (add := action.get("add")) is not None:
            self.adds[_key(add)] = {**{name: add.get(name) for name in _KEPT}, "rows": _rows(add)}
            if len(self.adds) > MOST_DATA_FILES:
                raise SourceUnreadable(f"{what} has more than {MOST_DATA_FILES} data files.", "Compact it.")
        elif (remove := action.get("remove")) is not None:
            self.adds.pop(_key(remove), None)
        elif action.get("metaData") is not None:
            self.metadata = action["metaData"]
        elif action.get("protocol") is not None:
            self.protocol = action["protocol"]


def read_log(tree: "Tree", folder: str) -> DeltaLog:
    """The newest version of the table in a folder.

    Raises SourceObjectGone if there is none, and SourceUnreadable where the log has gaps or is damaged.
    """
    place = f"{folder}/_delta_log".lstrip("/")
    what = folder or "The table"
    names = tree.names(place)
    commits = {int(found[1]): name for name in names if (found := _COMMIT.fullmatch(name))}
    start, parts = _newest_checkpoint(names)
    if not commits and start < 0:
        raise SourceObjectGone(f"{what} is no longer a Delta table.", "Discover the source again.")
    log = DeltaLog(max([start, *commits]))
    for part in parts:
        for action in _checkpoint(tree, place, part):
            log.apply(action, what)
    for version in range(start + 1, log.version + 1):
        if version not in commits:
            raise SourceUnreadable(f"The log of {what} lacks version {version}.", _WRITE_AGAIN)
        for action in _commit(tree, f"{place}/{commits[version]}"):
            log.apply(action, what)
    if not log.metadata or not log.protocol:
        raise SourceUnreadable(f"The log of {what} does not describe the table.", _WRITE_AGAIN)
    return log


def vector_key(vector: Action | None) -> str:
    """What tells the deletion vectors of one data file apart (the protocol's unique id of a vector)."""
    if vector is None:
        return ""
    offset = vector.get("offset")
    return f"{vector['storageType']}{vector['pathOrInlineDv']}" + (f"@{offset}" if offset is not None else "")


def _key(action: Action) -> tuple[str, str]:
    return str(action["path"]), vector_key(action.get("deletionVector"))


def _rows(add: Action) -> int | None:
    """Rows in the file by its statistics, which a writer may leave out."""
    try:
        told = (add.get("stats_parsed") or {}).get("numRecords")
        told = json.loads(add["stats"]).get("numRecords") if told is None and add.get("stats") else told
    except (ValueError, AttributeError):
        return None
    return told if isinstance(told, int) else None


def _newest_checkpoint(names: Iterable[str]) -> tuple[int, list[str]]:
    """Version and files of the newest checkpoint all of whose parts are there; -1 for none."""
    found: dict[tuple[int, str], list[str]] = {}
    for name in names:
        if made := _CHECKPOINT.fullmatch(name):
            version, _, parts, identifier, suffix = made.groups()
            if suffix == "parquet" or identifier:
                found.setdefault((int(version), parts or identifier or ""), []).append(name)
    whole = [
        (version, sorted(files))
        for (version, form), files in found.items()
        if not form.isdigit() or len(files) == int(form)
    ]
    return max(whole, default=(-1, []))


def _commit(tree: "Tree", path: str) -> Iterator[Action]:
    content = tree.open(path, None)
    data = content.read_at(0, content.size)
    try:
        for line in data.splitlines():
            if line.strip():
                action = json.loads(line)
                if not isinstance(action, dict):
                    raise TypeError
                yield action
    except (ValueError, TypeError):
        raise SourceUnreadable(f"{path} is damaged.", _WRITE_AGAIN) from None


def _checkpoint(tree: "Tree", place: str, name: str) -> Iterator[Action]:
    path = f"{place}/{name}"
    for action in _commit(tree, path) if name.endswith(".json") else _rows_of(tree, path):
        if (side := action.get("sidecar")) is not None:
            yield from _rows_of(tree, f"{place}/_sidecars/{str(side['path']).rpartition('/')[2]}")
        else:
            yield action


def _rows_of(tree: "Tree", path: str) -> Iterator[Action]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cluster.formats.streams import SeekableContent

    try:
        file = pq.ParquetFile(pa.PythonFile(SeekableContent(tree.open(path, None)), mode="r"))
        leaves = [file.schema.column(place).path for place in range(len(file.schema))]
        columns = [leaf for leaf in leaves if leaf.startswith(tuple(f"{want}." for want in _WANTED)) or leaf in _WANTED]
        for batch in file.iter_batches(8192, columns=columns, use_threads=False):
            for action in batch.to_pylist(maps_as_pydicts="lossy"):
                yield {name: value for name, value in action.items() if value is not None}
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raised = SourceUnreadable(f"{path} is damaged ({type(error).__name__}).", _WRITE_AGAIN)
    else:
        return
    raise raised from None
