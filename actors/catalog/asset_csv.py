"""Assets as CSV (RFC 4180): one line an asset or a column. Formulas are made harmless (`glossary_csv.safe`)."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from actors.catalog.contract import AssetView
from actors.catalog.glossary_csv import joined, safe

COLUMNS: Final = (
    "id", "path", "kind", "status", "lifecycle", "sensitivity", "rows", "bytes", "description", "owner", "tags", "tier",
    "certification", "column", "type", "column_description", "classes",
)  # fmt: skip


def written(assets: Iterable[AssetView]) -> str:
    """A header line, and for each asset a line of its own followed by one for each of its columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for asset in assets:
        level = asset.certification.level if asset.certification else ""
        whole = (
            asset.id, asset.path, asset.kind, asset.status, asset.lifecycle, asset.sensitivity, asset.rows, asset.bytes,
            asset.description or asset.comment, asset.owner, joined(asset.tags), asset.tier, level,
        )  # fmt: skip
        writer.writerow([_cell(each) for each in (*whole, "", "", "", "")])
        for column in asset.column_list:
            classes = joined(label.data_class for label in column.labels if label.state != "rejected")
            told = (column.name, column.physical_type, column.description or column.comment, classes)
            writer.writerow([_cell(each) for each in (*whole[:2], *[""] * 11, *told)])
    return out.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else safe(str(value))
