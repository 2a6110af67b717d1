"""Files that are parts of one table: ten thousand partition files are one asset, a resource set.

Files of one format whose paths differ only in numbers, identifiers and `key=value` folders make one, from `LEAST` of
them on, if those that are looked at have the same columns. Its path is what they share, with `{n}`, `{id}` and `{key}`
where they differ: `events/day={day}/part-{n}.parquet`.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster.connectors.files.identity import identify, verify
from cluster.connectors.files.tree import Entry, Opened, Tree
from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import Partition
from cluster.errors import SourceAuthFailed, SourceError, SourceObjectGone, SourceUnreachable
from cluster.formats import format_of
from cluster.formats.layout import Format, Piece, Way

LEAST = 20
"""Files of a pattern from which on they are one asset."""
SAMPLED = 8
"""Members that are looked into when the set is listed."""
_OPENED_AT_ONCE = 8  # by a plan, of a store, where most of an opening is waiting
_KEYED = re.compile(r"([A-Za-z_][\w.-]*)=([^/=]*)")
_IDENTIFIER = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?<![0-9A-Za-z])(?=[0-9a-fA-F]*[a-fA-F])(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{16,64}(?![0-9A-Za-z])"
)
_NUMBER = re.compile(r"\d+")


def pattern_of(path: str) -> str | None:
    """What a path shares with others of its set; None where nothing in it can differ, or it holds braces itself."""
    if "{" in path or "}" in path:
        return None
    stem, dot, suffix = _parted(path)
    found = _KEYED.sub(lambda match: f"{match[1]}={{{match[1]}}}", stem)
    parts = re.split(r"(\{[^}]*\})", _IDENTIFIER.sub("{id}", found))
    found = "".join(part if part.startswith("{") else _NUMBER.sub("{n}", part) for part in parts)
    return f"{found}{dot}{suffix}" if found != stem else None


def grouped(entries: Iterable[Entry]) -> tuple[list[Entry], dict[str, list[Entry]]]:
    """The entries that are of no set, and those of each set by its pattern."""
    sets: dict[str, list[Entry]] = defaultdict(list)
    alone: list[Entry] = []
    for entry in entries:
        pattern = pattern_of(entry.path)
        (alone if pattern is None else sets[pattern]).append(entry)
    small = [pattern for pattern, members in sets.items() if len(members) < LEAST]
    for pattern in small:
        alone += sets.pop(pattern)
    return sorted(alone, key=lambda entry: entry.path), dict(sets)


def sampled(members: Sequence[Entry]) -> list[Entry]:
    """Members from all over the set, the first and the last among them."""
    step = (len(members) - 1) / (SAMPLED - 1)
    return [members[round(place * step)] for place in range(SAMPLED)]


def oldest(members: Sequence[Entry]) -> datetime | None:
    """When the oldest member was written; None where that of any is not known, as it may be older than all others."""
    times = [member.modified_at for member in members if member.modified_at is not None]
    return min(times) if len(times) == len(members) else None


def is_set(path: str) -> bool:
    """Whether the path of an asset is a pattern."""
    return "{" in path and "}" in path


@dataclass(frozen=True)
class Member:
    """A piece of a file of a set, with its fingerprint; `piece` is None where the file could not be planned."""

    entry: Entry
    version: str
    piece: Piece | None
    fingerprint: str
    held_to: dict[str, object]

    @property
    def spec(self) -> dict[str, Any]:
        piece = self.piece.spec if self.piece else None
        return {"file": self.entry.path, "version": self.version, "piece": piece, **self.held_to}


class SetPlan:
    """Plans and reads a set. `way` gives the format of a file and how it is to be taken."""

    def __init__(self, tree: Tree, asset: str, way: Callable[[str], tuple[Format, str, Way]], *, far: bool) -> None:
        self._tree, self._asset, self._way, self._far = tree, asset, way, far

    def partitions(self, entries: Sequence[Entry], columns: tuple[str, ...], target_bytes: int) -> list[Partition]:
        """Partitions of about `target_bytes`, each of one or several files with the same columns.

        A file that cannot be planned is a partition of its own, which says why when it is read.
        """
        with ThreadPoolExecutor(_OPENED_AT_ONCE if self._far else 1) as threads:
            planned = threads.map(lambda entry: self._members(entry, target_bytes), entries)
            members = [member for found in planned for member in found]
        return [self._partition(number, some, columns) for number, some in enumerate(_together(members, target_bytes))]

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[Any]:
        """The rows of all members. Raises SourceObjectGone for one that was replaced."""
        for member in partition.spec["members"]:
            content = self._tree.open(member["file"], member["version"])
            verify(content, member)
            format_, _, way = self._way(member["file"])
            if member["piece"] is None:
                format_.plan(content, way, 1 << 62)  # says what is wrong with it
                raise SourceObjectGone(f"{member['file']} was replaced after it was planned.", "Scan the source again.")
            yield from format_.read(content, member["piece"], batch_rows, batch_bytes)

    def _members(self, entry: Entry, target_bytes: int) -> list[Member]:
        format_, _, way = self._way(entry.path)
        try:
            content: Opened = self._tree.open(entry.path, None)
            pieces = format_.plan(content, way, target_bytes)
            identified = [identify(content, piece) for piece in pieces]
        except (SourceUnreachable, SourceAuthFailed):
            raise
        except SourceObjectGone:
            return []
        except SourceError:
            return [Member(entry, entry.version, None, digest(entry.path, entry.version), {})]
        return [
            Member(entry, content.version, piece, mark, held_to)
            for piece, (mark, held_to) in zip(pieces, identified, strict=True)
        ]

    def _partition(self, number: int, members: list[Member], columns: tuple[str, ...]) -> Partition:
        pieces = [member.piece for member in members if member.piece]
        rows = [piece.rows_estimate for piece in pieces]
        return Partition(
            asset=self._asset,
            number=number,
            kind=f"files.{self._way(members[0].entry.path)[1]}.set",
            spec={"members": [member.spec for member in members]},
            columns=pieces[0].columns if pieces else columns,
            rows_estimate=None if None in rows else sum(row or 0 for row in rows),
            bytes=sum(_size(member) for member in members),
            fingerprint=digest([member.fingerprint for member in members]),
        )


def _together(members: Sequence[Member], target_bytes: int) -> Iterator[list[Member]]:
    """Members in groups of about the target, cut where a hash of the path says: a new file changes one group only."""
    each = sum(map(_size, members)) / max(1, len(members))
    every = 1 << max(0, int(target_bytes / max(1.0, each)).bit_length() - 1)
    held: list[Member] = []
    size = 0
    for member in members:
        alike = bool(held) and member.piece is not None and held[0].piece is not None
        alike = alike and member.piece.columns == held[0].piece.columns  # type: ignore[union-attr]
        cut = int(digest(member.entry.path)[:8], 16) % every == 0 or size + _size(member) > 2 * target_bytes
        if held and (not alike or cut):
            yield held
            held, size = [], 0
        held.append(member)
        size += _size(member)
    if held:
        yield held


def _size(member: Member) -> int:
    return (member.piece.bytes if member.piece else None) or member.entry.size


def _parted(path: str) -> tuple[str, str, str]:
    """The path without the endings of its format and compression, and those."""
    folder, slash, name = path.rpartition("/")
    found = format_of(name)
    if found is None:
        return path, "", ""
    parts = name.split(".")
    keep = len(parts) - (2 if found[1] else 1)
    return f"{folder}{slash}{'.'.join(parts[:keep])}", ".", ".".join(parts[keep:])
