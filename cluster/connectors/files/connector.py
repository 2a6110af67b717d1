"""Reads files in the formats of `cluster.formats`: of a folder, or in an object store (`stores`)."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from cluster.connectors.files.identity import identify, verify
from cluster.connectors.files.local import LocalTree
from cluster.connectors.files.looking import Looking
from cluster.connectors.files.paced import PacedTree
from cluster.connectors.files.read_ahead import ReadAhead
from cluster.connectors.files.resource_sets import SetPlan, grouped, is_set, pattern_of
from cluster.connectors.files.tree import Entry, Listing, Tree
from cluster.connectors.interface import (
    AssetInfo,
    Enumeration,
    Partition,
    SourceAccess,
    SourceFacts,
    TestStep,
)
from cluster.connectors.options import with_declarations
from cluster.connectors.pace import Pacer
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.errors import SourceError, SourceUnreadable
from cluster.formats import KNOWN, format_named, format_of, split_table, tables_of
from cluster.formats.layout import Format, Way

if TYPE_CHECKING:
    import pyarrow as pa

    from cluster.connectors.files.objects import ObjectTree

_SAMPLED = 20
_BY_COLUMN = ("parquet", "orc")  # which are read at many places in turn, and gather their requests themselves


class FilesConnector:
    """One folder, file, bucket or prefix. Each file of a known format is an asset by its path below the root.

    Of a format that holds several tables in a file, each table is one: `book.xlsx#Sheet`.
    """

    kind: ClassVar[str] = "files"
    schemes: ClassVar[tuple[str, ...]] = ("file", "s3", "abfss", "gs")

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self._pacer = pacer
        self._options, self._url = access.options, access.url
        self._objects: ObjectTree | None = None
        self._local: LocalTree | None = None
        self._seen: Listing | None = None
        if urlsplit(access.url).scheme == "file":
            self._local = LocalTree(Path(unquote(urlsplit(access.url).path)))
        else:
            from cluster.connectors.files import objects

            self._objects = objects.ObjectTree(access, credential)

    def test(self) -> Iterator[TestStep]:
        """CheckAccess (gate), CheckTLS, GetFiles, SampleRead."""
        return run_steps(
            [
                Check("CheckAccess", "gate", self._check_access),
                Check("CheckTLS", "capability", self._check_tls),
                Check("GetFiles", "capability", self._get_files),
                Check("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        seen = self._seen or self._list()[1]
        extra = {
            "files_ignored": seen.ignored,
            "links_not_followed": seen.links,
            "loopback": self._local is not None,
            "storage": self._objects.storage if self._objects else "local",
        }
        if self._objects:
            public = self._objects.open_to_all()
            more = {"endpoint": self._objects.endpoint} if self._objects.endpoint else {}
            found = SourceFacts(
                kind=self.kind,
                tls=self._objects.tls,
                authenticated=not public if public is not None else True,
                public_access=public,
                region=self._options.get("region"),
                extra={**extra, **more},
            )
        else:
            found = SourceFacts(kind=self.kind, public_access=self._open_to_all(seen), extra=extra)
        return with_declarations(found, self._options)

    def enumerate(self) -> Enumeration:
        entries, listing = self._list()
        problems = list(listing.problems)
        alone, sets = grouped(entries)
        looking = Looking(self._tree, self._way, several=self._objects is not None and self._pacer is None)
        assets = [asset for pattern, members in sets.items() for asset in looking.into_set(pattern, members, problems)]
        assets += looking.into(alone, problems)
        assets.sort(key=lambda asset: asset.path)
        return Enumeration(assets=tuple(assets), complete=listing.complete, problems=tuple(problems))

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        if is_set(asset.path):
            members = [entry for entry in self._list()[0] if pattern_of(entry.path) == asset.path]
            if members:
                columns = tuple(column.name for column in asset.columns)
                return self._set_plan(asset.path).partitions(members, columns, target_bytes)
        format_, name, way = self._way(asset.path)
        content = self._tree.open(split_table(asset.path)[0], None)
        found = []
        for number, piece in enumerate(format_.plan(content, way, target_bytes)):
            fingerprint, held_to = identify(content, piece)
            found.append(
                Partition(
                    asset=asset.path,
                    number=number,
                    kind=f"files.{piece.kind}",
                    spec={"format": name, "version": content.version, "piece": piece.spec, **held_to},
                    columns=piece.columns,
                    rows_estimate=piece.rows_estimate,
                    bytes=piece.bytes,
                    fingerprint=fingerprint,
                )
            )
        return found

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        if partition.kind.endswith(".set"):
            return self._set_plan(partition.asset).read(partition, batch_rows, batch_bytes)
        content = self._tree.open(split_table(partition.asset)[0], partition.spec["version"])
        verify(content, partition.spec)
        if not content.near and self._pacer is None and self._way(partition.asset)[1] not in _BY_COLUMN:
            content = ReadAhead(content)
        format_ = self._way(partition.asset)[0]
        return format_.read(content, partition.spec["piece"], batch_rows, batch_bytes)

    def ease(self) -> float:
        return 1.0

    def well(self) -> bool:
        """A store has no session: its connections are made anew by themselves. A folder is not worth keeping."""
        return self._objects is not None

    def close(self) -> None:
        self._tree.close()

    @property
    def _tree(self) -> Tree:
        tree: Tree | None = self._objects or self._local
        assert tree is not None
        return PacedTree(tree, self._pacer, requests=self._objects is not None) if self._pacer else tree

    def _list(self) -> tuple[list[Entry], Listing]:
        listing = Listing()
        entries = list(self._tree.list(listing))
        entries = [entry for entry in entries if not listing.holds(entry.path)]  # a table's own come with it
        self._seen = listing
        return entries, listing

    def _set_plan(self, asset: str) -> SetPlan:
        return SetPlan(self._tree, asset, self._way, far=self._local is None and self._pacer is None)

    def _way(self, path: str) -> tuple[Format, str, Way]:
        file, table = split_table(path)
        found = format_of(file)
        if found is None:
            raise SourceUnreadable(f"{path} has no format that is known.", "Discover the source again.")
        name, codec = found
        return format_named(name), name, Way(codec, self._options, table)

    def _open_to_all(self, seen: Listing) -> bool:
        """Whether any user of this machine can read a file of the source."""
        assert self._local is not None
        return seen.world_readable > 0 and self._local.open_to_all()

    def _check_access(self) -> str:
        if self._objects:
            self._objects.reach()
            return f"The bucket {self._objects.bucket} answers."
        next(iter(self._tree.list(Listing())), None)
        return f"{self._tree.root} is there."

    def _check_tls(self) -> str | Concern:
        if self._local:
            return "The files are on this machine or mounted by it; no connection of Sextant's own is made."
        if self._objects and self._objects.tls:
            return "The connection is encrypted (https)."
        return Concern("The connection is not encrypted.", "Use an endpoint with https.")

    def _get_files(self) -> str | Concern:
        entries, listing = self._list()
        summary = f"{len(entries)} files; {listing.ignored} of no known format were left out."
        if listing.problems:
            return Concern(f"{summary} {listing.problems[0].detail}", listing.problems[0].remedy)
        if not entries:
            return Concern(summary, f"Check the path; known are {KNOWN}.")
        return summary

    def _sample_read(self) -> str | Concern:
        """Looks into the first files, as the first one may be damaged."""
        failed: SourceError | None = None
        for entry in islice(self._tree.list(Listing()), _SAMPLED):
            try:
                self._look_into(entry.path)
            except SourceError as error:
                failed = failed or error
                continue
            return Concern(failed.detail, failed.remedy) if failed else "A file could be read."
        if failed:
            raise failed
        return Concern("There is no file to read.", "Check the path.")

    def _look_into(self, path: str) -> None:
        format_, _, way = self._way(path)
        content, listed = self._tree.open(path, None), tables_of(format_)
        if listed is None:
            format_.inspect(content, way)
        else:
            listed(content, way)
