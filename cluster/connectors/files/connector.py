"""Reads files in Parquet, CSV and JSON Lines: of a folder, or in S3 and stores that speak its protocol."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from cluster.connectors.files.identity import identify, verify
from cluster.connectors.files.local import LocalTree
from cluster.connectors.files.paced import PacedTree
from cluster.connectors.files.tree import Entry, Listing, Tree
from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import (
    AssetInfo,
    Enumeration,
    Partition,
    Problem,
    SourceAccess,
    SourceFacts,
    TestStep,
)
from cluster.connectors.options import with_declarations
from cluster.connectors.pace import Pacer
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.errors import SourceAuthFailed, SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable
from cluster.formats import format_named, format_of
from cluster.formats.layout import Format, Way

if TYPE_CHECKING:
    import pyarrow as pa

    from cluster.connectors.files.s3 import S3Tree

_SAMPLED = 20


class FilesConnector:
    """One folder, file, bucket or prefix. Each file of a known format is an asset by its path below the root."""

    kind: ClassVar[str] = "files"
    schemes: ClassVar[tuple[str, ...]] = ("file", "s3")

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self._pacer = pacer
        self._options, self._url = access.options, access.url
        self._s3: S3Tree | None = None
        self._local: LocalTree | None = None
        self._seen: Listing | None = None
        if urlsplit(access.url).scheme == "s3":
            from cluster.connectors.files import s3

            self._s3 = s3.S3Tree(access, credential)
        else:
            self._local = LocalTree(Path(unquote(urlsplit(access.url).path)))

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
            "storage": "s3" if self._s3 else "local",
        }
        if self._s3:
            public = self._s3.open_to_all()
            region, more = self._options.get("region"), {"endpoint": self._s3.endpoint} if self._s3.endpoint else {}
            found = SourceFacts(
                kind=self.kind,
                tls=self._s3.tls,
                authenticated=not public if public is not None else True,
                public_access=public,
                region=region,
                extra={**extra, **more},
            )
        else:
            found = SourceFacts(kind=self.kind, public_access=self._open_to_all(seen), extra=extra)
        return with_declarations(found, self._options)

    def enumerate(self) -> Enumeration:
        entries, listing = self._list()
        problems = list(listing.problems)
        assets = [asset for entry in entries if (asset := self._asset(entry, problems)) is not None]
        return Enumeration(assets=tuple(assets), complete=listing.complete, problems=tuple(problems))

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        format_, name, way = self._way(asset.path)
        content = self._tree.open(asset.path, None)
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
        content = self._tree.open(partition.asset, partition.spec["version"])
        verify(content, partition.spec)
        format_ = self._way(partition.asset)[0]
        return format_.read(content, partition.spec["piece"], batch_rows, batch_bytes)

    def ease(self) -> float:
        return 1.0

    def close(self) -> None:
        self._tree.close()

    @property
    def _tree(self) -> Tree:
        tree: Tree | None = self._s3 or self._local
        assert tree is not None
        return PacedTree(tree, self._pacer, requests=self._s3 is not None) if self._pacer else tree

    def _list(self) -> tuple[list[Entry], Listing]:
        listing = Listing()
        entries = list(self._tree.list(listing))
        entries = [entry for entry in entries if not listing.holds(entry.path)]  # a table's own come with it
        self._seen = listing
        return entries, listing

    def _asset(self, entry: Entry, problems: list[Problem]) -> AssetInfo | None:
        """The asset of a file; None if it was deleted since it was listed."""
        format_, name, way = self._way(entry.path)
        code, inspected = None, None
        try:
            inspected = format_.inspect(self._tree.open(entry.path, None), way)
        except (SourceUnreachable, SourceAuthFailed):
            raise
        except SourceObjectGone:
            return None
        except SourceError as error:
            problems.append(Problem(path=entry.path, code=error.code, detail=error.detail, remedy=error.remedy))
            code = error.code
        return AssetInfo(
            path=entry.path,
            kind="file",
            format=name,
            columns=inspected.columns if inspected else (),
            rows_estimate=inspected.rows_estimate if inspected else None,
            bytes=entry.size,
            fingerprint=digest(entry.version),
            identity=digest(entry.version) if entry.size else None,  # empty files are all alike
            problem=code,
        )

    def _way(self, path: str) -> tuple[Format, str, Way]:
        found = format_of(path)
        if found is None:
            raise SourceUnreadable(f"{path} has no format that is known.", "Discover the source again.")
        name, codec = found
        return format_named(name), name, Way(codec, self._options)

    def _open_to_all(self, seen: Listing) -> bool:
        """Whether any user of this machine can read a file of the source."""
        assert self._local is not None
        return seen.world_readable > 0 and self._local.open_to_all()

    def _check_access(self) -> str:
        if self._s3:
            self._s3.reach()
            return f"The bucket {self._s3.bucket} answers."
        next(iter(self._tree.list(Listing())), None)
        return f"{self._tree.root} is there."

    def _check_tls(self) -> str | Concern:
        if self._local:
            return "The files are on this machine or mounted by it; no connection of Sextant's own is made."
        if self._s3 and self._s3.tls:
            return "The connection is encrypted (https)."
        return Concern("The connection is not encrypted.", "Use an endpoint with https.")

    def _get_files(self) -> str | Concern:
        entries, listing = self._list()
        summary = f"{len(entries)} files; {listing.ignored} of no known format were left out."
        if listing.problems:
            return Concern(f"{summary} {listing.problems[0].detail}", listing.problems[0].remedy)
        if not entries:
            return Concern(summary, "Check the path; known are Parquet, CSV, TSV and JSON Lines.")
        return summary

    def _sample_read(self) -> str | Concern:
        """Looks into the first files, as the first one may be damaged."""
        failed: SourceError | None = None
        for entry in islice(self._tree.list(Listing()), _SAMPLED):
            try:
                format_, _, way = self._way(entry.path)
                format_.inspect(self._tree.open(entry.path, None), way)
            except SourceError as error:
                failed = failed or error
                continue
            return Concern(failed.detail, failed.remedy) if failed else "A file could be read."
        if failed:
            raise failed
        return Concern("There is no file to read.", "Check the path.")
