"""Files: a folder or a bucket whose files of known formats are assets, each named by its path."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from cluster.connectors.declared import declared_facts
from cluster.connectors.interface import (
    AssetInfo,
    Enumeration,
    Partition,
    Problem,
    SourceAccess,
    SourceFacts,
    TestStep,
)
from cluster.connectors.steps import run_steps
from cluster.connectors.stores import FolderStore, Listed, S3Store, Store
from cluster.errors import SourceError, SourceUnreadable
from cluster.formats import file_format, format_name
from cluster.formats.interface import StoredFile


class FilesConnector:
    """Reads one folder or bucket. A file that cannot be read is a problem of that file only."""

    kind: ClassVar[str] = "files"
    schemes: ClassVar[tuple[str, ...]] = ("file", "s3")

    def __init__(self, access: SourceAccess, credential: Mapping[str, str]) -> None:
        self._access = access
        parts = urlsplit(access.url)
        self._remote = parts.scheme == "s3"
        self._store: Store = (
            S3Store(parts.netloc, unquote(parts.path.strip("/")), access.options, credential)
            if self._remote
            else FolderStore(Path(unquote(parts.path)))
        )
        self._ignored = 0

    def test(self) -> Iterator[TestStep]:
        yield from run_steps(
            [
                ("CheckAccess", "gate", self._check_access),
                ("CheckTLS", "capability", self._check_tls),
                ("GetFiles", "capability", self._check_files),
                ("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        known = self._store.facts()
        facts = SourceFacts(
            kind=self.kind,
            tls=known.get("tls"),
            authenticated=known.get("authenticated"),
            public_access=True if known.get("authenticated") is False else None,
            extra={"remote": self._remote, "ignored_files": self._ignored, "loopback": not self._remote},
        )
        return declared_facts(facts, self._access.options)

    def enumerate(self) -> Enumeration:
        problems: list[Problem] = []
        assets = []
        self._ignored = 0
        for listed in self._store.files(problems):
            name = format_name(listed.path)
            if name is None:
                self._ignored += 1
                continue
            assets.append(self._described(listed, name, problems))
        unlisted = any(problem.path not in {asset.path for asset in assets} for problem in problems)
        return Enumeration(assets=tuple(assets), complete=not unlisted, problems=tuple(problems))

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        form = file_format(asset.format or "")
        file = self._file(asset.path, asset.bytes or 0)
        description = form.describe(file)
        columns = tuple(column.name for column in description.columns)
        layout = hashlib.sha256("\0".join(columns).encode()).hexdigest()[:16]
        return [
            Partition(
                asset=asset.path,
                number=number,
                kind=part.kind,
                spec={"format": form.name, "size": asset.bytes, "part": part.spec},
                columns=columns,
                rows_estimate=part.rows,
                bytes=part.bytes,
                fingerprint=f"{asset.fingerprint}:{layout}:{_short(part.spec)}",
            )
            for number, part in enumerate(form.plan(file, description.hints, target_bytes))
        ]

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
        form = file_format(partition.spec["format"])
        file = self._file(partition.asset, partition.spec["size"])
        yield from form.read(file, partition.columns, partition.spec["part"], batch_rows, batch_bytes)

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _file(self, path: str, size: int) -> StoredFile:
        return StoredFile(path, size, lambda: self._store.open(path))

    def _described(self, listed: Listed, name: str, problems: list[Problem]) -> AssetInfo:
        asset = AssetInfo(path=listed.path, kind="file", format=name, bytes=listed.size, fingerprint=listed.fingerprint)
        try:
            description = file_format(name).describe(self._file(listed.path, listed.size))
        except SourceError as error:
            problems.append(Problem(path=listed.path, code=error.code, detail=error.detail, remedy=error.remedy))
            return asset.model_copy(update={"problem": error.code})
        except (UnicodeError, ValueError, ArithmeticError, pa.ArrowException) as error:
            problem = SourceUnreadable(
                f"The file could not be understood ({type(error).__name__}).", "Check its format."
            )
            problems.append(Problem(path=listed.path, code=problem.code, detail=problem.detail, remedy=problem.remedy))
            return asset.model_copy(update={"problem": problem.code})
        return asset.model_copy(update={"columns": description.columns, "rows_estimate": description.rows})

    def _first(self) -> Listed | None:
        return next((listed for listed in self._store.files([]) if format_name(listed.path)), None)

    def _check_access(self) -> str:
        next(iter(self._store.files([])), None)
        return "The bucket may be listed" if self._remote else "The folder may be listed"

    def _check_tls(self) -> str | tuple[str, str]:
        if not self._remote:
            return "Files are read on this machine"
        if self._store.facts()["tls"]:
            return "The connection is encrypted"
        return "The connection is not encrypted.", "Use an endpoint with https."

    def _check_files(self) -> str | tuple[str, str]:
        if self._first() is None:
            return "There is no file of a known format.", "Known are Parquet, CSV, TSV and JSON Lines."
        return "There are files of known formats"

    def _sample_read(self) -> str:
        listed = self._first()
        if listed is None:
            return "There is no file to read from"
        name = format_name(listed.path) or ""
        columns = file_format(name).describe(self._file(listed.path, listed.size)).columns
        return f"{len(columns)} columns in {listed.path}"


def _short(spec: object) -> str:
    return hashlib.sha256(repr(spec).encode()).hexdigest()[:16]
