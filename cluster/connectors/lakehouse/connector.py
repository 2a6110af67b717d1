"""Reads folders and buckets with everything that lies in them: loose files, and tables of Delta Lake and Iceberg."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

from cluster.connectors.files.connector import FilesConnector
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, Partition, Problem
from cluster.connectors.lakehouse.marks import table_of
from cluster.connectors.lakehouse.planning import plan_table
from cluster.connectors.lakehouse.table import TableState
from cluster.connectors.steps import Concern
from cluster.errors import SourceAuthFailed, SourceError, SourceObjectGone, SourceUnreachable

if TYPE_CHECKING:
    import pyarrow as pa

_LOGS = {"delta": "_delta_log", "iceberg": "metadata"}


class LakehouseConnector(FilesConnector):
    """One folder, file, bucket or prefix. A folder with the log of a table is one asset, by its path below the root.

    Parquet files in the folder of a table are no assets of their own, whether its log names them or no longer does.
    """

    kind: ClassVar[str] = "files"

    def enumerate(self) -> Enumeration:
        found = super().enumerate()
        assert self._seen is not None
        problems = list(found.problems)
        tables = [self._table(folder, format_, problems) for folder, format_ in sorted(self._seen.tables.items())]
        assets = sorted([*found.assets, *(table for table in tables if table)], key=lambda asset: asset.path)
        return Enumeration(assets=tuple(assets), complete=found.complete, problems=tuple(problems))

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        if asset.format not in _LOGS:
            return super().plan(asset, target_bytes)
        state = self._state(self._folder(asset.path, asset.format), asset.format)
        return plan_table(self._tree, state, asset.path, asset.format, target_bytes)

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        if not partition.kind.startswith("lakehouse."):
            return super().read(partition, batch_rows, batch_bytes)
        from cluster.connectors.lakehouse.reading import read_partition

        return read_partition(self._tree, partition, batch_rows, batch_bytes)

    def _state(self, folder: str, format_: str) -> TableState:
        if format_ == "delta":
            from cluster.connectors.lakehouse.delta import read_delta

            return read_delta(self._tree, folder, self._url)
        from cluster.connectors.lakehouse.iceberg import read_iceberg

        return read_iceberg(self._tree, folder, self._url)

    def _table(self, folder: str, format_: str, problems: list[Problem]) -> AssetInfo | None:
        """The asset of a table; None if it was dropped since it was listed."""
        path, code, state = folder or self._own_name(), None, None
        try:
            state = self._state(folder, format_)
        except (SourceUnreachable, SourceAuthFailed):
            raise
        except SourceError as error:
            if isinstance(error, SourceObjectGone) and not self._marked(folder, format_):
                return None
            problems.append(Problem(path=path, code=error.code, detail=error.detail, remedy=error.remedy))
            code = error.code
        if state is None:
            return AssetInfo(path=path, kind="table", format=format_, problem=code)
        rows = [file.rows for file in state.files]
        return AssetInfo(
            path=path,
            kind="table",
            format=format_,
            columns=_columns(state),
            rows_estimate=None if None in rows else sum(row or 0 for row in rows),
            bytes=sum(file.size for file in state.files),
            fingerprint=state.fingerprint,
            identity=state.identity,
            comment=state.comment,
        )

    def _own_name(self) -> str:
        """The name of a table that is the source's root itself."""
        return unquote(self._url.rstrip("/").rpartition("/")[2]) or "table"

    def _folder(self, path: str, format_: str) -> str:
        """The folder of a table's asset. A table in the root goes by the root's name."""
        return "" if path == self._own_name() and self._marked("", format_) else path

    def _marked(self, folder: str, format_: str) -> bool:
        """Whether the folder holds the log of a table still."""
        log = f"{folder}/{_LOGS[format_]}".lstrip("/")
        return any(table_of(f"{log}/{name}") for name in self._tree.names(log))

    def _get_files(self) -> str | Concern:
        found = super()._get_files()
        if self._seen is None or not self._seen.tables:
            return found
        summary = f"{len(self._seen.tables)} tables of Delta Lake and Iceberg."
        if isinstance(found, Concern):
            return Concern(f"{found.summary} {summary}", found.remedy) if self._seen.problems else summary
        return f"{found} {summary}"

    def _sample_read(self) -> str | Concern:
        """Looks into a table where there is one, else into files."""
        tables = (self._seen or self._list()[1]).tables
        failed: SourceError | None = None
        for folder, format_ in sorted(tables.items()):
            try:
                self._state(folder, format_)
            except SourceError as error:
                failed = failed or error
                continue
            return Concern(failed.detail, failed.remedy) if failed else "A table could be read."
        if failed:
            raise failed
        return super()._sample_read()


def _columns(state: TableState) -> tuple[ColumnInfo, ...]:
    return tuple(
        ColumnInfo(
            name=column.name,
            ordinal=place,
            type=column.type,
            physical_type=column.physical_type,
            nullable=column.nullable,
            comment=column.comment,
        )
        for place, column in enumerate(state.columns)
    )
