"""What shows that a folder is a table: a commit or a checkpoint of Delta Lake, or a metadata file of Iceberg."""

import re

_DELTA = re.compile(r"(?:(.+)/)?_delta_log/\d{20}\.(?:json|checkpoint\.(?:.+\.)?(?:parquet|json))")
_ICEBERG = re.compile(r"(?:(.+)/)?metadata/[^/]*\.metadata\.json(?:\.gz)?")


def table_of(path: str) -> tuple[str, str] | None:
    """Folder and format of the table to whose log a file belongs; None if it belongs to none. The folder may be ""."""
    for format_, mark in (("delta", _DELTA), ("iceberg", _ICEBERG)):
        if found := mark.fullmatch(path):
            return found[1] or "", format_
    return None
