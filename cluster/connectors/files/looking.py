"""Looking into the files of a tree: which assets they are, with which columns, and what is wrong with some of them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Lock

from cluster.connectors.files.resource_sets import oldest, sampled
from cluster.connectors.files.tree import Entry, Tree
from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import AssetInfo, Problem
from cluster.errors import SourceAuthFailed, SourceError, SourceObjectGone, SourceUnreachable
from cluster.formats import split_table, tables_of
from cluster.formats.layout import Format, Inspected, Way

AT_ONCE = 8
_AHEAD = 256
_LIGHT = ("parquet", "orc", "avro", "csv", "jsonl")  # of which little is held to tell their columns


class Looking:
    """Looks into files; into `several` at once where most of it is waiting for a store and no budget is to be kept."""

    def __init__(self, tree: Tree, way: Callable[[str], tuple[Format, str, Way]], *, several: bool) -> None:
        self._tree, self._way, self._several, self._heavy = tree, way, several, Lock()

    def into(self, entries: list[Entry], problems: list[Problem]) -> Iterator[AssetInfo]:
        """The assets of files, in their order."""

        def look(entry: Entry) -> tuple[list[AssetInfo], list[Problem]]:
            found: list[Problem] = []
            with nullcontext() if self._way(entry.path)[1] in _LIGHT else self._heavy:
                return self._assets(entry, found), found

        with ThreadPoolExecutor(AT_ONCE if self._several else 1) as threads:
            for start in range(0, len(entries), _AHEAD):
                for assets, found in threads.map(look, entries[start : start + _AHEAD]):
                    problems += found
                    yield from assets

    def into_set(self, pattern: str, members: list[Entry], problems: list[Problem]) -> Iterator[AssetInfo]:
        """The asset of a set of files; those of its files where the sampled ones have other columns each."""
        looked = list(self.into(sampled(members), []))
        shapes = {tuple(column.name for column in asset.columns) for asset in looked if asset.problem is None}
        whole = next((asset for asset in looked if asset.problem is None), None)
        if whole is None or len(shapes) > 1 or any(asset.path != split_table(asset.path)[0] for asset in looked):
            yield from self.into(members, problems)
            return
        rows = [asset.rows_estimate for asset in looked if asset.problem is None]
        known = [row for row in rows if row is not None]
        yield whole.model_copy(
            update={
                "path": pattern,
                "bytes": sum(entry.size for entry in members),
                "rows_estimate": round(sum(known) / len(known) * len(members)) if len(known) == len(rows) else None,
                "fingerprint": digest([[entry.path, entry.version] for entry in members]),
                "identity": None,
                "comment": f"{len(members)} files",
                "modified_at": oldest(members),
            }
        )

    def _assets(self, entry: Entry, problems: list[Problem]) -> list[AssetInfo]:
        """The asset of a file, or those of the tables in it; none if it was deleted since it was listed."""
        found: list[AssetInfo] = []
        try:
            try:
                self._look(entry, entry.version, found)
            except SourceObjectGone:  # or written again, which is no reason to leave it out
                found.clear()
                self._look(entry, None, found)
        except (SourceUnreachable, SourceAuthFailed):
            raise
        except SourceObjectGone:
            return []
        except SourceError as error:
            problems.append(Problem(path=entry.path, code=error.code, detail=error.detail, remedy=error.remedy))
            unread = _described(entry, self._way(entry.path)[1], Inspected(), entry.path)
            found.append(unread.model_copy(update={"problem": error.code}))
        return found

    def _look(self, entry: Entry, version: str | None, found: list[AssetInfo]) -> None:
        format_, name, way = self._way(entry.path)
        listed, content = tables_of(format_), self._tree.open(entry.path, version)
        if listed is None:
            found.append(_described(entry, name, format_.inspect(content, way), entry.path))
            return
        for table in listed(content, way):
            described = format_.inspect(content, replace(way, table=table))
            found.append(_described(entry, name, described, f"{entry.path}#{table}"))


def _described(entry: Entry, format_: str, inspected: Inspected, path: str) -> AssetInfo:
    return AssetInfo(
        path=path,
        kind="file",
        format=format_,
        columns=inspected.columns,
        rows_estimate=inspected.rows_estimate,
        bytes=entry.size,
        fingerprint=digest(entry.version),
        identity=digest(entry.version) if entry.size and path == entry.path else None,  # empty files are all alike
        modified_at=entry.modified_at,
    )
